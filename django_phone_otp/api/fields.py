"""For a project's own serializers: a field that takes a token and gives the verified number."""

from collections.abc import Callable, Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from django_phone_otp.exceptions import InvalidToken
from django_phone_otp.services import proofs

Binding = Callable[[serializers.Field[Any, Any, Any, Any]], Mapping[str, object]]


class TextField(serializers.CharField):
    """A JSON string and nothing else: DRF's own takes numbers for text, so ``1e5`` would be a code."""

    default_error_messages = {"invalid": _("This must be text.")}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(trim_whitespace=False, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        """Return ``data`` when it is a string."""
        if not isinstance(data, str):
            self.fail("invalid")
        return data


class ContextField(serializers.Field[dict[str, str], dict[str, str], dict[str, str], Any]):
    """A JSON object of texts. What may stand in them, the services know."""

    default_error_messages = {"invalid": _("This must be an object whose values are text.")}

    def to_internal_value(self, data: Any) -> dict[str, str]:
        """Return ``data`` when it is such an object."""
        if not isinstance(data, dict) or not all(isinstance(value, str) for value in data.values()):
            self.fail("invalid")
        return data


class PhoneTokenField(TextField):
    """Takes the token of a proof, and gives the number that it proves for ``purpose``, in E.164.

    The token is spent as soon as this field is valid. In a ``PhoneTokenSerializer`` it is spent only
    when everything else is valid too, so that a name that is taken does not cost a second code.

    For a purpose with a ``CONTEXT``, ``bound_to`` is called with the field and returns what the
    proof must be for, from the project's own records.
    """

    default_error_messages = {"invalid_token": _("This proof is not valid. Verify the number again.")}

    def __init__(self, *, purpose: str, bound_to: Binding | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.purpose = purpose
        self.bound_to = bound_to

    def to_internal_value(self, data: Any) -> str:
        """Return the verified number. Fails with ``invalid_token``."""
        token = super().to_internal_value(data)
        deferred = isinstance(self.parent, PhoneTokenSerializer)
        return self.redeem(token, spend=not deferred)

    def redeem(self, token: str, *, spend: bool) -> str:
        """Return the number that ``token`` proves, spending it or only looking."""
        verb = proofs.redeem if spend else proofs.peek
        context = None if self.bound_to is None else self.bound_to(self)
        try:
            return verb(token, purpose=self.purpose, context=context)
        except InvalidToken:
            self.fail("invalid_token")


class PhoneTokenSerializer(serializers.Serializer[Any]):
    """A serializer that spends its ``PhoneTokenField`` tokens last, when all other data is valid."""

    def run_validation(self, data: Any = serializers.empty) -> Any:
        """Validate everything, then spend the tokens; one that was just spent elsewhere is an error of its field."""
        valid = super().run_validation(data)
        if valid is None:  # allow_null, where this serializer is a field of another
            return None
        for name, field in self.fields.items():
            # Not every one has a token: allow_null and allow_blank let nothing through, too.
            if isinstance(field, PhoneTokenField) and data.get(name):
                try:
                    field.redeem(data[name], spend=True)
                except serializers.ValidationError as error:
                    raise serializers.ValidationError({name: error.detail}) from None
        return valid
