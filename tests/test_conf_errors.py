"""Settings that are wrong: each is an error of its own key, which names the place and shows no secret."""

import itertools
from datetime import datetime, timedelta

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from django_phone_otp import checks, conf
from tests.configured import FICTION, LOCMEM, SECRET, TEST_NUMBER, only


class Odd:
    """Equal to nothing, iterable by nobody, and without a text of its own."""

    def __str__(self):
        raise AssertionError("a value was turned into text")

    __repr__ = __str__


def problem_of(key, value):
    """Set ``key`` to what it may not be; return the text, which check and ``current()`` must agree on."""
    with only(**{key: value}):
        found = [message for message in checks.check_settings(None) if message.id != "phone_otp.E021"]
        assert [message.id for message in found] == [f"phone_otp.{checks.SETTING_IDS[key]}"]
        assert found[0].msg.startswith(f"PHONE_OTP[{key!r}]: ")
        assert checks.check_deployment(None) == []
        with pytest.raises(ImproperlyConfigured) as refusal:
            conf.current()
    assert str(refusal.value) == found[0].msg
    assert SECRET not in found[0].msg
    assert FICTION not in found[0].msg
    return found[0].msg


def route(**changes):
    return [{"backends": ["default"], **changes}]


def test_number(**changes):
    return {FICTION: {**TEST_NUMBER, **changes}}


test_number.__test__ = False

