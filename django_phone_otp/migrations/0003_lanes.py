from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("phone_otp", "0002_delivery_log"),
    ]

    operations = [
        # The database keeps the default, so that code of before, which does not know the column, can insert rows
        # during a rollout. The model has none there: it would be read back after every INSERT.
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.AddField(
                    model_name="challenge",
                    name="lane",
                    field=models.CharField(blank=True, db_default="", default="", max_length=32, verbose_name="lane"),
                ),
            ],
            state_operations=[
                migrations.AddField(
                    model_name="challenge",
                    name="lane",
                    field=models.CharField(blank=True, default="", max_length=32, verbose_name="lane"),
                ),
            ],
        ),
        # The new one first: there is no moment without.
        migrations.AddConstraint(
            model_name="challenge",
            constraint=models.UniqueConstraint(
                fields=("number", "purpose", "lane", "serial"), name="phone_otp_challenge_lane_turn"
            ),
        ),
        migrations.RemoveConstraint(
            model_name="challenge",
            name="phone_otp_challenge_turn",
        ),
    ]
