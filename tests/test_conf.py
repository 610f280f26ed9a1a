"""Settings: what is in force without any, with each of them, and after a change."""

import itertools
from datetime import date, timedelta
from decimal import Decimal
from ipaddress import ip_network

import pytest

from django_phone_otp import checks, conf
from django_phone_otp.backends import backends
from django_phone_otp.backends.console import ConsoleBackend
from django_phone_otp.core.keys import Key
from django_phone_otp.core.policies import MessageSettings, MoneyBudget, Route, TestNumber
from django_phone_otp.core.rates import Rate
from django_phone_otp.core.statuses import DeliveryStatus
from tests.configured import FICTION, LOCMEM, SECRET, TEST_NUMBER, only


def test_no_settings_at_all_are_a_working_development_setup(settings):
    settings.PHONE_OTP = {}  # nobody is told of what is deleted, and what was read before would stay
    del settings.PHONE_OTP
    current = conf.current()
    assert isinstance(backends["default"], ConsoleBackend)
    assert list(backends) == ["default"]
    assert list(current.purposes) == ["signup", "login", "verify"]
    assert checks.check_settings(None) == []


@pytest.mark.parametrize("given", [{}, dict(conf.DEFAULTS)], ids=["empty", "spelled-out"])
def test_the_defaults_are_in_force(given, settings):
    settings.PHONE_OTP = given
    current = conf.current()
    for purpose in current.purposes.values():
        assert (purpose.code_length, purpose.code_ttl, purpose.max_attempts) == (6, timedelta(minutes=5), 5)
        assert (purpose.registered_only, purpose.same_browser, purpose.context) == (False, False, ())
    assert current.routes == ()
    assert current.channels == ("sms",)
    assert current.regions == frozenset()
    assert current.default_region is None
    assert current.resend_after == (30, 40, 60, 90, 120)
    assert current.limits == {
        "send.number": (Rate(3, 300), Rate(10, 86_400)),
        "send.number_purpose": (),
        "send.ip": (Rate(20, 3600),),
        "send.client": (Rate(20, 86_400),),
        "send.prefix": (Rate(50, 3600),),
        "send.region": (),
        "send.purpose": (),
        "send.global": (),
        "send.account": (),
        "verify.number": (Rate(15, 86_400),),
        "verify.ip": (Rate(60, 3600),),
        "verify.failed": (Rate(50, 600),),
    }
    assert all(purpose.limits == current.limits for purpose in current.purposes.values())
    assert current.challenge_hook is None
    assert current.denied_prefixes == ()
    assert current.budget == MoneyBudget({})
    assert current.trusted_proxies == ()
    assert [key.id for key in current.keys] == [Key(settings.SECRET_KEY).id]
    assert current.token_ttl == timedelta(minutes=10)
    assert current.user_field is None
    assert current.message == MessageSettings("", None, None)
    assert current.dispatcher == "django_phone_otp.services.delivery.deliver"
    assert current.test_numbers == {}
    assert current.retention == timedelta(days=30)


def test_every_key_has_a_default_a_reader_and_a_check_of_its_own():
    assert set(conf.DEFAULTS) == set(conf._READERS) == set(checks.SETTING_IDS) - {""}
    assert len(set(checks.SETTING_IDS.values())) == len(checks.SETTING_IDS)
    assert len(conf.DEFAULTS) <= 25


def purpose(**expected):
    def judge(current):
        found = current.purposes["signup"]
        return {key: getattr(found, key) for key in expected} == expected

    return judge