DURATIONS = (None, 300, "5m", timedelta(0), timedelta(seconds=-1), timedelta(milliseconds=999), timedelta.max)
WHOLES = (None, "6", 6.0, True, -1, 0, 10**9)
BAD = {
    "BUDGET": [
        None,
        [],
        {"DAILY": "50"},
        {"PRICES": None},
        {"PRICES": {"XX": "1"}},
        {"PRICES": {None: "1"}},
        *(
            {"PRICES": {"IN": price}}
            for price in (None, 1, 0.5, "", "-1", "1,5", "1e3", "10000", "0.0000001", "\N{FULLWIDTH DIGIT ONE}")
        ),
    ],
    "BACKENDS": [
        None,
        [],
        {},
        "default",
        {"spare": LOCMEM},
        {"default": None},
        {"default": {}},
        {"default": {"BACKEND": None}},
        {"default": {"BACKEND": "undotted"}},
        {"default": {"BACKEND": Odd()}},
        {"default": {**LOCMEM, "OPTIONS": None}},
        {"default": {**LOCMEM, "OPTIONS": [SECRET]}},
        {"default": LOCMEM, "with space": LOCMEM},
        {"default": LOCMEM, "with/slash": LOCMEM},
        {"default": LOCMEM, "": LOCMEM},
        {"default": LOCMEM, 7: LOCMEM},
        {"default": LOCMEM, "x" * 33: LOCMEM},
        {"default": LOCMEM, "x\n": LOCMEM},
    ],
    "ROUTES": [
        None,
        {},
        "default",
        [None],
        ["default"],
        [{}],
        route(backends=[]),
        route(backends="default"),
        route(backends=["nowhere"]),
        route(backends=["*"]),
        route(backends=[7]),
        route(backends=[["default"]]),
        *(route(backends={"default": weight}) for weight in (0, -1, True, "80", 0.5, 10**9, None)),
        route(backends={}),
        route(backends={7: 1}),
        route(backends={"nowhere": 1}),
        route(regions=["in"]),
        route(regions=["XX"]),
        route(regions="IN"),
        route(regions=None),
        route(channels=["pigeon"]),
        route(channels=7),
        route(purposes=["nothing"]),
        route(purposes="login"),
        route(purposes=7),
        route(purposes=None),
        route(purposes=[["login"]]),
    ],
    "PURPOSES": [
        None,
        {},
        ["login"],
        {"login": None},
        {"log in": {}},
        {"x" * 33: {}},
        {7: {}},
        {"login": {"CODE_LENGTH": 3}},
        {"login": {"CODE_LENGTH": "6"}},
        {"login": {"CODE_TTL": 300}},
        {"login": {"MAX_ATTEMPTS": 0}},
        {"login": {"REGISTERED_ONLY": "yes"}},
        {"login": {"REGISTERED_ONLY": None}},
        {"login": {"CONTEXT": "amount"}},
        {"login": {"CONTEXT": [""]}},
        {"login": {"CONTEXT": None}},
    ],
    "CHANNELS": [None, [], "sms", ["pigeon"], ["sms", "pigeon"], [7], [None], {"sms": True}],
    "REGIONS": [None, "IN", ["in"], ["XX"], ["001"], [""], [7], [["IN"]], ["IN", "india"], {"IN": True}],
    "DEFAULT_REGION": ["", "in", "XX", "001", "*", 91, ["IN"]],
    "CODE_LENGTH": [*WHOLES, 3, 11],
    "CODE_TTL": DURATIONS,
    "MAX_ATTEMPTS": [*WHOLES, 101],
    "RESEND_AFTER": [None, [], 30, "30", ["30"], [30.5], [-1], [True], [86_401], [timedelta(seconds=30)]],
    "LIMITS": [
        None,
        [],
        "3/5m",
        {"send.number": "3/5m"},
        {"send.number": [None]},
        {"send.number": ["100/week"]},
        {"send.number": ["0/5m"]},
        {"send.number": None},
        {"verify.number": []},
    ],
    "DENIED_PREFIXES": [None, "+44", ["44"], ["+"], ["+044"], ["+44 70"], [""], [7], ["+4\uff14"], ["+" + "4" * 16]],
    "CHALLENGE_HOOK": ["", "hook", 7, True, ["shop.captcha.hook"], dict],
    "TRUSTED_PROXIES": [None, "10.0.0.0/8", ["10.0.0.1/8"], ["proxy.example"], ["10.0.0.0/33"], [""], [7], 1],
    "KEYS": [None, SECRET, [SECRET, ""], [SECRET, None], [SECRET.encode()], {"new": SECRET}, 7],
    "TOKEN_TTL": DURATIONS,
    "USER_FIELD": ["", 7, ["phone"], True],
    "MESSAGE": [
        None,
        [],
        "Example",
        {"APP_NAME": None},
        {"APP_NAME": 7},
        {"APP_NAME": "Exa\nmple"},
        {"APP_NAME": "Exa\N{RIGHT-TO-LEFT OVERRIDE}mple"},
        {"DOMAIN": ""},
        {"DOMAIN": "https://example.com"},
        {"DOMAIN": "example.com:8000"},
        {"DOMAIN": "example.com\n"},
        {"DOMAIN": "example..com"},
        {"DOMAIN": "ex ample.com"},
        {"DOMAIN": "x" * 254},
        {"DOMAIN": 7},
        {"ANDROID_APP_HASH": "short"},
        {"ANDROID_APP_HASH": "FA+9qCX9VS/="},
        {"ANDROID_APP_HASH": "FA+9qCX9V\n/"},
        {"ANDROID_APP_HASH": 7},
        {"DOMAIN": "example.com", "ANDROID_APP_HASH": "FA+9qCX9VSu"},
    ],
    "DISPATCHER": [None, "", "undotted", 7, ["a.b"], print],
    "TEST_NUMBERS": [
        None,
        [FICTION],
        {FICTION: None},
        {FICTION: {}},
        {FICTION: "424242"},
        {"15555550100": TEST_NUMBER},
        {"+1 555 555 0100": TEST_NUMBER},
        {15555550100: TEST_NUMBER},
        {"": TEST_NUMBER},
        test_number(code=None),
        test_number(code=424242),
        test_number(code="123"),
        test_number(code="12345678901"),
        test_number(code="42424x"),
        test_number(code="424242\n"),
        test_number(outcome="lost"),
        test_number(outcome="queued"),
        test_number(outcome="sending"),
        test_number(outcome=None),
        test_number(outcome=["failed"]),
        test_number(until=None),
        test_number(until=""),
        test_number(until="next year"),
        test_number(until="2027-02-30"),
        test_number(until=datetime(2027, 1, 31)),
        test_number(allow_in_production="yes"),
        test_number(allow_in_production=1),
    ],
    "RETENTION": [*DURATIONS, timedelta(hours=23), timedelta(days=1)],
}


@pytest.mark.parametrize(
    ("key", "value"),
    [pytest.param(key, value, id=f"{key}-{n}") for key, values in BAD.items() for n, value in enumerate(values)],
)
def test_a_bad_value_is_an_error_of_its_key_and_nothing_else_happens(key, value):
    assert problem_of(key, value)


def test_every_key_has_bad_values_above():
    assert set(BAD) == set(conf.DEFAULTS)


def test_purposes_that_differ_only_in_case_are_one_too_many():
    assert "differ only in case" in problem_of("PURPOSES", {"login": {}, "Login": {}})


