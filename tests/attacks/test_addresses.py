"""A23 and R16: whatever a client writes about where it comes from, it counts as one client."""

import pytest

from django_phone_otp.test import outbox, override_phone_otp
from tests.attacks.attackers import browser, numbers
from tests.unlimited import UNLIMITED

pytestmark = pytest.mark.django_db

CLIENT, NEAR, FAR = "203.0.113.9", "10.0.0.1", "10.0.0.2"  # the proxies: one next to the client, one next to us
BEHIND = {
    0: ([], CLIENT, "{}"),
    1: (["10.0.0.0/8"], NEAR, f"{{}}, {CLIENT}"),
    2: (["10.0.0.0/8"], FAR, f"{{}}, {CLIENT}, {NEAR}"),
}
HEADERS = [
    "X-Real-IP",
    "Forwarded",
    "X-Forwarded",
    "Forwarded-For",
    "X-Client-IP",
    "Client-IP",
    "X-Cluster-Client-IP",
    "X-Originating-IP",
    "X-Remote-IP",
    "X-Remote-Addr",
    "Remote-Addr",
    "X-ProxyUser-IP",
    "True-Client-IP",
    "CF-Connecting-IP",
    "Fastly-Client-IP",
    "X-Azure-ClientIP",
    "X-Forwarded-Host",
    "X-Forwarded-Server",
    "Via",
    "X-Forwarded-For-Original",
]
JUNK = [
    "",
    " ",
    ",",
    ", , ,",
    "unknown",
    "_hidden",
    "127.0.0.1",
    "10.0.0.7",
    "198.51.100.{n}",
    "198.51.100.{n}:{n}",
    "198.51.100.{n}:99999999",
    "198.51.100.{n}, 192.0.2.{n}",
    "198.51.100.{n},192.0.2.{n},10.0.0.9",
    "198.51.100.{n} 192.0.2.{n}",
    "198.51.100.{n};192.0.2.{n}",
    "2001:db8:{n}::1",
    "[2001:db8:{n}::1]:{n}",
    "[2001:db8:{n}::1%eth0]:{n}",
    "fe80::{n}%eth{n}",
    "198.51.100.{n}%eth0",
    "::ffff:198.51.100.{n}",
    "::ffff:c633:64{n:02x}",
    "2002:c633:64{n:02x}::1",
    "64:ff9b::198.51.100.{n}",
    "2001:0:c633:64{n:02x}::1",
    "for=198.51.100.{n};proto=https;by=10.0.0.1",
    'for="[2001:db8:{n}::1]:4711"',
    "0xc6336401",
    "3325256705",
    "198.051.100.0{n:02}",
    "198.51.100",
    "\uff11\uff19\uff18.51.100.{n}",
    "198.51.100.{n}\x00",
    "\x00",
    "\u202e198.51.100.{n}",
    "198.51.100.{n}\u3002",
    "<script>{n}</script>",
    "' OR {n}=1 --",
    "a" * 10_000,
    ",".join(["198.51.100.1"] * 1000),
    ",".join(["10.0.0.1"] * 1000),
    ",".join(["10.0.0.1"] * 30) + ",198.51.100.{n}",
    "1." * 5000,
    ":" * 5000,
    "[" * 5000,
]


def attempt(peer, headers, position):
    return browser(peer).send(numbers(100)[position], headers=headers).status_code


def behind(count, limit="3/1h"):
    proxies, peer, forwarded = BEHIND[count]
    return override_phone_otp(TRUSTED_PROXIES=proxies, LIMITS={**UNLIMITED, "send.ip": [limit]}), peer, forwarded


@pytest.mark.parametrize("count", BEHIND)
def test_a23_nothing_that_a_client_forwards_makes_it_another_client(count):
    settings, peer, forwarded = behind(count)
    with settings:
        statuses = [
            attempt(peer, {"X-Forwarded-For": forwarded.format(junk.replace("{n}", str(n)).format(n=n))}, n)
            for n, junk in enumerate(JUNK)
        ]
    assert statuses == [201] * 3 + [429] * (len(JUNK) - 3)
    assert len(outbox) == 3


