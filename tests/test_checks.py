from datetime import timedelta

import pytest
from django.contrib.sessions.middleware import SessionMiddleware
from django.core import checks as django_checks
from django.core.checks import ERROR, WARNING

from django_phone_otp.backends.base import BaseBackend
from django_phone_otp.backends.console import ConsoleBackend
from django_phone_otp.checks import check_deployment, check_settings

SECRET = "s3cr3t-key-that-is-long-enough-for-every-check-here-0123456789"
FICTION = "+15555550100"
LOCMEM = {"BACKEND": "django_phone_otp.backends.locmem.LocmemBackend"}
REDIS = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1"}}


class LiveBackend(BaseBackend):
    def __init__(self, *, alias, api_key="", **options):
        super().__init__(alias=alias, **options)

    def check(self):
        return [django_checks.Warning(f"{self.alias} speaks for itself", id="phone_otp.W999")]


class QuietBackend(BaseBackend):
    def __init__(self, *, alias, sender, api_key="", **options):
        super().__init__(alias=alias, **options)


class OwnSessions(SessionMiddleware):
    """A project's own."""


def plain_middleware(get_response):
    return get_response


LIVE = {"BACKEND": f"{__name__}.LiveBackend"}
QUIET = {"BACKEND": f"{__name__}.QuietBackend", "OPTIONS": {"sender": "EXMPL", "api_key": SECRET}}


@pytest.fixture
def production(settings):
    """A project that is ready: tests spoil one thing each."""
    settings.DEBUG = False
    settings.SECRET_KEY = SECRET
    settings.CACHES = REDIS
    settings.PHONE_OTP = {"BACKENDS": {"default": QUIET}, "REGIONS": ["IN"], "KEYS": [SECRET]}
    return settings


def spoil(production, **keys):
    production.PHONE_OTP = {**production.PHONE_OTP, **keys}


def found(check):
    messages = check(None)
    for message in messages:
        shown = f"{message.msg} {message.hint}"
        assert SECRET not in shown
        assert FICTION not in shown
        assert "424242" not in shown
        assert message.level == (ERROR if message.id.startswith("phone_otp.E") else WARNING)
    return [message.id.removeprefix("phone_otp.") for message in messages]


def text_of(check):
    (message,) = check(None)
    return message.msg


def test_a_project_that_is_ready_has_no_findings(production):
    assert found(check_settings) == []
    assert found(check_deployment) == []


def test_the_checks_run_with_the_others_of_security_and_deployment_ones_only_when_asked(production):
    spoil(production, REGIONS=[])
    tags = [django_checks.Tags.security]
    usual = {message.id for message in django_checks.run_checks(tags=tags)}
    deployment = {message.id for message in django_checks.run_checks(tags=tags, include_deployment_checks=True)}
    assert "phone_otp.E031" not in usual
    assert "phone_otp.E031" in deployment
    spoil(production, REGIONS="IN")
    assert "phone_otp.E006" in {message.id for message in django_checks.run_checks(tags=tags)}


def test_a_backend_speaks_for_itself(production):
    spoil(production, BACKENDS={"default": QUIET, "spare": LIVE})
    assert found(check_settings) == ["W999"]
    assert text_of(check_settings) == "spare speaks for itself"


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"BACKEND": "nowhere.Backend"}, "BACKENDS['spare']: cannot import 'nowhere.Backend'"),
        ({"BACKEND": "collections.OrderedDict"}, "is not a subclass of BaseBackend"),
        ({"BACKEND": ".Backend"}, "BACKENDS['spare']: cannot import '.Backend'"),
        ({**QUIET, "OPTIONS": {"api_key": SECRET}}, "'sender'"),
        (
            {**QUIET, "OPTIONS": {"sender": "X", "apikey": SECRET}},
            "option 'apikey' is unknown; did you mean 'api_key'?",
        ),
    ],
)
def test_an_alias_that_cannot_be_used_is_named(production, entry, said):
    spoil(production, BACKENDS={"default": QUIET, "spare": entry})
    assert found(check_settings) == ["E021"]
    assert "BACKENDS['spare']" in text_of(check_settings)
    assert said in text_of(check_settings)
    assert found(check_deployment) == []


def test_every_alias_is_checked(production):
    spoil(production, BACKENDS={"default": {"BACKEND": "nowhere.A"}, "spare": {"BACKEND": "nowhere.B"}})
    assert found(check_settings) == ["E021", "E021"]


def test_a_user_field_must_exist(production):
    spoil(production, USER_FIELD="username")
    assert found(check_settings) == []
    spoil(production, USER_FIELD="mobile_no")
    assert found(check_settings) == ["E016"]
    assert "'mobile_no'" in text_of(check_settings)
    assert "username" in text_of(check_settings)


@pytest.mark.parametrize("name", ["verified_phones", "groups"])
def test_a_user_field_must_hold_a_number(production, name):
    spoil(production, USER_FIELD=name)
    assert found(check_settings) == ["E016"]


