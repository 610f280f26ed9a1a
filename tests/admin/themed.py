"""Asks for every page of the admin under a theme, which must have what the pages are for; ends with 1 if one has not.

python -m tests.admin.themed unfold
"""

import os
import sys

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"

import django
from django.conf import settings

THEME = sys.argv[1]
if THEME != "none":
    settings.INSTALLED_APPS = [THEME, *settings.INSTALLED_APPS]
settings.DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
settings.DATABASE_ROUTERS = []
django.setup()

from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client

from django_phone_otp.test import override_phone_otp
from tests.admin.everything import SETTINGS, every_page, make_everything
from tests.unlimited import UNLIMITED

# What each page is for: without it, a theme has left it out.
PURPOSE = {
    "challenge_changelist": ["•177", 'name="q"', "Export as CSV", "locked"],  # a choice of a filter
    "challenge_change": ["What became of it", "All challenges of this number", "Show the number", "Block the number"],
    "challenge_reveal": ["Show the full number?", "csrfmiddlewaretoken", "Show the number"],
    "challenge_export": ["With full numbers", "csrfmiddlewaretoken"],
    "delivery_changelist": ["default", "Export as CSV", "sent"],
    "delivery_change": ["Ask the vendor now", "Receipts"],
    "block_changelist": ["+1415557*", "Block a number, a prefix or a region"],
    "block_block": ['name="value"', 'name="reason"', "csrfmiddlewaretoken"],
    "dailyfigures_changelist": ["What was sent and verified", "<svg", "send.ip"],
}


def main():
    """Ask for all pages; tell what is missing."""
    call_command("migrate", verbosity=0)
    root = User.objects.create_superuser("root")
    client = Client(headers={"Host": "localhost"})
    client.force_login(root, backend="django.contrib.auth.backends.ModelBackend")
    faults, seen = [], {}
    with override_phone_otp(LIMITS=UNLIMITED, **SETTINGS):
        make_everything(root)
        for name, url in every_page():
            answer = client.get(url, follow=True)
            if answer.status_code not in {200, 403, 404, 405}:
                faults.append(f"{name}: {answer.status_code}")
            if answer.status_code == 200:
                seen.setdefault(name.split(" ")[0].removeprefix("phone_otp_"), []).append(answer.content.decode())
    for name, words in PURPOSE.items():
        faults += [f"{name}: no {each!r}" for each in words if not any(each in page for page in seen.get(name, []))]
    print(f"{THEME}: {sum(map(len, seen.values()))} pages", *faults, sep="\n")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
