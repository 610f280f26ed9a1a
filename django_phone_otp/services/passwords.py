"""Passwords, asked again of somebody who is logged in: guesses are counted by the account, and by the address."""

from typing import Any

from django.contrib.auth import authenticate
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from django_phone_otp.services import limits
from django_phone_otp.services.askers import asker_of


@sensitive_variables()
def is_password(request: HttpRequest, password: str) -> bool:
    """Tell whether ``password`` is that of the request's user.

    A guess counts as one against ``verify.ip``, for the address and for the account: whoever finds an open
    session must not try out passwords in it. Raises ``RateLimited`` or ``Unavailable``.
    """
    user: Any = request.user
    limits.hit(asker_of(request).guess_buckets())
    limits.hit({"verify.ip": f"password of user {user.pk}"})
    # Not check_password(): the project's own backends may know more of passwords, and hear of failures.
    found = authenticate(request, username=user.get_username(), password=password)
    return found is not None and found.pk == user.pk
