import socket

import pytest

from django_phone_otp.backends.punctual import PunctualStream


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def stream_of(sock, seconds):
    return PunctualStream(sock.makefile("rb"), sock, seconds)


def test_past_its_deadline_nothing_is_read_even_when_it_is_there(pair):
    ours, theirs = pair
    theirs.sendall(b"late")
    with stream_of(ours, 0) as stream, pytest.raises(TimeoutError):
        stream.readinto(bytearray(4))


@pytest.mark.parametrize("seconds", [30, None])
def test_before_it_what_is_there_is_read(pair, seconds):
    ours, theirs = pair
    theirs.sendall(b"soon")
    buffer = bytearray(4)
    with stream_of(ours, seconds) as stream:
        assert stream.readable()
        assert stream.readinto(buffer) == 4
    assert buffer == b"soon"
    assert 0 < ours.gettimeout() <= (seconds or 60)


def test_waiting_for_what_does_not_come_ends_at_the_deadline(pair):
    with stream_of(pair[0], 0.01) as stream, pytest.raises(TimeoutError):
        stream.readinto(bytearray(1))
