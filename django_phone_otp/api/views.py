"""One view per verb: parse, call, render."""

from abc import abstractmethod
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from django.db import DataError, connections, transaction
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables
from rest_framework import serializers
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.permissions import AllowAny
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from django_phone_otp.api import errors
from django_phone_otp.api.parsers import StrictJSONParser
from django_phone_otp.api.serializers import (
    ChallengeRequest,
    ResendRequest,
    SendRequest,
    VerifyRequest,
    show_challenge,
    show_proof,
)
from django_phone_otp.exceptions import Invalid
from django_phone_otp.services import challenges
from django_phone_otp.services.askers import remember_browser


class AlwaysJSON(BaseContentNegotiation):
    """There is one format; an ``Accept`` header that does not know it is no reason to refuse a code."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        """Return the parser for the body's type, or None, which is a 415."""
        content_type = (request.content_type or "").partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == content_type), None)

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """Return JSON."""
        return next(iter(renderers)), "application/json"


class VerbView(APIView):
    """What the five calls share. Limits live in the services, so that DRF's throttles are not needed."""

    permission_classes = (AllowAny,)
    throttle_classes = ()
    versioning_class = None
    parser_classes = (StrictJSONParser,)
    renderer_classes = (JSONRenderer,)
    content_negotiation_class = AlwaysJSON
    body_class: ClassVar[type[serializers.Serializer[Any]]]
    success: ClassVar[int] = 200

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        """Return the view, outside ``ATOMIC_REQUESTS`` on every database: counts commit on their own."""
        view = super().as_view(**initkwargs)
        for alias in connections:
            view = transaction.non_atomic_requests(using=alias)(view)
        return view

    def get_exception_handler(self) -> Callable[..., Response | None]:
        """Answer refusals as problem documents, whatever handler the project uses elsewhere."""
        return errors.handle

    def perform_authentication(self, request: Request) -> None:
        """Find out who asks; a cookie or a name that the database cannot even store is a failed log-in."""
        try:
            super().perform_authentication(request)
        except (ValueError, DataError):
            raise AuthenticationFailed from None

    @sensitive_variables()
    def post(self, request: Request) -> Response:
        """Parse the body, call the verb, render its answer."""
        body = self.body_class(data=request.data)
        if not body.is_valid():
            raise Invalid(body.errors)
        return Response(self.act(request, body.validated_data), status=self.success)

    @abstractmethod
    def act(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        """Call the verb with the checked body, and return what to render."""

    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Keep every answer, refusals too, out of caches."""
        response = super().finalize_response(request, response, *args, **kwargs)
        response["Cache-Control"] = "no-store"
        return response


class SendView(VerbView):
    """``send/``: 201 and a challenge."""

    body_class = SendRequest
    success = 201

    def act(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        """Send a code."""
        key = request.headers.get("Idempotency-Key")
        challenge = challenges.send(**body, request=request, idempotency_key=key)
        return show_challenge(challenge, timezone.now())


class ResendView(VerbView):
    """``resend/``: 200 and the challenge."""

    body_class = ResendRequest

    def act(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        """Send the code again."""
        key = request.headers.get("Idempotency-Key")
        challenge = challenges.resend(
            body["challenge"], channel=body.get("channel"), request=request, idempotency_key=key
        )
        return show_challenge(challenge, timezone.now())


class StatusView(VerbView):
    """``status/``: 200 and the challenge."""

    body_class = ChallengeRequest

    def act(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        """Show the challenge."""
        return show_challenge(challenges.status(body["challenge"], request=request), timezone.now())


class VerifyView(VerbView):
    """``verify/``: 200 and a proof."""

    body_class = VerifyRequest
    verified_number = ""

    def act(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        """Judge a guess."""
        proof = challenges.verify(body["challenge"], body["code"], context=body.get("context"), request=request)
        self.verified_number = proof.phone
        return show_proof(proof)

    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Let the browser be known for the number from now on."""
        response = super().finalize_response(request, response, *args, **kwargs)
        if self.verified_number:
            remember_browser(request, response, self.verified_number)
        return response


class CancelView(VerbView):
    """``cancel/``: 200 and the challenge."""

    body_class = ChallengeRequest

    def act(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        """Give the challenge up."""
        return show_challenge(challenges.cancel(body["challenge"], request=request), timezone.now())
