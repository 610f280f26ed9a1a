"""Every vendor of the package is held to the contract."""

import importlib
import inspect
import pkgutil
from pathlib import Path

from django_phone_otp import backends
from django_phone_otp.backends.base import BaseBackend
from django_phone_otp.backends.http import HTTPBackend
from tests.backends.contract import BackendContract


def vendors():
    """Return the dotted path of every class of the package that speaks HTTP and can send."""
    names = [module.name for module in pkgutil.iter_modules(backends.__path__, f"{backends.__name__}.")]
    found = set()
    for name in names:
        for kind in vars(importlib.import_module(name)).values():
            if inspect.isclass(kind) and issubclass(kind, HTTPBackend) and kind.send is not BaseBackend.send:
                found.add(f"{kind.__module__}.{kind.__qualname__}")
    return found


def held_to_the_contract():
    """Return the dotted path of every class with a contract of its own in a file beside this one."""
    for path in Path(__file__).parent.glob("test_*.py"):
        importlib.import_module(f"{__package__}.{path.stem}")
    waiting, found = [BackendContract], set()
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if kind.__name__.startswith("Test"):  # else pytest does not run it
            found.add(kind.backend)
    return found


def test_every_vendor_of_the_package_is_held_to_the_contract():
    assert len(vendors()) >= 4
    assert vendors() <= held_to_the_contract()


def test_a_vendor_without_one_would_be_noticed(monkeypatch):
    class ForgottenBackend(HTTPBackend):
        def send(self, message):
            """Do nothing."""

    ForgottenBackend.__module__ = "django_phone_otp.backends.imb"
    monkeypatch.setattr(importlib.import_module("django_phone_otp.backends.imb"), "Forgotten", ForgottenBackend, False)
    assert len(vendors() - held_to_the_contract()) == 1
