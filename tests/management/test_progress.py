import io

import pytest

from django_phone_otp.management.progress import WIDTH, ProgressBar


class Terminal(io.StringIO):
    def isatty(self):
        return True


def drawn(total, *steps):
    stream = Terminal()
    bar = ProgressBar(stream, total)
    for step in steps:
        bar.advance(step)
    bar.finish()
    return stream.getvalue()


def test_a_terminal_shows_how_much_is_done_on_one_line():
    empty, half, full = " " * WIDTH, "#" * (WIDTH // 2) + " " * (WIDTH // 2), "#" * WIDTH
    assert drawn(2000, 0, 1000, 1000) == f"\r[{empty}]   0% 0\r[{half}]  50% 1,000\r[{full}] 100% 2,000\n"


@pytest.mark.parametrize(("total", "steps"), [(1, [5]), (0, [1]), (0, [0, 7]), (10, [9, 9])])
def test_more_than_was_counted_is_full_and_not_beyond(total, steps):
    last = drawn(total, *steps).rpartition("\r")[2]
    assert last == f"[{'#' * WIDTH}] 100% {sum(steps)}\n"


def test_what_is_no_terminal_shows_nothing():
    stream = io.StringIO()
    bar = ProgressBar(stream, 10)
    bar.advance(5)
    bar.finish()
    assert stream.getvalue() == ""
