"""Where a vendor's API may be."""

import pytest

from django_phone_otp.backends.addresses import wrong_with


@pytest.mark.parametrize(
    "url",
    [
        "https://api.vendor.example",
        "http://127.0.0.1:8000",
        "http://localhost:8000/sandbox/kaleyra",
        "https://api.vendor.example:8443/v1/messages",
        "https://[2001:db8::1]/v1",
        "https://[2001:db8::1]:8443",
        "https://10.0.0.7/v1",
        "https://xn--80ak6aa92e.example/a%20path/~x;y=1,2",
    ],
)
def test_a_host_with_a_port_and_a_path_is_right(url):
    assert wrong_with(url) == ""


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "must start with https://"),
        ("vendor.example", "must start with https://"),
        ("//vendor.example", "must start with https://"),
        ("HTTPS://vendor.example", "must start with https://"),
        (" https://vendor.example", "must start with https://"),
        ("ftp://vendor.example", "must start with https://"),
        ("file:///etc/passwd", "must start with https://"),
        ("https://key@vendor.example", "a host and perhaps a path"),
        ("https://key:secret@vendor.example", "a host and perhaps a path"),
        ("https://vendor.example@evil.example", "a host and perhaps a path"),
        ("https://vendor.example/@x", "a host and perhaps a path"),
        ("https://vendor.example?key=1", "a host and perhaps a path"),
        ("https://vendor.example/v1?", "a host and perhaps a path"),
        ("https://vendor.example/#v1", "a host and perhaps a path"),
        ("https://vendor.example /v1", "a host and perhaps a path"),
        ("https://vendor.example\\@evil.example", "a host and perhaps a path"),
        ("https://vendor.example\t/v1", "a host and perhaps a path"),
        ("https://vendor.example\n", "a host and perhaps a path"),
        ("https://vendor.example\r\nHost: evil.example", "a host and perhaps a path"),
        ("https://vendor.example\0", "a host and perhaps a path"),
        ("https://vendor\N{FULLWIDTH SOLIDUS}evil.example", "a host and perhaps a path"),
        ("https://v\N{CYRILLIC SMALL LETTER IE}ndor.example", "a host and perhaps a path"),
        ("https://", "no host"),
        ("https:///v1", "no host"),
        ("https://:443/v1", "no host"),
        ("https://[", "cannot be one"),
        ("https://[::1", "cannot be one"),
        ("https://[vendor]", "cannot be one"),
        ("https://vendor.example:port", "cannot be one"),
        ("https://vendor.example:65536", "cannot be one"),
        ("https://vendor.example:-1", "cannot be one"),
        ("http://169.254.169.254", "is a link-local address"),
        ("http://169.254.169.254:80/latest/meta-data", "is a link-local address"),
        ("http://169.254.0.1", "is a link-local address"),
        ("http://[fe80::1]/v1", "is a link-local address"),
        ("http://[fe80::1%25eth0]/v1", "is a link-local address"),
        ("http://[::ffff:169.254.169.254]/latest", "is a link-local address"),
    ],
    ids=ascii,
)
def test_anything_else_is_wrong_and_says_why(url, said):
    assert said in wrong_with(url)
    assert "secret" not in wrong_with(url)
