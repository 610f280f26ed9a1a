"""A46 and A47: codes and bodies that are no codes and no bodies cost the attacker's request, and nothing else."""

import json

import phonenumbers
import pytest

import django_phone_otp as phone_otp
from django_phone_otp.exceptions import ChallengeNotFound, Invalid, InvalidPhone, InvalidToken
from django_phone_otp.models import Challenge
from django_phone_otp.test import latest_code, outbox
from tests.attacks.attackers import PHONE, browser, wrong

MEGABYTE = 1_000_000

# Each holds the right code for some lenient way of reading.
DISGUISES = [
    lambda code: "".join(chr(0xFF10 + int(digit)) for digit in code),  # fullwidth
    lambda code: "".join(chr(0x0966 + int(digit)) for digit in code),  # Devanagari
    lambda code: "".join(chr(0x0660 + int(digit)) for digit in code),  # Arabic-Indic
    lambda code: "".join(chr(0x1D7CE + int(digit)) for digit in code),  # mathematical
    lambda code: "".join("⁰¹²³⁴⁵⁶⁷⁸⁹"[int(digit)] for digit in code),
    lambda code: f"{code}\n",
    lambda code: f"\r\n{code}",
    lambda code: f"{code}\x00",
    lambda code: f"{code}\u200b",
    lambda code: f"\u202e{code}",
    lambda code: f"+{code}",
    lambda code: f"{code}.0",
    lambda code: f"{code}e0",
    lambda code: hex(int(code)),
    lambda code: f"0{code}",
    lambda code: f"{code}0",
    lambda code: code[:-1],
    lambda code: f"{code},{wrong(code)}",
    lambda code: f"{code}' OR '1'='1",
    lambda code: code * 20,
    lambda code: "",
    lambda code: "%",
    lambda code: "\ud800",
    int,
    float,
    lambda code: [code],
    lambda code: [wrong(code), code],
    lambda code: {"": code},
    lambda code: {"$ne": ""},
    lambda code: True,
    lambda code: None,
]


@pytest.mark.django_db
def test_a46_a_disguised_code_is_no_guess_and_no_fault():
    handle = browser().send().json()["challenge"]
    code = latest_code(PHONE)
    for disguise in DISGUISES:
        answer = browser().post("verify", json.dumps({"challenge": handle, "code": disguise(code)}))
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid"), answer.content
    assert Challenge.objects.get().attempts == 0
    assert browser().verify(handle, wrong(code)).json()["attempts_left"] == 4
    assert browser().verify(handle, code).status_code == 200


@pytest.mark.django_db
def test_a46_two_codes_in_one_guess_are_none():
    handle = browser().send().json()["challenge"]
    code = latest_code(PHONE)
    for first, second in ((wrong(code), code), (code, wrong(code))):
        twice = f'{{"challenge": "{handle}", "code": "{first}", "code": "{second}"}}'
        assert browser().post("verify", twice).status_code == 400
    assert Challenge.objects.get().attempts == 0


@pytest.mark.django_db
def test_a46_the_right_code_and_a_wrong_one_are_refused_in_the_same_words_when_disguised():
    handle = browser().send().json()["challenge"]
    code = latest_code(PHONE)
    for disguise in DISGUISES:
        bodies = [json.dumps({"challenge": handle, "code": disguise(value)}) for value in (code, wrong(code))]
        right, other = [browser().post("verify", body) for body in bodies]
        assert right.content == other.content


FIELDS = [
    ("send", {"phone": PHONE, "purpose": "signup", "channel": "sms"}),
    ("resend", {"challenge": "A" * 43, "channel": "sms"}),
    ("status", {"challenge": "A" * 43}),
    ("verify", {"challenge": "A" * 43, "code": "123456"}),
    ("cancel", {"challenge": "A" * 43}),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("call", "body"), FIELDS, ids=[call for call, _ in FIELDS])
def test_a47_a_megabyte_costs_no_query_and_no_parsing_of_numbers(call, body, monkeypatch, django_assert_num_queries):
    monkeypatch.setattr(phonenumbers, "parse", None)
    for field in body:
        for size, status in ((MEGABYTE, 413), (16_000, 400)):
            for filler in ("1", "+", "(", "\u0660", "A"):
                with django_assert_num_queries(0):
                    answer = browser().post(call, json.dumps({**body, field: filler * size}, ensure_ascii=False))
                assert answer.status_code in {status, 413}, (field, size, filler)
    assert not outbox


@pytest.mark.django_db
@pytest.mark.parametrize(
    "body", [b"[" * MEGABYTE, b'{"a":' * 200_000, b" " * MEGABYTE, b"1" * MEGABYTE, b"\xff" * MEGABYTE]
)
def test_a47_a_megabyte_of_nonsense_costs_no_query(body, django_assert_num_queries):
    for call, _ in FIELDS:
        with django_assert_num_queries(0):
            assert browser().post(call, body).status_code == 413


@pytest.mark.django_db
@pytest.mark.parametrize("filler", ["1", "+", "(", " ", "-", "\u0660", "\u3000", "1 "])
def test_a47_in_python_a_megabyte_is_refused_before_it_is_read(filler, monkeypatch, django_assert_num_queries):
    monkeypatch.setattr(phonenumbers, "parse", None)
    long = filler * MEGABYTE
    with django_assert_num_queries(0):
        with pytest.raises(InvalidPhone):
            phone_otp.send(long, purpose="signup")
        with pytest.raises(ChallengeNotFound):
            phone_otp.verify(long, "123456")
        with pytest.raises(InvalidToken):
            phone_otp.redeem(long, purpose="signup")
    monkeypatch.undo()
    handle = phone_otp.send(PHONE, purpose="signup").handle
    with django_assert_num_queries(0), pytest.raises(Invalid):
        phone_otp.verify(handle, long)
