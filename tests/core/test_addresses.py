import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_phone_otp.core.addresses import HOPS_MAXIMUM, UNKNOWN, client_address, site_of
from tests.core.scripts import fullwidth

PROXIES = tuple(ipaddress.ip_network(network) for network in ("10.0.0.0/8", "192.0.2.1/32", "2001:db8:ffff::/48"))
CLIENT = "203.0.113.7"
INNER, OUTER = "10.0.0.1", "192.0.2.1"


@pytest.mark.parametrize("forwarded_for", ["", "198.51.100.1", "198.51.100.1, 10.0.0.1", "junk", "10.0.0.1"])
def test_without_trusted_proxies_the_header_is_not_believed(forwarded_for):
    assert client_address(CLIENT, forwarded_for, ()) == CLIENT


@pytest.mark.parametrize("forwarded_for", ["", "198.51.100.1", "10.0.0.1", "198.51.100.1, 10.0.0.1"])
def test_a_peer_that_is_no_trusted_proxy_is_the_client_whatever_it_writes(forwarded_for):
    assert client_address(CLIENT, forwarded_for, PROXIES) == CLIENT


@pytest.mark.parametrize(
    ("forwarded_for", "address"),
    [
        (CLIENT, CLIENT),
        (f"198.51.100.1, {CLIENT}", CLIENT),
        (f"198.51.100.1, 198.51.100.2,{CLIENT}", CLIENT),
        (f"10.0.0.9, {CLIENT}", CLIENT),
        (f"junk, {CLIENT}", CLIENT),
        (f"{CLIENT}, {INNER}", CLIENT),
        (f"{CLIENT}, {INNER}, {OUTER}", CLIENT),
        (f"198.51.100.1, {CLIENT}, {INNER}, {OUTER}", CLIENT),
        (f"127.0.0.1, {CLIENT}, {OUTER}", CLIENT),
    ],
)
def test_behind_proxies_the_client_is_the_rightmost_hop_that_is_none(forwarded_for, address):
    assert client_address(INNER, forwarded_for, PROXIES) == address


@pytest.mark.parametrize(
    ("forwarded_for", "address"),
    [
        ("", INNER),
        ("10.0.0.9", "10.0.0.9"),
        ("10.0.0.8, 10.0.0.9", "10.0.0.8"),
        ("junk", INNER),
        ("unknown", INNER),
        (f"{CLIENT}, junk", INNER),
        (f"{CLIENT}, junk, 10.0.0.9", "10.0.0.9"),
        (f"{CLIENT},", INNER),
        (f"{CLIENT}, , 10.0.0.9", "10.0.0.9"),
    ],
)
def test_a_chain_that_breaks_off_counts_against_the_last_proxy_that_is_known(forwarded_for, address):
    assert client_address(INNER, forwarded_for, PROXIES) == address


def test_a_chain_longer_than_any_of_proxies_is_not_followed_to_its_end():
    assert client_address(INNER, ",".join([CLIENT] + [INNER] * (HOPS_MAXIMUM - 1)), PROXIES) == CLIENT
    assert client_address(INNER, ",".join([CLIENT] + [INNER] * HOPS_MAXIMUM), PROXIES) == INNER
    assert client_address(INNER, f"{CLIENT}," + f"{OUTER}," * 200_000 + OUTER, PROXIES) == OUTER


def test_behind_a_unix_socket_the_header_is_all_there_is():
    assert client_address("", CLIENT, PROXIES) == CLIENT
    assert client_address("", "", PROXIES) == UNKNOWN
    assert client_address("", CLIENT, ()) == UNKNOWN


@pytest.mark.parametrize(
    "peer", ["junk", "unix:", "1.2.3", "1.2.3.4.5", "256.1.1.1", fullwidth("1") + ".2.3.4", "[", "]", "%", "::g"]
)
def test_a_peer_that_is_no_address_shares_one_bucket(peer):
    assert client_address(peer, CLIENT, PROXIES) == UNKNOWN
    assert client_address(peer, CLIENT, ()) == UNKNOWN


@pytest.mark.parametrize(
    ("spelling", "address"),
    [
        ("203.0.113.7:8080", "203.0.113.7"),
        (" 203.0.113.7 ", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("::FFFF:cb00:7107", "203.0.113.7"),
        ("[::ffff:203.0.113.7]:443", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:0DB8:0001:0002::1", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2::1]", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2::1]:443", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("[fe80::1%25eth0]:443", "fe80::/64"),
        ("::1", "::/64"),
    ],
)
def test_one_client_has_one_spelling(spelling, address):
    assert client_address(spelling, "", ()) == address
    assert client_address(INNER, spelling, PROXIES) == address


def test_every_address_of_one_ipv6_customer_is_one_client_and_the_next_customer_another():
    first = client_address("2001:db8:1:2::1", "", ())
    assert first == client_address("2001:db8:1:2:ffff:ffff:ffff:ffff", "", ())
    assert first != client_address("2001:db8:1:3::1", "", ())


@pytest.mark.parametrize("peer", ["::ffff:10.0.0.1", "10.0.0.1:4711", "[2001:db8:ffff::9]:4711", "2001:db8:ffff::9"])
def test_a_proxy_is_known_in_every_spelling(peer):
    assert client_address(peer, CLIENT, PROXIES) == CLIENT


ADDRESSES = st.one_of(
    st.text(max_size=20), st.ip_addresses().map(str), st.text("0123456789abcdef.:[]% ,", max_size=40), st.just("")
)


@given(ADDRESSES, st.lists(ADDRESSES, max_size=5).map(",".join), st.sampled_from([(), PROXIES]))
def test_whatever_arrives_there_is_one_address_to_count_by(peer, forwarded_for, trusted):
    address = client_address(peer, forwarded_for, trusted)
    if address != UNKNOWN:
        network = ipaddress.ip_network(address)
        assert network.prefixlen == (32 if network.version == 4 else 64)
        assert client_address(str(network.network_address), "", ()) == address


@pytest.mark.parametrize(
    ("peer", "counted"),
    [
        ("64:ff9b::198.51.100.7", "198.51.100.7"),  # NAT64
        ("2002:c633:6407::1", "198.51.100.7"),  # 6to4, any of the 65,536 networks behind one address
        ("2002:c633:6407:ffff::1", "198.51.100.7"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("64:ff9b:1::198.51.100.7", "64:ff9b:1::/64"),
    ],
)
def test_an_ipv4_address_that_wears_ipv6_counts_as_itself(peer, counted):
    assert client_address(peer, "", []) == counted


def test_an_ipv4_proxy_is_not_to_be_imitated_from_ipv6():
    trusted = [ipaddress.ip_network("10.0.0.0/8")]
    for peer in ("2002:a00:1::1", "64:ff9b::10.0.0.1"):
        assert client_address(peer, "203.0.113.9", trusted) == "10.0.0.1"  # counted as that, and not believed


@pytest.mark.parametrize(
    ("address", "site"),
    [
        ("2001:db8:1:2::/64", "2001:db8:1::/48"),
        ("2001:db8:1:ffff::/64", "2001:db8:1::/48"),
        ("198.51.100.7", "198.51.100.7"),
        (UNKNOWN, UNKNOWN),
    ],
)
def test_one_customer_has_one_site_whatever_they_were_given(address, site):
    assert site_of(address) == site
