"""The forms of the pages: a number, a code, a password. They check nothing that the verbs check."""

import re
import secrets
from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import mark_safe
from django.utils.translation import get_language_bidi
from django.utils.translation import gettext_lazy as _

from django_phone_otp import conf
from django_phone_otp.core.numbers import with_region
from django_phone_otp.exceptions import Invalid, InvalidPhone, PhoneOTPError
from django_phone_otp.html import countries
from django_phone_otp.html.wording import explain

_OTHER_THAN_DIGITS = re.compile(r"[^0-9\s-]", re.ASCII)


class RefusableForm(forms.Form):
    """A form that can be told of a refusal, and shows it where the person can do something about it."""

    blamed: tuple[type[PhoneOTPError], ...] = ()  # refusals that are about `field`
    field = ""
    use_required_attribute = False

    def refuse(self, refusal: PhoneOTPError) -> None:
        """Show why what was typed led to nothing."""
        self.add_error(self.field if isinstance(refusal, self.blamed) else None, explain(refusal))


class NumberForm(RefusableForm):
    """Asks for a phone number: its country from a list, or with ``+`` in the number itself."""

    blamed = (InvalidPhone,)
    field = "phone"

    region = forms.CharField(required=False)
    phone = forms.CharField(
        label=_("Phone number"),
        error_messages={"required": _("Enter a phone number.")},
    )
    key = forms.CharField(required=False)  # a double click is one message

    def __init__(self, request: HttpRequest, data: Any = None, initial: dict[str, Any] | None = None) -> None:
        self.countries = countries.offered()
        self.new_key = secrets.token_urlsafe(16)  # for the form that is shown next
        first = {"region": _likely_region(request, self.countries)}
        super().__init__(data, initial=first | (initial or {}))

    @property
    def chosen(self) -> str:
        """The region that the list shows."""
        return str(self["region"].value() or "")

    @property
    def options(self) -> str:
        """The list's countries, in as few bytes as HTML allows: there may be 245 of them."""
        mark = "\N{LEFT-TO-RIGHT MARK}" if get_language_bidi() else ""  # or the + would stand behind its digits
        return format_html_join(
            "",
            "<option value={}{}>{} {}+{}",  # two letters need no quotes, and an option no end
            (
                (region, mark_safe(" selected") if region == self.chosen else "", name, mark, calling_code)
                for region, name, calling_code in self.countries
            ),
        )

    @property
    def number(self) -> str:
        """What was typed, as a number with its country where it can be read so."""
        region = self.cleaned_data["region"]
        known = {country.region for country in self.countries}
        return with_region(self.cleaned_data["phone"], region if region in known else conf.current().default_region)


class CodeForm(RefusableForm):
    """Asks for a code. What was typed stays there when it is wrong."""

    blamed = (PhoneOTPError,)
    field = "code"

    code = forms.CharField(
        required=False,  # what is wrong with it, the verb says
        strip=False,
        max_length=64,
        label=_("Code"),
        error_messages={"max_length": _("Enter the code from the message: digits only.")},
    )
    reference = forms.CharField(required=False)

    def __init__(self, data: Any = None, *, digits: int) -> None:
        super().__init__(data)
        self.digits = digits

    def refuse(self, refusal: PhoneOTPError) -> None:
        """Show why; of too few or too many digits, how many they should be."""
        if isinstance(refusal, Invalid) and not _OTHER_THAN_DIGITS.search(self.cleaned_data.get("code", "")):
            self.add_error("code", _("Enter the code: %(digits)d digits.") % {"digits": self.digits})
        else:
            super().refuse(refusal)


class PasswordForm(RefusableForm):
    """Asks somebody who is logged in for their password again."""

    blamed = (PhoneOTPError,)
    field = "password"

    password = forms.CharField(
        strip=False,
        max_length=4096,  # as Django's own forms take
        label=_("Password"),
        error_messages={"required": _("Enter your password.")},
    )


def _likely_region(request: HttpRequest, offered: tuple[countries.Country, ...]) -> str:
    """Return the country that the list shows first: the project's, the only one, or the one that the browser names."""
    known = {country.region for country in offered}
    default = conf.current().default_region
    if default in known:
        return str(default)
    if len(known) == 1:
        return next(iter(known))
    for wanted in request.headers.get("Accept-Language", "")[:100].split(","):
        region = wanted.partition(";")[0].strip().partition("-")[2].upper()
        if region in known:
            return region
    return ""
