"""The admin behind a code: staff give their password, then a code that was sent to their phone."""

from datetime import timedelta
from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.auth import BACKEND_SESSION_KEY, REDIRECT_FIELD_NAME, load_backend
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.urls import path, reverse

from django_phone_otp.html.stepup import CONFIRM_URL, redirect_to_confirm
from django_phone_otp.services.recency import verified_ago


class PhoneAdminSite(AdminSite):
    """An admin that opens by password and phone, both in this session.

    ``verification_minutes`` lets the phone be asked for again after so long; None is once a session.
    Whoever logged in by phone alone is asked for the password.
    """

    verification_minutes: int | None = None
    confirm_url: Any = CONFIRM_URL

    def has_permission(self, request: HttpRequest) -> bool:
        """Tell whether this is a member of staff who gave both."""
        return self._has_password(request) and self._has_phone(request)

    def get_urls(self) -> list[Any]:
        """Let whoever gave only the password log out again: the admin's own way out is for those who are in."""
        return [path("logout/", self.logout, name="logout"), *super().get_urls()]

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Ask for the password, then for the phone."""
        if self._has_password(request) and not self._has_phone(request):
            onward = request.GET.get(REDIRECT_FIELD_NAME) or reverse("admin:index", current_app=self.name)
            return redirect_to_confirm(onward, resolve_url(self.confirm_url))
        return super().login(request, extra_context)

    def _has_password(self, request: HttpRequest) -> bool:
        if not super().has_permission(request):
            return False
        way_in = request.session.get(BACKEND_SESSION_KEY)
        return way_in is not None and not getattr(load_backend(way_in), "by_phone", False)

    def _has_phone(self, request: HttpRequest) -> bool:
        ago = verified_ago(request)
        if ago is None:
            return False
        return self.verification_minutes is None or ago <= timedelta(minutes=self.verification_minutes)
