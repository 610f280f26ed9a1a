"""Pages: views, forms and a decorator for projects that render HTML, over the same verbs as the API."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from django_phone_otp.html.change import ChangeNumberView
    from django_phone_otp.html.forms import CodeForm, NumberForm
    from django_phone_otp.html.login import LoginView
    from django_phone_otp.html.signup import SignupView
    from django_phone_otp.html.stepup import ConfirmView, VerificationRequiredMixin, verification_required
    from django_phone_otp.html.views import SendCodeView, VerifyCodeView

__all__ = [
    "ChangeNumberView",
    "CodeForm",
    "ConfirmView",
    "LoginView",
    "NumberForm",
    "SendCodeView",
    "SignupView",
    "VerificationRequiredMixin",
    "VerifyCodeView",
    "verification_required",
]

_HOMES = {
    "ChangeNumberView": "change",
    "CodeForm": "forms",
    "ConfirmView": "stepup",
    "LoginView": "login",
    "NumberForm": "forms",
    "SendCodeView": "views",
    "SignupView": "signup",
    "VerificationRequiredMixin": "stepup",
    "VerifyCodeView": "views",
    "verification_required": "stepup",
}


def __getattr__(name: str) -> Any:
    # Lazy: the app config of the admin lies beside the views, and is imported before models can be.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
