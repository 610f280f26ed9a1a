"""Lets a test choose the database that the app's tables are in, and a benchmark the one for everything."""

chosen = "default"
everything = None


class ChosenDatabase:
    """Sends the app's queries to ``chosen``, in every thread."""

    def db_for_read(self, model, **hints):
        return chosen if model._meta.app_label == "phone_otp" else everything

    db_for_write = db_for_read
