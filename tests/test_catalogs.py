"""The catalogs: complete in every language, compiled as they are written, and fit for an SMS."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import polib
import pytest
from django.utils import translation

import django_phone_otp as phone_otp
from django_phone_otp.core.segments import Encoding, count_segments, usual_segments
from django_phone_otp.services.phones import rebind
from django_phone_otp.test import outbox, override_phone_otp
from tests.conftest import PHONE, need
from tests.unlimited import UNLIMITED

PACKAGE = Path(phone_otp.__file__).parent
LOCALE = PACKAGE / "locale"
LANGUAGES = ["ar", "de", "en", "es", "fr", "hi", "id", "pt"]
OTHERS = [language for language in LANGUAGES if language != "en"]
IN_UCS2 = {"ar", "hi"}  # their letters are not in the GSM alphabet
_PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]|</?\w+>")

every_language = pytest.mark.parametrize("language", LANGUAGES)
every_other_language = pytest.mark.parametrize("language", OTHERS)


def catalog(language):
    return polib.pofile(LOCALE / language / "LC_MESSAGES" / "django.po")


def keys(entries):
    return {(entry.msgctxt, entry.msgid, entry.msgid_plural) for entry in entries}


def test_there_is_a_catalog_for_each_language_and_no_other():
    assert sorted(path.name for path in LOCALE.iterdir()) == LANGUAGES


def test_the_catalogs_have_every_text_of_the_code_and_nothing_else(tmp_path):
    need("xgettext (of gettext)", shutil.which("xgettext"))
    copy = tmp_path / "package"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__", "locale", "*.pyc"))
    (copy / "locale").mkdir()
    make = [
        sys.executable,
        "-P",
        "-W",
        "ignore",
        "-m",
        "django",
        "makemessages",
        "-l",
        "de",
        "--no-location",
        "-v",
        "0",
    ]
    subprocess.run(make, cwd=copy, check=True, timeout=120)
    in_the_code = keys(polib.pofile(copy / "locale" / "de" / "LC_MESSAGES" / "django.po"))
    assert len(in_the_code) > 400
    for language in LANGUAGES:
        assert keys(catalog(language)) == in_the_code, language


@every_other_language
def test_every_text_is_translated_with_its_placeholders(language):
    entries = list(catalog(language))
    assert [entry.msgid for entry in entries if not entry.translated() or entry.fuzzy] == []
    for entry in entries:
        texts = entry.msgstr_plural.values() if entry.msgid_plural else [entry.msgstr]
        wanted = set(_PLACEHOLDER.findall(entry.msgid_plural or entry.msgid))
        for text in texts:
            assert text.strip(), entry.msgid
            assert set(_PLACEHOLDER.findall(text)) <= wanted, entry.msgid
        assert set(_PLACEHOLDER.findall(list(texts)[-1])) == wanted, entry.msgid


@every_language
def test_what_is_compiled_is_what_is_written(language):
    written = catalog(language)
    compiled = polib.mofile(LOCALE / language / "LC_MESSAGES" / "django.mo")

    def texts(entries):
        found = {(entry.msgctxt or None, entry.msgid): entry.msgstr or entry.msgstr_plural for entry in entries}
        return {key: text for key, text in found.items() if text and (isinstance(text, str) or any(text.values()))}

    assert texts(compiled) == texts(written)


@pytest.mark.django_db
@every_language
@pytest.mark.parametrize("purpose", ["signup", "login", "verify"])
def test_every_message_is_as_short_as_its_script_allows(language, purpose, django_user_model):
    phone_otp.bind(django_user_model.objects.create_user("owner"), PHONE)
    with override_phone_otp(LIMITS=UNLIMITED), translation.override(language):
        phone_otp.send(PHONE, purpose=purpose)
    text = outbox[-1].text
    assert text.startswith(outbox[-1].code)  # a lock screen shows no more
    segments = count_segments(text)
    assert segments.count <= usual_segments(text), text
    assert segments.encoding == (Encoding.UCS2 if language in IN_UCS2 else Encoding.GSM7), text


@pytest.mark.django_db
@every_language
def test_every_notice_is_as_short_too(language, django_user_model, django_capture_on_commit_callbacks):
    owner = django_user_model.objects.create_user("owner")
    phone_otp.bind(owner, PHONE)
    with django_capture_on_commit_callbacks(execute=True), translation.override(language):
        rebind(owner, "+14155550124")
    (notice,) = outbox
    assert (notice.number, notice.code) == (PHONE, "")
    assert "Example" in notice.text
    assert count_segments(notice.text).count <= usual_segments(notice.text), notice.text


@every_other_language
def test_no_two_countries_have_one_name(language):
    names = [entry.msgstr for entry in catalog(language) if entry.msgctxt == "country"]
    assert len(names) == len(set(names)) == 245