@pytest.mark.parametrize(
    "path",
    ["nowhere.deliver", "django_phone_otp.services.delivery.delivr", "django_phone_otp.conf.SETTING", ".deliver"],
)
def test_a_dispatcher_must_be_something_to_call(production, path):
    spoil(production, DISPATCHER=path)
    assert found(check_settings) == ["E018"]
    assert text_of(check_settings).startswith("PHONE_OTP['DISPATCHER']: ")


@pytest.mark.parametrize(
    ("middleware", "ids"),
    [
        ([], ["E040"]),
        (["nowhere.Middleware", "tests.test_checks.plain_middleware"], ["E040"]),
        (["django.contrib.sessions.middleware.SessionMiddleware"], []),
        (["tests.test_checks.OwnSessions"], []),
    ],
)
def test_what_is_bound_to_a_browser_needs_sessions(production, middleware, ids):
    production.MIDDLEWARE = middleware
    assert found(check_settings) == []
    spoil(production, PURPOSES={"signup": {"SAME_BROWSER": True}})
    assert found(check_settings) == ids


@pytest.mark.parametrize("path", ["nowhere.hook", "django_phone_otp.__version__", "django_phone_otp.nothing"])
def test_a_challenge_hook_must_be_something_to_call(production, path):
    spoil(production, CHALLENGE_HOOK="builtins.dict")
    assert found(check_settings) == []
    spoil(production, CHALLENGE_HOOK=path)
    assert found(check_settings) == ["E039"]
    assert text_of(check_settings).startswith("PHONE_OTP['CHALLENGE_HOOK']: ")


