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
    return _numbers_in(_users(), _owned(), user)


def _numbers_in(users: "QuerySet[Any]", owned: QuerySet[VerifiedPhone], user: Any) -> list[str]:
    field = conf.current().user_field
    if field is not None:
        number = users.filter(pk=user.pk).values_list(field, flat=True).first()
        return [str(getattr(number, "as_e164", number))] if number else []
    theirs = owned.filter(user_id=user.pk).order_by("-verified_at", "-pk")
    return list(theirs.values_list("number", flat=True))


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
        _write_field(user, field, number)
        return
    database = router.db_for_write(VerifiedPhone)
    owned = _owned().filter(number=number)
    try:
        # A savepoint: the caller's transaction outlives a number that is taken.
        with transaction.atomic(using=database):
            _write_first(user, database)
            _take_turn(user, database)
            if not owned.filter(user_id=user.pk).update(verified_at=timezone.now()):
                VerifiedPhone.objects.create(user_id=user.pk, number=number)
    except IntegrityError:
        owner = owned.values_list("user_id", flat=True).first()
        if owner is None:  # it was something else: the user is gone, or a receiver of the project's has a fault
            raise
        if owner != user.pk:
            raise NumberTaken from None


def _write_field(user: Any, field: str, number: str) -> None:
    """Write ``number`` into the user model's own field. Raises ``NumberTaken``."""
    others = _users().filter(**{field: number}).exclude(pk=user.pk)
    if others.exists():
        raise NumberTaken
    before = getattr(user, field)
    setattr(user, field, number)
    try:
        with transaction.atomic(using=router.db_for_write(get_user_model(), instance=user)):
            user.save(update_fields=[field])
    except IntegrityError:
        setattr(user, field, before)  # whoever goes on with the object must not save another one's number
        # Somebody was quicker, or is hidden by the project's manager, and the field is unique.
        if _everybody().filter(**{field: number}).exclude(pk=user.pk).exists():
            raise NumberTaken from None
        raise


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
        _write_first(user, database)
        # Rows are taken in one order everywhere, or two would wait for each other: challenges, as redeem() does
        # before this, then the user, then numbers.
        void([other for other in numbers_of(user) if other != number])
        now = _take_turn(user, database)
        present = _numbers_in(_locked(_users(), database), _locked(_owned(), database), user)
        former = [other for other in present if other != number]
        void(former)  # what the change before this one left
        bind(user, number)
        if conf.current().user_field is None:
            _owned().filter(user_id=user.pk, number__in=former).delete()
        # As it is now, not when the caller read it: a password may have been set since.
        if former and hasattr(now, "has_usable_password") and not now.has_usable_password():
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
    database = router.db_for_write(VerifiedPhone)
    with transaction.atomic(using=database):
        _write_first(user, database)
        if number in numbers_of(user):
            void([number])  # challenges, the user, numbers: in this order, as everywhere
        _take_turn(user, database)
        # With a field of the project's own there may be rows of before.
        gone = bool(_owned().filter(user_id=user.pk, number=number).delete()[0])
        if field is not None:
            nothing = None if get_user_model()._meta.get_field(field).null else ""
            gone |= bool(_users().filter(pk=user.pk, **{field: number}).update(**{field: nothing}))
        if gone:
            void([number])
    return gone


def _write_first(user: Any, database: str) -> None:
    """Begin with a write on SQLite, where one writes at a time and nobody may who has only read before."""
    if not connections[database].features.has_select_for_update:
        VerifiedPhone.objects.using(database).filter(user_id=user.pk).update(verified_at=F("verified_at"))


def _take_turn(user: Any, database: str) -> Any:
    """Let changes of one user's number at once take turns, each would leave the other's; return the user as stored.

    The user's row comes before any row of ``VerifiedPhone``: who waits for their turn must hold nothing that
    the one before deletes. MariaDB would look for it otherwise, for the foreign key, when the number is in the
    index already.
    """
    return _locked(_everybody().filter(pk=user.pk), database).first() or user


def _locked(rows: "QuerySet[Any]", database: str) -> "QuerySet[Any]":
    """Return ``rows`` as they are now, whatever the transaction has read before, and keep them so until it ends.

    Users who are kept in another database than this transaction's are read and not kept.
    """
    if rows.db != database:
        return rows
    # Not against rows that refer to them, where the database can tell: those may be made meanwhile.
    return rows.select_for_update(no_key=connections[database].features.has_select_for_no_key_update)


def _users() -> "QuerySet[Any]":
    """Return all users, from where they are written: a replica would answer from the past."""
    return get_user_model()._default_manager.using(router.db_for_write(get_user_model()))


def _everybody() -> "QuerySet[Any]":
    """Return the rows of all users, those included that the project's own manager hides, and nothing joined."""
    return get_user_model()._base_manager.using(router.db_for_write(get_user_model()))


def _owned() -> QuerySet[VerifiedPhone]:
    return VerifiedPhone.objects.using(router.db_for_write(VerifiedPhone))
