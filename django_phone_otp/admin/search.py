"""Search: by a number in any notation, a handle, an id of ours or a vendor's, or a user."""

from typing import Any

from django.contrib import messages
from django.contrib.auth import get_user_model
from django.core.exceptions import FieldDoesNotExist
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables

from django_phone_otp.admin.filters import with_vendor_id
from django_phone_otp.admin.links import list_of, may_see, url_of, url_of_user
from django_phone_otp.admin.lists import uuid_or_none
from django_phone_otp.core import handles
from django_phone_otp.core.numbers import twins
from django_phone_otp.exceptions import InvalidPhone
from django_phone_otp.models import VENDOR_ID_MAXIMUM, Challenge, Delivery
from django_phone_otp.services.numbers import look_up
from django_phone_otp.services.phones import find_owner

TERM_MAXIMUM = 200  # characters: longer than any handle, vendor's id or address


@sensitive_post_parameters()
@sensitive_variables()
def search_view(request: HttpRequest, site: str, model: str) -> HttpResponse:
    """Go to what was asked for. It is posted, and the answer names no number: addresses are kept in logs."""
    term = request.POST.get("q", "").strip()[:TERM_MAXIMUM]
    found = _find(request, term, site, model) if term and "\0" not in term else None
    if found is None:
        words = gettext("Nothing that you may see has this number, with its country code, or this handle, id or name.")
        messages.warning(request, words)
        found = list_of(site, model)
    return HttpResponseRedirect(found)


@sensitive_variables()
def _find(request: HttpRequest, term: str, site: str, model: str) -> str | None:
    return (
        _by_key(request, term, site)
        or _by_number(request, term, site, model)
        or _by_vendor_id(request, term, site)
        or _by_user(term, site, model)
    )


def _by_key(request: HttpRequest, term: str, site: str) -> str | None:
    # Not whether a handle is signed, but what it names: staff may see every challenge, and one that is bound
    # to a browser, or signed by a key that has left, is asked about too.
    pk = uuid_or_none(term) or handles.named(term)
    for row in (Challenge, Delivery):
        if pk and may_see(request, row) and row._default_manager.filter(pk=pk).exists():
            return url_of(site, row._meta.model_name or "", "change", pk)
    return None


@sensitive_variables()
def _by_number(request: HttpRequest, term: str, site: str, model: str) -> str | None:
    try:
        number, _ = look_up(term)
    except InvalidPhone:
        return None
    found = Challenge.objects.filter(number__in=twins(number.e164)).values_list("pk", flat=True).order_by("-pk").first()
    return list_of(site, model, number_of=found) if found else _by_owner(request, number.e164, site, model)


@sensitive_variables()
def _by_owner(request: HttpRequest, number: str, site: str, model: str) -> str | None:
    """A verified number outlives its challenges: lead to whose it is."""
    owner = next(filter(None, map(find_owner, twins(number))), None)
    if owner is None:
        return None
    messages.info(request, gettext("No challenge of this number is held any more. A user has it."))
    return url_of_user(site, request, owner) or list_of(site, model, user=owner.pk)


def _by_vendor_id(request: HttpRequest, term: str, site: str) -> str | None:
    if len(term) > VENDOR_ID_MAXIMUM or not term.isprintable() or not may_see(request, Delivery):
        return None
    found = with_vendor_id(Delivery.objects.all(), term).values_list("pk", flat=True)[:2]
    if len(found) == 1:
        return url_of(site, "delivery", "change", found[0])
    return list_of(site, "delivery", vendor_id=term) if found else None


def _by_user(term: str, site: str, model: str) -> str | None:
    users: Any = get_user_model()
    email = users.get_email_field_name()
    for field in (users.USERNAME_FIELD, email):
        try:
            users._meta.get_field(field)
        except FieldDoesNotExist:  # a user model may have no e-mail address
            continue
        if found := users._default_manager.filter(**{field: term}).values_list("pk", flat=True).first():
            return list_of(site, model, user=found)
    return None