def test_a_test_number_that_is_wrong_is_named_by_its_place():
    wrong = {FICTION: TEST_NUMBER, "+15555550101": {**TEST_NUMBER, "code": 7}}
    assert "entry 2: " in problem_of("TEST_NUMBERS", wrong)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("BACKENDS", {"default": {**LOCMEM, "OPTION": {}}}, "'default': 'OPTION' is unknown; did you mean 'OPTIONS'?"),
        ("BACKENDS", {"default": {"backend": "a.B"}}, "'default': 'backend' is unknown; did you mean 'BACKEND'?"),
        ("ROUTES", route(region=["IN"]), "[0]: 'region' is unknown; did you mean 'regions'?"),
        ("ROUTES", [*route(), *route(CHANNELS=["sms"])], "[1]: 'CHANNELS' is unknown; did you mean 'channels'?"),
        ("ROUTES", route(price=1), "[0]: 'price' is unknown; known are backends, channels, purposes, regions"),
        ("PURPOSES", {"login": {"CODE_LENGHT": 6}}, "'login': 'CODE_LENGHT' is unknown; did you mean 'CODE_LENGTH'?"),
        ("PURPOSES", {"login": {"ttl": 6}}, "'login': 'ttl' is unknown"),
        ("LIMITS", {"send.numbers": ["3/5m"]}, "'send.numbers' is unknown; did you mean 'send.number'?"),
        ("LIMITS", {"ip": ["3/5m"]}, "'ip' is unknown"),
        ("MESSAGE", {"NAME": "Example"}, "'NAME' is unknown; did you mean 'APP_NAME'?"),
        ("MESSAGE", {"domain": "example.com"}, "'domain' is unknown; did you mean 'DOMAIN'?"),
        ("MESSAGE", {7: "x"}, "7 is unknown"),
        ("TEST_NUMBERS", test_number(kode="1"), "entry 1: 'kode' is unknown; did you mean 'code'?"),
        ("PURPOSES", {"login": {"CODE_LENGTH": 3}}, "'login': CODE_LENGTH must be a whole number from 4 to 10"),
        ("LIMITS", {"send.ip": ["100/week"]}, "'send.ip': a rate looks like '3/5m'"),
        ("PURPOSES", {"login": {"CONTEXT": "amount"}}, "'login': CONTEXT must be a list"),
        ("ROUTES", [*route(), {}], "[1]: backends must be a list"),
        ("ROUTES", route(regions="IN"), "[0]: regions must be a list"),
    ],
    ids=itertools.count(),
)
def test_the_error_names_the_place_and_the_right_word(key, value, said):
    assert said in problem_of(key, value)


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("CODE_LENGHT", "unknown; did you mean 'CODE_LENGTH'?"),
        ("code_ttl", "unknown; did you mean 'CODE_TTL'?"),
        ("BACKEND", "unknown; did you mean 'BACKENDS'?"),
        ("ZZZ", "unknown; known are BACKENDS, BUDGET, CHALLENGE_HOOK,"),
        (7, "unknown; known are"),
    ],
)
def test_an_unknown_key_is_an_error_that_suggests_the_right_one(key, said):
    with override_settings(PHONE_OTP={key: SECRET}):
        (found,) = checks.check_settings(None)
        assert found.id == "phone_otp.E001"
        assert found.msg.startswith(f"PHONE_OTP['{key}']: {said}")
        assert SECRET not in found.msg
        with pytest.raises(ImproperlyConfigured, match=str(key)):
            conf.current()


@pytest.mark.parametrize("value", [None, [], "BACKENDS", 7])
def test_the_setting_itself_must_be_a_dict(value):
    with override_settings(PHONE_OTP=value):
        (found,) = checks.check_settings(None)
        assert (found.id, found.msg) == ("phone_otp.E001", "PHONE_OTP: must be a dict")
        assert checks.check_deployment(None) == []
        with pytest.raises(ImproperlyConfigured, match=r"^PHONE_OTP: must be a dict$"):
            conf.current()


def test_all_wrong_keys_are_reported_together():
    with only(CODE_LENGTH=3, REGIONS="IN", WRONG=1):
        found = {message.id.removeprefix("phone_otp.") for message in checks.check_settings(None)}
    assert found == {"E001", checks.SETTING_IDS["CODE_LENGTH"], checks.SETTING_IDS["REGIONS"]}


def test_a_wrong_default_does_not_accuse_the_purposes_that_take_it():
    assert problem_of("CODE_LENGTH", 3)
    assert problem_of("CODE_TTL", 3)


def test_what_may_still_be_counted_is_not_cleared_away():
    with only(LIMITS={"verify.number": ["15/1d", "50/30d"]}):
        (found,) = checks.check_settings(None)
        assert found.id == f"phone_otp.{checks.SETTING_IDS['RETENTION']}"
        assert "'verify.number'" in found.msg
    with only(LIMITS={"verify.number": ["15/1d", "50/30d"]}, RETENTION=timedelta(days=31)):
        assert checks.check_settings(None) == []
    assert problem_of("LIMITS", {"verify.number": "wrong"})  # and RETENTION is not accused for it
