"""Settings of the benchmarks: as in production, nothing is overridden while requests run."""

from tests.settings import *  # noqa: F403
from tests.settings import PHONE_OTP as _PHONE_OTP
from tests.unlimited import UNLIMITED

ROOT_URLCONF = "tests.benchmarks.requests"
PHONE_OTP = {
    **_PHONE_OTP,
    # Five limits for a send, none of which is reached.
    "LIMITS": {
        **UNLIMITED,
        "send.number": ["90000/5m", "90000/1d"],
        "send.ip": ["90000/1m", "90000/1h", "90000/1d"],
        "verify.ip": ["90000/1h"],
        "verify.number": ["90000/1d"],
        "verify.failed": ["90000/10m"],
    },
}