@pytest.mark.parametrize("count", BEHIND)
def test_a23_no_other_header_is_read(count):
    settings, peer, forwarded = behind(count)
    chain = {"X-Forwarded-For": forwarded.format("198.51.100.1")}
    with settings:
        statuses = [
            attempt(peer, {**chain, header: value.format(n=n)}, n)
            for n, (header, value) in enumerate(
                (header, value) for header in HEADERS for value in ("198.51.100.{n}", "for=2001:db8:{n}::1")
            )
        ]
        everything = dict.fromkeys(HEADERS, "192.0.2.1")
        statuses.append(attempt(peer, {**everything, **chain}, 60))
    assert statuses == [201] * 3 + [429] * (2 * len(HEADERS) - 2)


@pytest.mark.parametrize("count", BEHIND)
def test_a23_two_clients_stay_two(count):
    settings, peer, forwarded = behind(count, "1/1h")
    with settings:
        chain = forwarded.format("192.0.2.1")
        assert [attempt(peer, {"X-Forwarded-For": chain}, n) for n in range(2)] == [201, 429]
        other = "203.0.113.10"
        peer, chain = (peer, chain.replace(CLIENT, other)) if count else (other, chain)
        assert [attempt(peer, {"X-Forwarded-For": chain}, n) for n in (2, 3)] == [201, 429]


def test_a23_who_goes_past_the_proxies_is_believed_nothing():
    settings, _, _ = behind(2)
    with settings:
        statuses = [attempt(CLIENT, {"X-Forwarded-For": f"198.51.100.{n}, {NEAR}, {FAR}"}, n) for n in range(6)]
    assert statuses == [201] * 3 + [429] * 3


ONE_CLIENT = {
    "an IPv4 address": ["203.0.113.9", "::ffff:203.0.113.9", "::ffff:cb00:7109", "0:0:0:0:0:ffff:203.0.113.9"],
    "an IPv4 address behind NAT64 or 6to4": ["64:ff9b::203.0.113.9", "2002:cb00:7109::1", "2002:cb00:7109:ffff::1"],
    "an IPv6 network": [
        "2001:db8:0:1::1",
        "2001:db8:0:1:ffff:ffff:ffff:ffff",
        "2001:0DB8::1:0:0:0:7",
        "2001:db8:0:1::1%eth0",
    ],
    "nobody knows": ["", "unknown", "unix:", "203.0.113.256", "\x00"],
}


@pytest.mark.parametrize("spellings", ONE_CLIENT.values(), ids=ONE_CLIENT)
def test_a23_all_spellings_of_an_address_are_one_client(spellings):
    settings, _, _ = behind(0, "1/1h")
    with settings:
        assert [attempt(peer, {}, n) for n, peer in enumerate(spellings)] == [201] + [429] * (len(spellings) - 1)


@pytest.mark.parametrize(
    "hop", ["203.0.113.9:{n}", "203.0.113.9", "::ffff:203.0.113.9", "[::ffff:203.0.113.9]:{n}", " 203.0.113.9 "]
)
def test_a23_a_proxy_that_writes_ports_makes_no_new_clients(hop):
    with override_phone_otp(TRUSTED_PROXIES=["10.0.0.0/8"], LIMITS={**UNLIMITED, "send.ip": ["1/1h"]}):
        assert attempt(NEAR, {"X-Forwarded-For": "203.0.113.9"}, 0) == 201
        assert [attempt(NEAR, {"X-Forwarded-For": hop.format(n=n)}, n) for n in range(1, 5)] == [429] * 4


def test_a23_guesses_are_counted_by_the_same_address():
    proxies, peer, forwarded = BEHIND[1]
    with override_phone_otp(TRUSTED_PROXIES=proxies, LIMITS={**UNLIMITED, "verify.ip": ["2/1h"]}):
        handle = browser().send().json()["challenge"]
        answers = [
            browser(peer)
            .post("verify", {"challenge": handle, "code": "00000"}, **{"X-Forwarded-For": forwarded.format(junk)})
            .json()["code"]
            for junk in ("198.51.100.1", "198.51.100.2", "unknown", "")
        ]
    assert answers == ["invalid", "invalid", "rate_limited", "rate_limited"]
