"""Where things are in an admin, whatever site it is."""

from typing import Any
from urllib.parse import urlencode

from django.db.models import Model
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse


def url_of(site: str, model: str, page: str, *args: Any) -> str:
    """Return the URL of a page of this app in the admin site of that name."""
    return reverse(f"admin:phone_otp_{model}_{page}", args=args, current_app=site)


def list_of(site: str, model: str, **query: Any) -> str:
    """Return the URL of a list of this app, with what its filters are to choose."""
    url = url_of(site, model, "changelist")
    return f"{url}?{urlencode(query)}" if query else url


def may_see(request: HttpRequest, model: type[Model]) -> bool:
    """Tell whether this member of staff may see rows of ``model``."""
    label, name = model._meta.app_label, model._meta.model_name
    return any(request.user.has_perm(f"{label}.{act}_{name}") for act in ("view", "change"))


def url_of_user(site: str, request: HttpRequest, user: Any) -> str:
    """Return the URL of a user, or ``""`` where the site has none or this member of staff may not see users."""
    label, name = user._meta.app_label, user._meta.model_name
    if not may_see(request, type(user)):
        return ""
    try:
        return reverse(f"admin:{label}_{name}_change", args=[user.pk], current_app=site)
    except NoReverseMatch:  # users are kept elsewhere
        return ""
