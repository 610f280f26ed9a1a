"""Themes replace Django's templates; the pages keep what they are for. A theme is chosen for a whole process."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("theme", ["none", "jazzmin", "unfold"])
def test_every_page_has_what_it_is_for_under_a_theme(theme):
    act = [sys.executable, "-W", "ignore", "-m", "tests.admin.themed", theme]
    asked = subprocess.run(act, capture_output=True, check=False, text=True, timeout=120)
    assert asked.returncode == 0, asked.stdout + asked.stderr[-2000:]
