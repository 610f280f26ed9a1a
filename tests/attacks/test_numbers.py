"""A17 to A20: other spellings of a number, and numbers that cost a fortune, gain nothing."""

import pytest

from django_phone_otp.exceptions import InvalidPhone, NumberNotAllowed
from django_phone_otp.models import Challenge
from django_phone_otp.services.numbers import admit_number
from django_phone_otp.test import outbox, override_phone_otp
from tests.attacks.attackers import PHONE, browser
from tests.unlimited import UNLIMITED

pytestmark = pytest.mark.django_db

ONE_NUMBER = [
    "+14155550123",
    "+1 415 555 0123",
    "+1 (415) 555-0123",
    "+1.415.555.0123",
    "(+1) 415-555-0123",
    "+1415 5550123",
    "  +14155550123  ",
    "\t+14155550123\r\n",
    "+1\u2013415\u2013555\u20130123",
    "+1\u00a0415\u3000555\u20090123",
    "\uff0b\uff11\uff14\uff11\uff15\uff15\uff15\uff15\uff10\uff11\uff12\uff13",
    "+\u0661\u0664\u0661\u0665\u0665\u0665\u0665\u0660\u0661\u0662\u0663",
    "+\u0967\u096a\u0967\u096b\u096b\u096b\u096b\u0966\u0967\u0968\u0969",
    "4155550123",
    "1 415 555 0123",
    "011 1 415 555 0123",
]
NO_NUMBER = [
    "+14155550123;ext=1",
    "+14155550123 ext 1",
    "+14155550123x99",
    "+14155550123#77",
    "+14155550123,,1",
    "+14155550123;isub=1",
    "tel:+14155550123",
    "tel:4155550123;phone-context=+1",
    "4155550123;phone-context=+1",
    "sms:+14155550123",
    "+1415555\u200b0123",
    "+1415555\u00ad0123",
    "+1415\u20605550123",
    "\u202e+14155550123",
    "\ufeff+14155550123",
    "+14155550123\x00",
    "+14155550123\r\nX: y",
    "++14155550123",
    "+ +14155550123",
    "+1+4155550123",
    "abc+14155550123",
    "+14155550123 call me",
    "+1415555CODE",
    "1-800-FLOWERS",
    "+14155550123 +14155550124",
    "+14155550123\n+14155550124",
    "+14155550123,+14155550124",
    "+14155550123;+14155550124",
    "+14155550123/+14155550124",
    "*#06#",
    "*67 4155550123",
    "+1911",
    "12345",
    "+",
    "",
    " ",
    "1" * 33,
    "+1 4 1 5 5 5 5 0 1 2 3" + " " * 20,
    "\u00b9\u2074\u00b9\u2075\u2075\u2075\u2075\u2070\u00b9\u00b2\u00b3",
    "\u2460\u2463\u2460\u2464\u2464\u2464\u2464\u24ea\u2460\u2461\u2462",
]


@override_phone_otp(DEFAULT_REGION="US", LIMITS={**UNLIMITED, "send.number": ["3/5m"]})
def test_a17_all_spellings_of_a_number_share_its_limit():
    statuses = [browser(f"203.0.113.{n}").send(typed).status_code for n, typed in enumerate(ONE_NUMBER)]
    assert statuses == [201] * 3 + [429] * (len(ONE_NUMBER) - 3)
    assert {message.number for message in outbox} == {PHONE}


@override_phone_otp(DEFAULT_REGION="US", LIMITS={**UNLIMITED, "verify.number": ["5/1d"]})
def test_a17_all_spellings_of_a_number_share_its_guesses():
    for typed in ONE_NUMBER:
        browser().send(typed)
    assert sum(Challenge.objects.values_list("max_attempts", flat=True)) == 5


@pytest.mark.parametrize("typed", NO_NUMBER, ids=ascii)
@override_phone_otp(DEFAULT_REGION="US")
def test_a17_what_only_a_lenient_reader_takes_for_a_number_is_refused(typed):
    answer = browser().send(typed)
    assert (answer.status_code, answer.json()["code"] in {"invalid", "invalid_phone"}) == (400, True)
    assert not outbox
    assert not Challenge.objects.exists()


@override_phone_otp(DEFAULT_REGION="BR")
def test_a17_a_carrier_code_is_no_way_to_spell_a_number():
    assert browser().send("0 15 11 96123-4567").status_code == 400


