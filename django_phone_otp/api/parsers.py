"""Reading a body: one JSON object, small, without the ambiguities that ``json`` lets through."""

from collections.abc import Mapping
from typing import IO, Any

from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser

from django_phone_otp.core.jsontext import read_json

BODY_MAXIMUM = 16 * 1024  # bytes: many times the longest honest request


class RequestTooLarge(APIException):
    """The body is longer than any request of this API."""

    status_code = 413
    default_code = "too_large"
    default_detail = _("The request is too large.")


class StrictJSONParser(BaseParser):
    """Takes UTF-8 JSON objects; refuses duplicate keys, ``NaN``, deep nesting and other roots (RFC 8259 §4)."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return the object. Raises ``ParseError`` or ``RequestTooLarge``."""
        body = stream.read(BODY_MAXIMUM + 1)
        if len(body) > BODY_MAXIMUM:
            raise RequestTooLarge
        try:
            data = read_json(body, object_pairs_hook=_object, parse_constant=_refuse)
        except ValueError:
            raise ParseError(_("The body is not valid JSON.")) from None
        if not isinstance(data, dict):
            raise ParseError(_("The body must be a JSON object."))
        return data


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("duplicate key")  # two readers might each believe another one
    return found


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
