"""A15 and A16: who is registered, who was blocked, and whose challenge is whose stays unknown to who asks."""

import base64
import json
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

import django_phone_otp as phone_otp
from django_phone_otp.models import Challenge
from django_phone_otp.services.blocks import block
from django_phone_otp.test import latest_code, outbox, override_phone_otp
from tests.attacks.attackers import HOME, PHONE, browser
from tests.unlimited import UNLIMITED

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

# All show the same digits when they are masked, so that whole answers can be compared.
KINDS = {
    "registered": PHONE,
    "unknown": "+12125550123",
    "registered and inactive": "+13125550123",
    "another region": "+18765550123",
    "premium": "+19005550123",
    "denied prefix": "+16465550123",
    "registered and denied": "+16475550123",
    "blocked": "+14165550123",
    "registered and blocked": "+15145550123",
    "registered and of a blocked prefix": "+16045550123",
    "blocked and of another region": "+18095550123",
}


@pytest.fixture(autouse=True)
def _some_are_registered():
    settings = {"REGIONS": ["US", "CA"], "DENIED_PREFIXES": ["+1646", "+1647"]}
    for name, number in KINDS.items():
        if name.startswith("registered"):
            phone_otp.bind(User.objects.create_user(name, is_active=name != "registered and inactive"), number)
    for what in (KINDS["blocked"], KINDS["registered and blocked"], "+1604555*", "DO"):
        block(what)
    with override_phone_otp(**settings):
        yield


def whole(answer):
    """Return all that a client can see of an answer, but for the handle, which is random."""
    body = dict(answer.json())
    if "challenge" in body:
        assert len(body["challenge"]) == 43
        body["challenge"] = "…"
    assert not answer.cookies
    return answer.status_code, sorted(answer.headers.items()), json.dumps(body)


def walk(number, clock):
    """Do all that an attacker can do with a number to log in; return every answer, with what it cost."""
    attacker, answers = browser(), []
    clock.move_to("2026-11-22T10:00:00Z")
    cache.clear()

    def note(answer):
        answers.append(whole(answer))
        return answer.json()

    with CaptureQueriesContext(connection) as queries:
        first = note(attacker.send(number, "login"))["challenge"]
        note(attacker.post("status", {"challenge": first}))
        note(attacker.post("resend", {"challenge": first}))  # too soon
        clock.shift(30)
        note(attacker.post("resend", {"challenge": first}))
        note(attacker.verify(first, "12345"))  # too short
        for guess in ("000000", "000001", "000002", "000003", "000004", "000005"):
            note(attacker.verify(first, guess))  # wrong, then locked
        for call in ("status", "resend", "cancel"):
            note(attacker.post(call, {"challenge": first}))
        second = note(attacker.send(number, "login"))["challenge"]
        for call in ("cancel", "status", "cancel", "resend"):
            note(attacker.post(call, {"challenge": second}))
        for _ in range(12):  # over the limit of five minutes, of the guesses, and of the day
            note(attacker.send(number, "login"))
            clock.shift(0.7)
        clock.shift(400)
        note(attacker.post("status", {"challenge": first}))
        note(attacker.verify(first, "000000"))
        note(attacker.send(number, "login", channel="whatsapp"))
    return answers, [query["sql"].split()[0] for query in queries.captured_queries]


def test_a15_every_answer_is_the_same_to_the_byte_for_all_numbers(clock):
    seen = {}
    for kind, number in KINDS.items():
        seen[kind] = walk(number, clock)
    expected, _ = seen["registered"]
    assert {status for status, _, _ in expected} == {200, 201, 400, 409, 410, 429}
    for kind, (answers, _) in seen.items():
        for step, (mine, theirs) in enumerate(zip(answers, expected, strict=True)):
            assert mine == theirs, (kind, step)


def test_a15_every_answer_costs_the_same_queries(clock):
    costs = {kind: walk(number, clock)[1] for kind, number in KINDS.items()}
    assert all(cost == costs["unknown"] for cost in costs.values()), costs


def test_a15_no_message_leaves_for_whom_it_should_not():
    for number in KINDS.values():
        browser(HOME).send(number, "login")
    assert [message.number for message in outbox] == [PHONE]


def test_a15_a_decoy_is_never_proved(clock):
    from django_phone_otp.services.codes import code_of

    for kind, number in KINDS.items():
        handle = browser().send(number, "login").json()["challenge"]
        code = code_of(Challenge.objects.get(number=number))
        assert browser(HOME).verify(handle, code).status_code == (200 if kind == "registered" else 400), kind


def test_a15_staff_read_why_a_decoy_got_no_message():
    for kind in ("registered and blocked", "registered and denied", "unknown"):
        attacker = browser(HOME)
        with override_phone_otp(RESEND_AFTER=[0]):
            handle = attacker.send(KINDS[kind], "login").json()["challenge"]
            attacker.post("resend", {"challenge": handle})
        reasons = {each.reason for each in Challenge.objects.get(number=KINDS[kind]).deliveries.all()}
        said = {"registered and blocked": "refused (blocked)", "registered and denied": "refused (prefix)"}
        assert reasons == {f"decoy: the number is {said.get(kind, 'not registered')}"}