GOOD = [
    ("BACKENDS", {"default": LOCMEM, "spare_2-b": LOCMEM}, lambda c: list(c.backends) == ["default", "spare_2-b"]),
    ("BACKENDS", {"default": {**LOCMEM, "OPTIONS": {}}}, lambda c: c.backends["default"].options == {}),
    (
        "ROUTES",
        [
            {"regions": ["IN"], "channels": ["sms"], "purposes": ["login"], "backends": ["default"]},
            {"backends": ["default"]},
        ],
        lambda c: (
            c.routes
            == (
                Route(("default",), frozenset({"IN"}), frozenset({"sms"}), frozenset({"login"})),
                Route(("default",), frozenset(), frozenset(), frozenset()),
            )
        ),
    ),
    (
        "ROUTES",
        ({"regions": ("*",), "channels": ["*"], "purposes": ["*", "login"], "backends": ("default",)},),
        lambda c: c.routes == (Route(("default",), frozenset(), frozenset(), frozenset()),),
    ),
    (
        "ROUTES",
        [{"backends": {"default": 80}}],
        lambda c: (c.routes[0].backends, c.routes[0].weights) == (("default",), (80,)),
    ),
    ("BUDGET", {}, lambda c: c.budget == MoneyBudget({})),
    (
        "BUDGET",
        {"PRICES": {"IN": "0.0025", "*": "9999.999999"}},
        lambda c: c.budget.prices == {"IN": Decimal("0.0025"), "*": Decimal("9999.999999")},
    ),
    ("PURPOSES", {"signup": {}}, lambda c: list(c.purposes) == ["signup"]),
    ("PURPOSES", {"signup": {"CODE_LENGTH": 8}}, purpose(code_length=8, max_attempts=5)),
    ("PURPOSES", {"signup": {"CODE_TTL": timedelta(minutes=3)}}, purpose(code_ttl=timedelta(minutes=3))),
    ("PURPOSES", {"signup": {"MAX_ATTEMPTS": 3}}, purpose(max_attempts=3)),
    ("PURPOSES", {"signup": {"REGISTERED_ONLY": True}}, purpose(registered_only=True)),
    ("PURPOSES", {"signup": {"CONTEXT": ["amount", "payee"]}}, purpose(context=("amount", "payee"))),
    ("PURPOSES", {"signup": {"SAME_BROWSER": True}}, purpose(same_browser=True)),
    (
        "PURPOSES",
        {"signup": {"LIMITS": {"verify.number": ["5/1d"], "send.purpose": ["9/1h", "9/1h"]}}},
        lambda c: (
            c.purposes["signup"].limits
            == {**c.limits, "verify.number": (Rate(5, 86_400),), "send.purpose": (Rate(9, 3600),)}
        ),
    ),
    ("DENIED_PREFIXES", ["+4470", "+1"], lambda c: c.denied_prefixes == ("+4470", "+1")),
    ("CHALLENGE_HOOK", "builtins.dict", lambda c: c.challenge_hook == "builtins.dict"),
    ("CHANNELS", ["voice", "whatsapp"], lambda c: c.channels == ("voice", "whatsapp")),
    ("REGIONS", ["IN", "GG"], lambda c: c.regions == {"IN", "GG"}),
    ("REGIONS", ["*"], lambda c: c.regions == {"*"}),
    ("DEFAULT_REGION", "IN", lambda c: c.default_region == "IN"),
    ("CODE_LENGTH", 4, purpose(code_length=4)),
    ("CODE_LENGTH", 10, purpose(code_length=10)),
    ("CODE_TTL", timedelta(minutes=1), purpose(code_ttl=timedelta(minutes=1))),
    ("CODE_TTL", timedelta(seconds=1), purpose(code_ttl=timedelta(seconds=1))),
    ("MAX_ATTEMPTS", 1, purpose(max_attempts=1)),
    ("MAX_ATTEMPTS", 100, purpose(max_attempts=100)),
    ("RESEND_AFTER", [0], lambda c: c.resend_after == (0,)),
    ("RESEND_AFTER", (60, 86_400), lambda c: c.resend_after == (60, 86_400)),
    ("LIMITS", {"send.ip": ["1/2s", "3/1d"]}, lambda c: c.limits["send.ip"] == (Rate(1, 2), Rate(3, 86_400))),
    ("LIMITS", {"send.ip": []}, lambda c: c.limits["send.ip"] == () and c.limits["send.number"] != ()),
    (
        "TRUSTED_PROXIES",
        ["10.0.0.0/8", "::1"],
        lambda c: c.trusted_proxies == (ip_network("10.0.0.0/8"), ip_network("::1")),
    ),
    ("KEYS", ["new", "old"], lambda c: [key.id for key in c.keys] == [Key("new").id, Key("old").id]),
    ("TOKEN_TTL", timedelta(minutes=2), lambda c: c.token_ttl == timedelta(minutes=2)),
    ("USER_FIELD", "username", lambda c: c.user_field == "username"),
    ("MESSAGE", {"APP_NAME": "Café"}, lambda c: c.message == MessageSettings("Café", None, None)),
    ("MESSAGE", {"DOMAIN": "login.example.com"}, lambda c: c.message.domain == "login.example.com"),
    ("MESSAGE", {"ANDROID_APP_HASH": "FA+9qCX9VS/"}, lambda c: c.message.android_app_hash == "FA+9qCX9VS/"),
    ("DISPATCHER", "tests.configured.only", lambda c: c.dispatcher == "tests.configured.only"),
    (
        "TEST_NUMBERS",
        {FICTION: TEST_NUMBER},
        lambda c: c.test_numbers[FICTION] == TestNumber("424242", DeliveryStatus.DELIVERED, date(2027, 1, 31), False),
    ),
    (
        "TEST_NUMBERS",
        {FICTION: {"code": "0042", "outcome": "failed", "until": date(2027, 1, 31), "allow_in_production": True}},
        lambda c: c.test_numbers[FICTION] == TestNumber("0042", DeliveryStatus.FAILED, date(2027, 1, 31), True),
    ),
    ("RETENTION", timedelta(days=365), lambda c: c.retention == timedelta(days=365)),
    ("RETENTION", timedelta(days=1, seconds=1), lambda c: c.retention == timedelta(days=1, seconds=1)),
]


