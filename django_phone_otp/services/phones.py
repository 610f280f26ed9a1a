"""Which user a number belongs to: in ``VerifiedPhone``, or in the user model's own field."""

from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.db import IntegrityError, router, transaction
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from django_phone_otp import conf
from django_phone_otp.exceptions import NumberTaken
from django_phone_otp.models import VerifiedPhone

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser


def find_user(number: str) -> "AbstractBaseUser | None":
    """Return the active user to whom ``number`` (E.164) belongs, or None."""
    field = conf.current().user_field
    owner = {field: number} if field else {"verified_phones__number": number}
    user = get_user_model()._default_manager.filter(**owner).first()
    return user if user is not None and is_active(user) else None


def is_active(user: Any) -> bool:
    """Tell whether ``user`` may log in: a user model may have ``is_active`` as a field, a property, or not at all."""
    return bool(getattr(user, "is_active", True))


def is_registered(number: str) -> bool:
    """Tell whether ``number`` belongs to an active user."""
    return find_user(number) is not None


@sensitive_variables()
def bind(user: Any, number: str) -> None:
    """Bind a verified ``number`` to ``user``, or note that it was verified anew.

    ``number`` is what ``redeem()`` returned. Callable inside a transaction of the project's.

    Raises ``NumberTaken`` when it belongs to another account.
    """
    field = conf.current().user_field
    if field is not None:
        if get_user_model()._default_manager.filter(**{field: number}).exclude(pk=user.pk).exists():
            raise NumberTaken
        setattr(user, field, number)
        try:
            with transaction.atomic(using=router.db_for_write(type(user), instance=user)):
                user.save(update_fields=[field])
        except IntegrityError:  # somebody was quicker, and the field is unique
            raise NumberTaken from None
        return
    owned = VerifiedPhone.objects.filter(number=number)
    if owned.filter(user_id=user.pk).update(verified_at=timezone.now()):
        return
    try:
        # A savepoint: the caller's transaction outlives a number that is taken.
        with transaction.atomic(using=router.db_for_write(VerifiedPhone)):
            VerifiedPhone.objects.create(user_id=user.pk, number=number)
    except IntegrityError:
        if not owned.filter(user_id=user.pk).exists():
            raise NumberTaken from None
