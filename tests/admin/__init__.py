from django.urls import reverse


def url(model, page, *args):
    """Return the URL of a page of this app in the admin."""
    return reverse(f"admin:phone_otp_{model}_{page}", args=args)