@pytest.mark.parametrize(
    ("number", "region", "neighbours"),
    [
        ("+18765550123", "JM", ["US", "CA"]),
        ("+12423591234", "BS", ["US", "CA"]),
        ("+14165550123", "CA", ["US"]),
        ("+14155550123", "US", ["CA", "JM"]),
        ("+447911123456", "GG", ["GB", "JE", "IM"]),
        ("+447797712345", "JE", ["GB", "GG", "IM"]),
        ("+447624123456", "IM", ["GB", "GG", "JE"]),
        ("+77011234567", "KZ", ["RU"]),
        ("+79161234567", "RU", ["KZ"]),
        ("+262692123456", "RE", ["FR", "YT"]),
        ("+262639012345", "YT", ["FR", "RE"]),
        ("+590690001234", "GP", ["FR"]),
        ("+4779123456", "SJ", ["NO"]),
        ("+358181234567", "AX", ["FI"]),
        ("+61891621234", "CC", ["AU"]),
    ],
)
def test_a18_a_calling_code_that_several_countries_share_opens_none_of_the_others(number, region, neighbours):
    with override_phone_otp(REGIONS=neighbours):
        answer = browser().send(number)
        assert (answer.status_code, answer.json()["code"]) == (400, "number_not_allowed")
        assert not outbox
    with override_phone_otp(REGIONS=[region]):
        assert browser().send(number).status_code == 201


@pytest.mark.parametrize("number", ["+881612345678", "+870773123456", "+88299123456", "+88310000000", "+80012345678"])
@pytest.mark.parametrize("regions", [["*"], ["US"], []], ids=str)
def test_a18_a_network_without_a_country_is_in_no_region(number, regions):
    with override_phone_otp(REGIONS=regions), pytest.raises(NumberNotAllowed):
        admit_number(number)


@pytest.mark.parametrize(
    ("first", "second"), [("+541123456789", "+5491123456789"), ("+5491123456789", "+541123456789")]
)
@pytest.mark.parametrize("limit", ["send.number", "send.number_purpose", "send.prefix"])
def test_a19_two_numbers_of_one_phone_share_its_limits(first, second, limit):
    with override_phone_otp(LIMITS={**UNLIMITED, limit: ["3/1h"]}):
        statuses = [browser().send(number).status_code for number in (first, second) * 3]
    assert statuses == [201] * 3 + [429] * 3


@pytest.mark.parametrize(
    "number",
    [
        pytest.param("+5215512345678", id="Mexico with the 1 of before 2019"),
        pytest.param("+55419999999", id="Brazil without the ninth digit"),
        pytest.param("+39236123456", id="Italy without its zero"),
        pytest.param("+22507123456", id="Ivory Coast of before 2021"),
        pytest.param("+22997123456", id="Benin of before 2024"),
        pytest.param("+5411154567890", id="Argentina with 15"),
    ],
)
def test_a19_a_spelling_of_the_past_is_no_second_number(number):
    with pytest.raises(InvalidPhone):
        admit_number(number)


EXPENSIVE = {
    "+19002345678": "premium",
    "+449098790000": "premium",
    "+979123456789": "premium",
    "+33899123456": "premium",
    "+911861123456789": "premium",
    "+39848123456": "shared_cost",
    "+80812345678": "shared_cost",
    "+9118603451234": "shared_cost",
    "+18005550123": "toll_free",
    "+80012345678": "toll_free",
    "+448001234567": "toll_free",
    "+447640123456": "pager",
    "+445512345678": "uan",
    "+41581234567": "uan",
    "+49177991234567": "voicemail",
    "+447012345678": "personal",
    "+15002345678": "personal",
    "+881612345678": "satellite",
    "+870773123456": "satellite",
    "+88299123456": "satellite",
    "+88310000000": "satellite",
    "+16005551234": "special_rate",
}


@pytest.mark.parametrize(("number", "reason"), EXPENSIVE.items())
def test_a20_a_number_that_costs_a_fortune_gets_no_message_wherever_one_may_go(number, reason):
    answer = browser().send(number)
    assert (answer.status_code, answer.json()["code"]) == (400, "number_not_allowed")
    assert not outbox
    with pytest.raises(NumberNotAllowed) as refusal:
        admit_number(number)
    assert refusal.value.reason == reason


def test_a20_every_refusal_says_the_same():
    said = {browser().send(number).content for number in EXPENSIVE}
    with override_phone_otp(REGIONS=["IN"], DENIED_PREFIXES=["+91987"]):
        said |= {browser().send(number).content for number in (PHONE, "+919876543210")}
    assert len(said) == 1


@pytest.mark.parametrize("spelling", ["+1 (900) 234-5678", "19002345678", "011 1 900 234 5678", "\uff0b19002345678"])
@override_phone_otp(DEFAULT_REGION="US")
def test_a20_no_spelling_hides_one(spelling):
    assert browser().send(spelling).json()["code"] == "number_not_allowed"
