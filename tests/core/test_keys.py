import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_phone_otp.core.keys import Key, KeyRing, fingerprint, join


def test_a_key_is_named_by_something_that_is_not_part_of_it():
    secret = "0123456789abcdef0123456789abcdef"
    key = Key(secret)
    assert len(key.id) == 16
    assert key.id not in secret
    assert key.id == Key(secret).id
    assert key.id != Key(secret + "0").id


def test_the_repr_of_a_key_holds_its_id_only():
    key = Key("a secret that nobody may see")
    assert repr(key) == f"<Key {key.id}>"


def test_each_use_has_a_key_of_its_own():
    key = Key("secret")
    assert key.derive("code") == key.derive("code")
    assert len(key.derive("code")) == 32
    assert len({key.derive("code"), key.derive("handle"), key.derive("token"), key.derive("id")}) == 4
    assert key.digest("code", b"x") != key.digest("handle", b"x")


def test_the_id_of_a_key_tells_nothing_of_the_key_for_any_use():
    key = Key("secret")
    assert key.derive("id").hex()[:16] == key.id  # the only use that may not be given out
    assert all(key.id not in key.derive(use).hex() for use in ("code", "handle", "token", "limits", "client"))


def test_the_newest_key_is_the_first_and_all_are_found():
    ring = KeyRing(["new", "old"])
    assert ring.newest.id == Key("new").id
    assert [key.id for key in ring] == [Key("new").id, Key("old").id]
    assert ring.get(Key("old").id).id == Key("old").id
    assert ring.get(Key("gone").id) is None


def test_a_ring_without_keys_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        KeyRing([])


PARTS = st.lists(st.binary(max_size=6), max_size=4)


@given(PARTS, PARTS)
def test_two_lists_of_parts_never_join_to_the_same_bytes(first, second):
    assert (join(first) == join(second)) is (first == second)
    assert (fingerprint(*first) == fingerprint(*second)) is (first == second)


def test_parts_cannot_run_into_each_other():
    key = Key("secret")
    assert key.digest("code", b"ab", b"c") != key.digest("code", b"a", b"bc")
    assert key.digest("code", b"a") != key.digest("code", b"a", b"")
