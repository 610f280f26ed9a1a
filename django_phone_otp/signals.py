"""Signals, sent after commit. None carries a code; a receiver that raises is logged and changes nothing."""

from django.dispatch import Signal

challenge_sent = Signal()
"""A message for a challenge went to its dispatcher, or to a vendor. Arguments: ``challenge``."""

challenge_verified = Signal()
"""A challenge was verified. Arguments: ``challenge``."""

challenge_failed = Signal()
"""A guess was wrong. Arguments: ``challenge``; its ``status`` is ``locked`` after the last guess."""

delivery_updated = Signal()
"""A delivery changed its state. Arguments: ``delivery``."""
