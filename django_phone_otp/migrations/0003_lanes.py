from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import F, Max


def keep_turns_apart(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Before there are no lanes: number the challenges of each one behind those of the others."""
    challenges = apps.get_model("phone_otp", "Challenge").objects.using(schema_editor.connection.alias)
    lanes = challenges.exclude(lane="").values_list("number", "purpose", "lane").distinct()
    for number, purpose, lane in lanes.order_by("number", "purpose", "lane"):
        of_number = challenges.filter(number=number, purpose=purpose)
        last = of_number.aggregate(last=Max("serial"))["last"]
        of_number.filter(lane=lane).update(serial=F("serial") + last)


class Migration(migrations.Migration):
    dependencies = [
        ("phone_otp", "0002_delivery_log"),
    ]

    operations = [
        # The database keeps the default, so that code of before, which does not know the column, can insert rows
        # during a rollout. The model has none there: it would be read back after every INSERT.
        migrations.AddField(
            model_name="challenge",
            name="lane",
            field=models.CharField(blank=True, db_default="", default="", max_length=32, verbose_name="lane"),
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
        migrations.RunPython(migrations.RunPython.noop, keep_turns_apart),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField(
                    model_name="challenge",
                    name="lane",
                    field=models.CharField(blank=True, default="", max_length=32, verbose_name="lane"),
                ),
            ],
        ),
    ]