@pytest.mark.parametrize(("key", "value", "in_force"), GOOD, ids=itertools.count())
def test_a_good_value_is_in_force(key, value, in_force):
    with only(**{key: value}):
        assert checks.check_settings(None) == []
        assert in_force(conf.current())


def test_every_key_is_overridden_above():
    assert {key for key, _, _ in GOOD} == set(conf.DEFAULTS)


def test_a_purpose_overrides_the_project_and_only_for_itself():
    with only(CODE_LENGTH=8, PURPOSES={"signup": {}, "login": {"CODE_LENGTH": 4}}):
        purposes = conf.current().purposes
        assert (purposes["signup"].code_length, purposes["login"].code_length) == (8, 4)


def test_settings_are_read_once_and_anew_when_they_are_overridden():
    before = conf.current()
    assert conf.current() is before
    with only(CODE_LENGTH=8):
        assert conf.current() is not before
        assert conf.current().purposes["signup"].code_length == 8
    assert conf.current().purposes["signup"].code_length == 6


def test_another_secret_key_is_seen_at_once(settings):
    settings.PHONE_OTP = {}
    first = conf.current().keys.newest.id
    settings.SECRET_KEY = "another"
    assert conf.current().keys.newest.id == Key("another").id != first
    settings.SECRET_KEY_FALLBACKS = ["older", "oldest"]
    assert [key.id for key in conf.current().keys] == [Key("another").id, Key("older").id, Key("oldest").id]


def test_keys_of_our_own_take_the_place_of_the_secret_key(settings):
    settings.SECRET_KEY_FALLBACKS = ["older"]
    settings.PHONE_OTP = {"KEYS": ["own"]}
    assert [key.id for key in conf.current().keys] == [Key("own").id]


def test_an_unrelated_setting_does_not_make_them_read_again(settings):
    before = conf.current()
    settings.DEBUG = True
    assert conf.current() is before


@pytest.mark.parametrize(
    ("regions", "region", "allowed"),
    [([], "IN", True), (["*"], "IN", True), (["IN"], "IN", True), (["IN"], "US", False), (["US", "*"], "IN", True)],
)
def test_messages_go_to_the_regions_that_are_named(regions, region, allowed):
    with only(REGIONS=regions):
        assert conf.current().allows_region(region) is allowed


def test_the_repr_of_the_settings_shows_no_secret():
    entry = {"BACKEND": "a.B", "OPTIONS": {"api_key": SECRET}}
    with only(KEYS=[SECRET], BACKENDS={"default": entry}, TEST_NUMBERS={FICTION: TEST_NUMBER}):
        shown = repr(conf.current())
    assert SECRET not in shown
    assert FICTION not in shown
    assert "424242" not in shown
