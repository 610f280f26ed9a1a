import itertools
from datetime import date, datetime, timedelta
from decimal import Decimal
from ipaddress import ip_network

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from django_phone_otp import checks, conf
from django_phone_otp.backends import backends
from django_phone_otp.backends.console import ConsoleBackend
from django_phone_otp.core.keys import Key
from django_phone_otp.core.policies import MessageSettings, MoneyBudget, Route, TestNumber
from django_phone_otp.core.rates import Rate
from django_phone_otp.core.statuses import DeliveryStatus

SECRET = "a-secret-of-the-tests-that-no-text-may-show"
FICTION = "+15555550100"
LOCMEM = {"BACKEND": "django_phone_otp.backends.locmem.LocmemBackend"}
TEST_NUMBER = {"code": "424242", "until": "2027-01-31"}


class Odd:
    """Equal to nothing, iterable by nobody, and without a text of its own."""

    def __str__(self):
        raise AssertionError("a value was turned into text")

    __repr__ = __str__


def only(**keys):
    return override_settings(PHONE_OTP=keys)


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


def test_no_settings_at_all_are_a_working_development_setup(settings):
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
    ("DISPATCHER", "tests.test_conf.only", lambda c: c.dispatcher == "tests.test_conf.only"),
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
