"""Which number is whose: in ``VerifiedPhone``, or in the user model's own field."""

from collections.abc import Collection
from functools import partial
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.db import IntegrityError, connections, router, transaction
from django.db.models import F, QuerySet
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.debug import sensitive_variables

from django_phone_otp import conf
from django_phone_otp.exceptions import NumberTaken
from django_phone_otp.models import VerifiedPhone
from django_phone_otp.services import notices
from django_phone_otp.services.proofs import void

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser


def find_user(number: str) -> "AbstractBaseUser | None":
    """Return the active user to whom ``number`` (E.164) belongs, or None."""
    user = find_owner(number)
    return user if user is not None and is_active(user) else None


def find_owner(number: str) -> "AbstractBaseUser | None":
    """Return the user to whom ``number`` (E.164) belongs, one that may not log in included, or None."""
    field = conf.current().user_field
    owner = {field: number} if field else {"verified_phones__number": number}
    return _users().filter(**owner).first()


def is_active(user: Any) -> bool:
    """Tell whether ``user`` may log in: a user model may have ``is_active`` as a field, a property, or not at all."""
    return bool(getattr(user, "is_active", True))


def is_registered(number: str) -> bool:
    """Tell whether ``number`` belongs to an active user."""
    return find_user(number) is not None


def numbers_of(user: Any) -> list[str]:
    """Return the numbers (E.164) of ``user``, the one that was verified last first."""
    field = conf.current().user_field
    if field is not None:
        number = _users().filter(pk=user.pk).values_list(field, flat=True).first()
        return [str(getattr(number, "as_e164", number))] if number else []
    owned = _owned().filter(user_id=user.pk).order_by("-verified_at", "-pk")
    return list(owned.values_list("number", flat=True))


def is_taken(number: str) -> bool:
    """Tell whether ``number`` belongs to any account, one that may not log in included."""
    field = conf.current().user_field
    found = _owned().filter(number=number) if field is None else _users().filter(**{field: number})
    return found.exists()


@sensitive_variables()
def holders_of(numbers: Collection[str]) -> list[Any]:
    """Return the primary keys of users whose own field has one of ``numbers``; none without ``USER_FIELD``."""
    field = conf.current().user_field
    if field is None:
        return []
    return list(_users().filter(**{f"{field}__in": numbers}).order_by("pk").values_list("pk", flat=True))


@sensitive_variables()
def bind(user: Any, number: str) -> None:
    """Bind a verified ``number`` to ``user``, or note that it was verified anew.

    ``number`` is what ``redeem()`` returned. Callable inside a transaction of the project's.

    Raises ``NumberTaken`` when it belongs to another account.
    """
    field = conf.current().user_field
    if field is not None:
        if _users().filter(**{field: number}).exclude(pk=user.pk).exists():
            raise NumberTaken
        setattr(user, field, number)
        try:
            with transaction.atomic(using=router.db_for_write(get_user_model(), instance=user)):
                user.save(update_fields=[field])
        except IntegrityError:  # somebody was quicker, and the field is unique
            raise NumberTaken from None
        return
    owned = _owned().filter(number=number)
    if owned.filter(user_id=user.pk).update(verified_at=timezone.now()):
        return
    try:
        # A savepoint: the caller's transaction outlives a number that is taken.
        with transaction.atomic(using=router.db_for_write(VerifiedPhone)):
            VerifiedPhone.objects.create(user_id=user.pk, number=number)
    except IntegrityError:
        if not owned.filter(user_id=user.pk).exists():
            raise NumberTaken from None


@sensitive_variables()
def rebind(user: Any, number: str, *, language: str | None = None) -> list[str]:
    """Let the verified ``number`` be the only one of ``user``; tell the former numbers and the e-mail address.

    ``number`` is what ``redeem()`` returned, after the user proved again who they are: whoever finds an
    open session must not take the account along. What was verified for the former numbers and not used
    yet is worth nothing any more, nor are codes that are on their way there. An account without a password is
    logged out everywhere, since the former number may have opened those sessions; to keep the one that asks,
    call Django's ``update_session_auth_hash(request, user)`` afterwards.

    The notices go out after the commit, in ``language``, or the one that is active.

    Returns the former numbers. Raises ``NumberTaken`` when the number belongs to another account.
    """
    database = router.db_for_write(VerifiedPhone)
    with transaction.atomic(using=database):
        _take_turn(user, database)
        present = numbers_of(user)
        former = [other for other in present if other != number]
        bind(user, number)
        if conf.current().user_field is None:
            _owned().filter(user_id=user.pk, number__in=former).delete()
        void(former)
        if former and hasattr(user, "has_usable_password") and not user.has_usable_password():
            user.set_unusable_password()  # another one, which no session knows
            user.save(update_fields=["password"])
        if present != [number]:
            words = language or get_language() or ""
            tell = partial(notices.tell_of_change, user, former, words)
            transaction.on_commit(tell, using=database, robust=True)
    return former


@sensitive_variables()
def unbind(user: Any, number: str) -> bool:
    """Take ``number`` away from ``user``, who must verify it anew; return whether it was theirs.

    What was verified for the number and not used yet is worth nothing any more, nor are codes on their way.
    """
    field = conf.current().user_field
    with transaction.atomic(using=router.db_for_write(VerifiedPhone)):
        # With a field of the project's own there may be rows of before.
        gone = bool(_owned().filter(user_id=user.pk, number=number).delete()[0])
        if field is not None:
            nothing = None if get_user_model()._meta.get_field(field).null else ""
            gone |= bool(_users().filter(pk=user.pk, **{field: number}).update(**{field: nothing}))
        if gone:
            void([number])
    return gone


def _take_turn(user: Any, database: str) -> None:
    """Let changes of one user's number at once take turns: each would leave the other's number."""
    features = connections[database].features
    if features.has_select_for_update:
        # Before any row of VerifiedPhone: who waits for their turn must hold nothing that the one before deletes.
        # And not against rows that refer to the user (no_key): bind() makes one without taking a turn.
        mine = get_user_model()._default_manager.using(database).filter(pk=user.pk)
        list(mine.select_for_update(no_key=features.has_select_for_no_key_update).values_list("pk"))
    else:
        # SQLite: one writes at a time, and nobody may write who has only read before, so a write comes first.
        VerifiedPhone.objects.using(database).filter(user_id=user.pk).update(verified_at=F("verified_at"))


def _users() -> "QuerySet[Any]":
    """Return all users, from where they are written: a replica would answer from the past."""
    return get_user_model()._default_manager.using(router.db_for_write(get_user_model()))


def _owned() -> QuerySet[VerifiedPhone]:
    return VerifiedPhone.objects.using(router.db_for_write(VerifiedPhone))
