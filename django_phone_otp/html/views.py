"""The two steps as views of their own, for a flow that the project puts together itself."""

from typing import Any

from django.shortcuts import resolve_url

from django_phone_otp.html.code_step import CodeStep
from django_phone_otp.html.number_step import NumberStep


class SendCodeView(NumberStep):
    """Ask for a number, send a code there, and go on to ``code_url``: a URL, or the name of one."""

    steps = ("number",)
    code_url: Any = None

    def url_of(self, step: str) -> str:
        """Return the URL of a step; that of the code is the project's."""
        return self.with_next(resolve_url(self.code_url)) if step == "code" else super().url_of(step)


class VerifyCodeView(CodeStep):
    """Ask for the code that ``SendCodeView`` of the same ``purpose`` sent: subclass it, and define ``verified()``.

    ``number_url`` is where to give another number: a URL, or the name of one.
    """

    steps = ("code",)
    number_url: Any = None

    def url_of(self, step: str) -> str:
        """Return the URL of a step; that of the number is the project's."""
        return self.with_next(resolve_url(self.number_url)) if step == "number" else super().url_of(step)
