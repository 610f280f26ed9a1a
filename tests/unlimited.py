"""Every limit lifted but the guess budget, for tests of something else."""

from django_phone_otp.conf import DEFAULTS

UNLIMITED = {name: [] for name in DEFAULTS["LIMITS"] if name != "verify.number"}
