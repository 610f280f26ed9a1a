"""Limits across processes: as many pass as the limit says, neither one more nor one less."""

import json
import subprocess
import sys
import uuid
from collections import Counter
from contextlib import ExitStack
from subprocess import PIPE

import pytest

from tests.conftest import need
from tests.reachable import answers
from tests.unlimited import UNLIMITED

PROCESSES, CALLS, LIMIT = 8, 200, 500


@pytest.mark.parametrize("kind", ["redis", "memcached"])
def test_eight_processes_of_two_hundred_calls_get_exactly_the_limit(kind):
    need(kind, answers(kind))
    command = [sys.executable, "-m", "tests.services.hammer", kind, uuid.uuid4().hex, str(CALLS), f"{LIMIT}/1h"]
    passed = Counter()
    with ExitStack() as running:
        processes = [
            running.enter_context(subprocess.Popen(command, stdin=PIPE, stdout=PIPE, stderr=PIPE, text=True))
            for _ in range(PROCESSES)
        ]
        for process in processes:
            assert process.stdout.readline() == "ready\n", process.stderr.read()
        for process in processes:
            process.stdin.write("go\n")
            process.stdin.flush()
        for process in processes:
            said, faults = process.communicate(timeout=120)
            assert process.returncode == 0, faults
            passed.update(json.loads(said))
    assert passed == dict.fromkeys(UNLIMITED, LIMIT)
