"""Which real servers answer here; tests that need one say why they skip, or fail where all are required."""

import os
import shutil
import socket
from pathlib import Path

REQUIRED = os.environ.get("PHONE_OTP_REQUIRE_SERVICES") == "1"
SERVERS = {"postgresql": 5432, "mariadb": 3306, "redis": 6379, "memcached": 11211}


def answers(server: str) -> bool:
    """Tell whether ``server`` takes connections on its usual port of this machine."""
    try:
        socket.create_connection(("127.0.0.1", SERVERS[server]), timeout=1).close()
    except OSError:
        return False
    return True


def find_chromium() -> str | None:
    """Return the path of a Chromium that can be run, or None."""
    found = (os.environ.get("CHROMIUM"), shutil.which("chromium"), shutil.which("chromium-browser"))
    return next((path for path in found if path and Path(path).exists()), None)
