import base64
import itertools
import string
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_phone_otp.core.handles import HANDLE, TOKEN, seal, unseal
from django_phone_otp.core.keys import KeyRing

RING = KeyRing(["a key for the tests of handles", "an older key"])
PK = uuid.UUID("01890a5d-ac96-774b-bcce-b302099a8057")
ALPHABET = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"


def test_a_handle_gives_back_the_primary_key_that_was_sealed():
    handle = seal(RING, HANDLE, PK)
    assert len(handle) == 43
    assert set(handle) <= set(ALPHABET)
    assert unseal(RING, HANDLE, handle) == PK


def test_a_handle_is_no_token_and_a_token_no_handle():
    assert unseal(RING, TOKEN, seal(RING, HANDLE, PK)) is None
    assert unseal(RING, HANDLE, seal(RING, TOKEN, PK)) is None


def test_a_key_that_was_newest_goes_on_verifying_and_one_that_left_does_not():
    before = seal(KeyRing(["old"]), HANDLE, PK)
    assert unseal(KeyRing(["new", "old"]), HANDLE, before) == PK
    assert unseal(KeyRing(["new"]), HANDLE, before) is None
    assert seal(KeyRing(["new", "old"]), HANDLE, PK) == seal(KeyRing(["new"]), HANDLE, PK) != before


def test_every_changed_character_makes_a_forgery():
    handle = seal(RING, HANDLE, PK)
    for position in range(len(handle)):
        for other in "A_z9":
            if handle[position] != other:
                assert unseal(RING, HANDLE, handle[:position] + other + handle[position + 1 :]) is None


def test_one_text_only_stands_for_one_challenge():
    # The last character has two bits to spare: three others decode to the same bytes.
    handle = seal(RING, HANDLE, PK)
    raw = base64.urlsafe_b64decode(handle + "=")
    twins = [handle[:-1] + last for last in ALPHABET if base64.urlsafe_b64decode(handle[:-1] + last + "=") == raw]
    assert len(twins) == 4
    assert [twin for twin in twins if unseal(RING, HANDLE, twin) == PK] == [handle]


@pytest.mark.parametrize(
    "change",
    [
        lambda _: "",
        lambda handle: handle[:-1],
        lambda handle: handle[1:],
        lambda handle: handle + "A",
        lambda handle: handle + "=",
        lambda handle: handle + "\n",
        lambda handle: " " + handle,
        lambda handle: handle.swapcase(),
        lambda handle: handle[:-1] + "é",
        lambda handle: handle[:-1] + "+",
        lambda handle: handle[:-1] + "\0",
        lambda _: "\ud800" * 43,
        lambda handle: handle * 10_000,
        lambda _: str(PK),
        lambda _: base64.urlsafe_b64encode(PK.bytes + bytes(16)).rstrip(b"=").decode(),
    ],
    ids=itertools.count(),
)
def test_what_was_not_sealed_names_nothing(change):
    assert unseal(RING, HANDLE, change(seal(RING, HANDLE, PK))) is None


@given(st.one_of(st.text(), st.text(ALPHABET, min_size=42, max_size=44), st.binary(min_size=32, max_size=32)))
def test_unsealing_never_raises_and_takes_nothing_that_was_not_sealed(given_text):
    if isinstance(given_text, bytes):
        given_text = base64.urlsafe_b64encode(given_text).rstrip(b"=").decode()
    assert unseal(RING, HANDLE, given_text) is None


@given(st.uuids(), st.sampled_from([HANDLE, TOKEN]))
def test_all_that_was_sealed_is_unsealed_for_its_use_only(pk, use):
    sealed = seal(RING, use, pk)
    assert unseal(RING, use, sealed) == pk
    assert unseal(RING, TOKEN if use == HANDLE else HANDLE, sealed) is None


def test_a_handle_that_is_bound_is_worth_nothing_elsewhere():
    bound = seal(RING, HANDLE, PK, "browser one")
    assert unseal(RING, HANDLE, bound, "browser one") == PK
    assert unseal(RING, HANDLE, bound) is None
    assert unseal(RING, HANDLE, bound, "browser two") is None
    assert unseal(RING, HANDLE, seal(RING, HANDLE, PK), "browser one") is None
