"""The list of countries: those that messages may go to, by their names in the reader's language."""

import phonenumbers
from django.utils import translation

from django_phone_otp.html.countries import offered
from django_phone_otp.test import override_phone_otp


def names(language):
    with translation.override(language):
        return {country.region: country.name for country in offered()}


def test_every_region_that_has_numbers_is_there_once_with_its_code():
    regions = {country.region: country.calling_code for country in offered()}
    assert set(regions) == phonenumbers.SUPPORTED_REGIONS
    assert (regions["IN"], regions["US"], regions["GG"]) == (91, 1, 44)


def test_names_are_in_the_readers_language():
    assert names("en")["DE"] == "Germany"
    assert names("de")["DE"] == "Deutschland"
    assert names("hi")["IN"] == "भारत"
    assert names("ar")["IN"] == "الهند"


def test_they_are_in_the_order_of_the_alphabet_whatever_their_accents():
    found = list(names("en").values())
    assert found.index("Afghanistan") < found.index("Åland Islands") < found.index("Albania")
    german = list(names("de").values())
    assert german.index("Ägypten") < german.index("Albanien") < german.index("Zypern")


def test_only_those_are_offered_that_messages_may_go_to():
    with override_phone_otp(REGIONS=["IN", "DE"]):
        assert [country.region for country in offered()] == ["DE", "IN"]
    with override_phone_otp(REGIONS=[]):  # an error only for `check --deploy`
        assert len(offered()) == len(phonenumbers.SUPPORTED_REGIONS)
