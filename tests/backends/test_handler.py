import pytest

from django_phone_otp.backends import backends
from django_phone_otp.backends.base import BaseBackend, InvalidBackend
from django_phone_otp.backends.console import ConsoleBackend
from django_phone_otp.backends.locmem import LocmemBackend
from django_phone_otp.test import override_phone_otp

LOCMEM = {"BACKEND": "django_phone_otp.backends.locmem.LocmemBackend"}
CONSOLE = {"BACKEND": "django_phone_otp.backends.console.ConsoleBackend"}


class KeyedBackend(BaseBackend):
    def __init__(self, *, alias, api_key, **options):
        super().__init__(alias=alias, **options)
        self.api_key = api_key


KEYED = f"{__name__}.KeyedBackend"


def test_an_alias_gives_its_backend_with_its_options_and_is_built_once():
    entry = {"BACKEND": KEYED, "OPTIONS": {"api_key": "hunter2"}}
    with override_phone_otp(BACKENDS={"default": LOCMEM, "spare": entry}):
        assert isinstance(backends["default"], LocmemBackend)
        assert backends["spare"].api_key == "hunter2"
        assert backends["spare"].alias == "spare"
        assert backends["spare"] is backends["spare"]
        assert list(backends) == ["default", "spare"]
        assert "spare" in backends
        assert "other" not in backends


def test_changed_settings_give_new_backends():
    with override_phone_otp(BACKENDS={"default": LOCMEM}):
        before = backends["default"]
        with override_phone_otp(BACKENDS={"default": CONSOLE}):
            assert isinstance(backends["default"], ConsoleBackend)
        assert isinstance(backends["default"], LocmemBackend)
        assert backends["default"] is not before


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"BACKEND": "nowhere.to.be.Found"}, "cannot import 'nowhere.to.be.Found'"),
        ({"BACKEND": "django_phone_otp.backends.locmem.Missing"}, "cannot import"),
        ({"BACKEND": "django_phone_otp.backends.locmem.outbox"}, "is not a subclass of BaseBackend"),
        ({"BACKEND": "collections.OrderedDict"}, "is not a subclass of BaseBackend"),
        ({"BACKEND": KEYED}, "api_key"),
        ({"BACKEND": KEYED, "OPTIONS": {"api_key": "hunter2", "apikey": "x"}}, "did you mean 'api_key'?"),
        ({"BACKEND": KEYED, "OPTIONS": {"api_key": "hunter2", "alias": "x"}}, "alias"),
        ({"BACKEND": KEYED, "OPTIONS": {"api_key": "hunter2", 7: "x"}}, "string"),
        ({"BACKEND": ".Backend"}, "cannot import '.Backend'"),
        ({"BACKEND": "collections."}, "cannot import 'collections.'"),
    ],
)
def test_an_alias_that_cannot_be_used_says_which_and_why_and_shows_no_option(entry, said):
    with override_phone_otp(BACKENDS={"default": LOCMEM, "spare": entry}):
        with pytest.raises(InvalidBackend) as problem:
            backends["spare"]
        assert str(problem.value).startswith("BACKENDS['spare']: ")
        assert said in str(problem.value)
        assert "hunter2" not in str(problem.value)
        assert isinstance(backends["default"], LocmemBackend)  # the others still work


def test_an_alias_that_cannot_be_used_is_logged_once_until_the_settings_change(caplog):
    entry = {"BACKEND": KEYED, "OPTIONS": {"apikey": "hunter2"}}
    for count in (1, 2):
        with override_phone_otp(BACKENDS={"default": LOCMEM, "spare": entry}):
            assert not backends.can_build("spare")
            for _ in range(3):
                with pytest.raises(InvalidBackend, match=r"BACKENDS\['spare'\]"):
                    backends["spare"]
            assert not backends.can_build("spare")
            assert backends.can_build("default")
        assert [record.levelname for record in caplog.records] == ["ERROR"] * count
    assert "BACKENDS['spare']" in caplog.text
    assert "hunter2" not in caplog.text


def test_an_alias_that_does_not_exist_is_named():
    with pytest.raises(InvalidBackend, match=r"BACKENDS\['nope'\]: there is no such alias"):
        backends["nope"]
