"""Which user a number belongs to: in ``VerifiedPhone``, or in the user model's own field."""

from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from django_phone_otp import conf
from django_phone_otp.exceptions import NumberTaken
from django_phone_otp.models import VerifiedPhone

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser


def find_user(number: str) -> "AbstractBaseUser | None":
    """Return the active user to whom ``number`` (E.164) belongs, or None."""
    return get_user_model()._default_manager.filter(_owns(number)).first()


def is_registered(number: str) -> bool:
    """Tell whether ``number`` belongs to an active user."""
    return get_user_model()._default_manager.filter(_owns(number)).exists()


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
            with transaction.atomic():
                user.save(update_fields=[field])
        except IntegrityError:  # somebody was quicker, and the field is unique
            raise NumberTaken from None
        return
    owned = VerifiedPhone.objects.filter(number=number)
    if owned.filter(user_id=user.pk).update(verified_at=timezone.now()):
        return
    try:
        with transaction.atomic():  # a savepoint: the caller's transaction outlives a number that is taken
            VerifiedPhone.objects.create(user_id=user.pk, number=number)
    except IntegrityError:
        if not owned.filter(user_id=user.pk).exists():
            raise NumberTaken from None


def _owns(number: str) -> Q:
    field = conf.current().user_field
    owner = Q(**{field: number}) if field else Q(verified_phones__number=number)
    # A custom user model need not have is_active; Django's base class gives it as True.
    has_flag = any(f.name == "is_active" for f in get_user_model()._meta.get_fields())
    return owner & Q(is_active=True) if has_flag else owner