@pytest.mark.parametrize(
    "templates",
    [
        [],
        [{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
        [{"BACKEND": "django.template.backends.dummy.TemplateStrings", "DIRS": ["/nowhere"]}],
    ],
    ids=["none", "no-app-dirs", "elsewhere"],
)
def test_a_message_template_that_cannot_be_found_is_an_error(production, templates):
    production.TEMPLATES = templates
    assert found(check_settings) == ["E023"]
    assert "phone_otp/message/default.txt" in text_of(check_settings)


def test_a_message_template_with_a_fault_is_an_error_of_its_purpose(production, tmp_path):
    template = tmp_path / "phone_otp" / "message" / "login.txt"
    template.parent.mkdir(parents=True)
    template.write_text("{% if %}")
    production.TEMPLATES = [{**production.TEMPLATES[0], "DIRS": [tmp_path]}]
    assert found(check_settings) == ["E023"]
    assert "'login'" in text_of(check_settings)


def test_a_channel_that_no_alias_speaks_is_an_error(production):
    class Mute(ConsoleBackend):
        channels = frozenset({"sms"})

    globals()["Mute"] = Mute
    alias = {"BACKEND": "tests.test_checks.Mute"}
    spoil(production, CHANNELS=["sms", "voice"], BACKENDS={"default": alias})
    assert found(check_settings) == ["E024"]
    assert "'voice'" in text_of(check_settings)


def test_local_time_is_an_error(production):
    production.USE_TZ = False
    assert found(check_settings) == ["E025"]


def test_a_user_field_that_two_may_share_is_an_error(production):
    spoil(production, USER_FIELD="email")
    assert found(check_settings) == ["E016"]
    assert "not unique" in text_of(check_settings)


@pytest.mark.parametrize(
    ("base_url", "ids"),
    [
        ("http://vendor.example", ["E038"]),
        ("https://vendor.example", []),
        ("http://127.0.0.1:9000", []),
        ("http://localhost", []),
        ("http://[::1]:9000", []),
    ],
)
def test_a_vendor_without_encryption_is_an_error_in_production(production, base_url, ids):
    backend = {"BACKEND": "django_phone_otp.backends.http.HTTPBackend", "OPTIONS": {"base_url": base_url}}
    spoil(production, BACKENDS={"default": backend})
    assert found(check_deployment) == ids


@pytest.mark.parametrize("name", ["console.ConsoleBackend", "inbox.InboxBackend", "locmem.LocmemBackend"])
def test_a_development_backend_is_an_error_in_production(production, name):
    spoil(production, BACKENDS={"default": QUIET, "spare": {"BACKEND": f"django_phone_otp.backends.{name}"}})
    assert found(check_settings) == []
    assert found(check_deployment) == ["E030"]
    assert "'spare'" in text_of(check_deployment)


def test_regions_that_nobody_named_are_an_error_in_production(production):
    spoil(production, REGIONS=[])
    assert found(check_settings) == []
    assert found(check_deployment) == ["E031"]
    spoil(production, REGIONS=["*"])
    assert found(check_deployment) == []


def test_a_fixed_code_that_is_allowed_in_production_is_a_warning(production):
    entry = {"code": "424242", "until": "2027-01-31"}
    spoil(production, TEST_NUMBERS={FICTION: entry})
    assert found(check_deployment) == []
    spoil(production, TEST_NUMBERS={"+15555550101": entry, FICTION: {**entry, "allow_in_production": True}})
    assert found(check_deployment) == ["W032"]


@pytest.mark.parametrize(
    ("number", "ids"),
    [("+14155550100", []), ("+447700900123", []), ("+15555550100", []), ("+14155551234", ["E041"]), ("+12", [])],
)
def test_a_test_number_must_be_nobodys(production, number, ids):
    if number == "+12":
        number = "+10000000000"
    spoil(production, TEST_NUMBERS={number: {"code": "424242", "until": "2027-01-31"}})
    assert found(check_deployment) == ids
    assert number not in str(check_deployment(None))


@pytest.mark.parametrize(("length", "ids"), [(4, ["E033"]), (5, ["E033"]), (6, []), (10, [])])
def test_short_codes_are_an_error_in_production(production, length, ids):
    spoil(production, PURPOSES={"signup": {}, "login": {"CODE_LENGTH": length}})
    assert found(check_settings) == []
    assert found(check_deployment) == ids
    if ids:
        assert "'login'" in text_of(check_deployment)


@pytest.mark.parametrize(
    ("life", "ids"),
    [(timedelta(minutes=10), []), (timedelta(minutes=10, seconds=1), ["E034"]), (timedelta(1), ["E034"])],
)
def test_codes_and_tokens_that_live_too_long_are_an_error_in_production(production, life, ids):
    spoil(production, PURPOSES={"signup": {}, "login": {"CODE_TTL": life}})
    assert found(check_settings) == []
    assert found(check_deployment) == ids
    if ids:
        assert "'login'" in text_of(check_deployment)
    spoil(production, PURPOSES={"signup": {}}, TOKEN_TTL=life)
    assert found(check_deployment) == ids
    if ids:
        assert "TOKEN_TTL" in text_of(check_deployment)


@pytest.mark.parametrize(
    ("keys", "ids"),
    [
        (["x" * 31], ["E035"]),
        (["x" * 32], []),
        ([SECRET, "short"], ["E035"]),
        (["é" * 16], []),
        (["short", "brief"], ["E035"]),
    ],
)
def test_short_keys_are_an_error_in_production(production, keys, ids):
    spoil(production, KEYS=keys)
    assert found(check_settings) == []
    assert found(check_deployment) == ids


@pytest.mark.parametrize(
    "secret", ["x" * 60, "abcd" * 20, SECRET[:49], f"django-insecure-{SECRET}"], ids=["one", "four", "short", "marked"]
)
def test_a_weak_secret_key_is_an_error_only_when_it_stands_in_for_keys(production, secret):
    production.SECRET_KEY = secret
    assert found(check_deployment) == []
    spoil(production, KEYS=[])
    assert found(check_deployment) == ["E035"]
    production.SECRET_KEY = SECRET
    assert found(check_deployment) == []


def test_a_project_without_settings_has_every_deployment_finding_and_no_crash(production):
    production.SECRET_KEY = "short"
    production.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    del production.PHONE_OTP
    assert found(check_settings) == []
    assert found(check_deployment) == ["E030", "E031", "E035", "E036"]


@pytest.mark.parametrize(
    ("name", "ids"),
    [
        ("locmem.LocMemCache", ["E036"]),
        ("dummy.DummyCache", ["E036"]),
        ("filebased.FileBasedCache", ["E037"]),
        ("db.DatabaseCache", ["E037"]),
        ("redis.RedisCache", []),
        ("memcached.PyMemcacheCache", []),
    ],
)
def test_a_cache_that_does_not_count_for_all_is_found(production, name, ids):
    production.CACHES = {"default": {"BACKEND": f"django.core.cache.backends.{name}", "LOCATION": "/nowhere"}}
    assert found(check_settings) == []
    assert found(check_deployment) == ids


def test_a_cache_of_our_own_is_the_one_that_is_judged(production):
    locmem = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    production.CACHES = {"default": locmem, "phone_otp": REDIS["default"]}
    assert found(check_deployment) == []
    production.CACHES = {"default": REDIS["default"], "phone_otp": locmem}
    assert found(check_deployment) == ["E036"]
    assert "'phone_otp'" in text_of(check_deployment)


def test_a_cache_that_cannot_be_built_counts_nothing(production):
    production.CACHES = {"default": {"BACKEND": "nowhere.Cache"}}
    assert found(check_deployment) == ["E037"]
    assert "'default'" in text_of(check_deployment)


def test_a_wrong_setting_hides_the_findings_that_depend_on_it(production):
    spoil(production, REGIONS="IN", CODE_LENGTH=3)
    assert found(check_settings) == ["E006", "E008"]
    assert found(check_deployment) == []