def test_a15_who_is_blocked_after_the_first_message_gets_no_second_one_and_cannot_tell(clock):
    answers = []
    with override_phone_otp(RESEND_AFTER=[0]):
        for number in (KINDS["registered"], KINDS["unknown"]):
            attacker = browser()
            cache.clear()
            handle = attacker.send(number, "login").json()["challenge"]
            block(number)
            answers.append(whole(attacker.post("resend", {"challenge": handle})))
        assert answers[0] == answers[1]
        assert [message.number for message in outbox] == [PHONE]  # the first one


@pytest.mark.parametrize("offset", [0, 0.001, 0.4, 17.5, 29.999])
def test_r17_retry_after_is_whole_seconds_rounded_up_and_the_same_for_all(offset, clock):
    seen = set()
    for number in KINDS.values():
        clock.move_to("2026-11-22T10:00:00Z")
        cache.clear()
        attacker = browser()
        handle = attacker.send(number, "login").json()["challenge"]
        clock.shift(offset)
        too_soon = attacker.post("resend", {"challenge": handle})
        for _ in range(2):
            attacker.send(number, "login")
        limited = attacker.send(number, "login")
        for answer in (too_soon, limited):
            assert answer["Retry-After"] == str(answer.json()["retry_after"])
            assert answer["Retry-After"].isascii()
            assert answer["Retry-After"].isdigit()
        assert int(too_soon["Retry-After"]) == -int(-(30 - offset) // 1)
        seen.add((too_soon["Retry-After"], limited["Retry-After"]))
    assert len(seen) == 1


@pytest.mark.parametrize("limit", ["2/5m", "2/7s", "2/1d"])
def test_r17_who_waits_as_told_gets_a_message_and_who_comes_a_second_early_does_not(limit, clock):
    attacker = browser()
    with override_phone_otp(LIMITS={**UNLIMITED, "send.number": [limit]}):
        for _ in range(2):
            clock.shift(0.3)
            attacker.send()
        wait = int(attacker.send()["Retry-After"])
        clock.shift(wait - 1)
        assert attacker.send().status_code == 429
        clock.shift(1)
        assert attacker.send().status_code == 201


def test_r17_so_it_is_with_a_resend(clock):
    attacker = browser()
    clock.shift(0.7)
    body = {"challenge": attacker.send().json()["challenge"]}
    clock.shift(12.6)
    wait = int(attacker.post("resend", body)["Retry-After"])
    clock.shift(wait - 1)
    assert attacker.post("resend", body).status_code == 429
    clock.shift(1)
    assert attacker.post("resend", body).status_code == 200


class TestA16:
    def probes(self, handle):
        """Yield what an attacker makes of a handle to reach the challenges beside it."""
        raw = base64.urlsafe_b64decode(handle + "=")
        pk, tag = UUID(bytes=raw[:16]), raw[16:]
        for step in (-2, -1, 1, 2, 1 << 64):
            near = UUID(int=(pk.int + step) % (1 << 128))
            yield base64.urlsafe_b64encode(near.bytes + tag).rstrip(b"=").decode()
        for other in Challenge.objects.exclude(pk=pk):
            yield base64.urlsafe_b64encode(other.pk.bytes + tag).rstrip(b"=").decode()
            yield base64.urlsafe_b64encode(other.pk.bytes + bytes(16)).rstrip(b"=").decode()
            yield from (str(other.pk), other.pk.hex, str(other.pk.int), str(other.serial))
        yield from ("1", "0", "-1", "A" * 43, handle[:-1], handle + "A", handle.swapcase(), f" {handle}", f"{handle}\n")
        # Base64 would let the last character be another one that says the same.
        yield handle[:-1] + chr(ord(handle[-1]) + 1)

    def test_a16_no_probe_finds_a_challenge_and_all_get_the_same_answer_at_no_cost(self, django_assert_num_queries):
        for number in ("+12125550123", "+13125550123"):
            browser(HOME).send(number)
        mine = browser().send().json()["challenge"]
        probes = [probe for probe in self.probes(mine) if probe != mine]
        assert len(probes) > 25
        for call, more in (("status", {}), ("cancel", {}), ("resend", {}), ("verify", {"code": "000000"})):
            with django_assert_num_queries(0):
                answers = {
                    (answer.status_code, answer.content)
                    for answer in (browser().post(call, {"challenge": probe, **more}) for probe in probes)
                }
            assert {status for status, _ in answers} == {404}
            assert len(answers) == 1
        assert set(Challenge.objects.values_list("attempts", "status")) == {(0, "pending")}

    def test_r22_who_has_the_handle_learns_no_number_no_user_and_no_vendor(self):
        owner = User.objects.get(username="registered")
        handle = browser(HOME).send(purpose="login").json()["challenge"]
        said = browser().post("status", {"challenge": handle}).content.decode()
        hidden = (PHONE[2:], PHONE[:-3], owner.username, "locmem", str(Challenge.objects.get().pk))
        assert not [word for word in hidden if word in said]
        assert latest_code(PHONE) not in said
