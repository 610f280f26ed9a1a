"""Passwords, asked again of somebody who is logged in."""

from typing import Any

from django.contrib.auth import authenticate
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from django_phone_otp.core.rates import Rate
from django_phone_otp.services import limits
from django_phone_otp.services.askers import asker_of

WRONG_AT_MOST = Rate(5, 600)  # for an account, whoever asks: nobody mistypes the password of their own more often


@sensitive_variables()
def is_password(request: HttpRequest, password: str) -> bool:
    """Tell whether ``password`` is that of the request's user.

    Whoever finds an open session must not try out passwords in it: each counts against the address, as a
    guess at a code does (``verify.ip``), and a wrong one against the account, five in ten minutes. Raises
    ``RateLimited`` or ``Unavailable``.
    """
    user: Any = request.user
    limits.hit(asker_of(request).guess_buckets())
    # Counted as wrong before it is judged, or many at once would all be judged first.
    counted = limits.hit_fixed("password", f"user {user.pk}", WRONG_AT_MOST)
    # Not check_password(): the project's own backends may know more of passwords, and hear of failures.
    found = authenticate(request, username=user.get_username(), password=password)
    right = found is not None and found.pk == user.pk
    if right:
        counted.give_back()
    return right
