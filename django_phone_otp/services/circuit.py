"""A circuit for each alias, in the shared cache: a vendor that fails again and again is left alone for a while."""

import logging

from django_phone_otp.services.caching import log_failures, shared_cache

FAILURES = 5  # in a row, with no success between them
WITHIN = 60  # seconds after the first of them; slower failures are not an outage
OPEN_SECONDS = 60  # how long nobody asks
PROBE_SECONDS = 30  # how long one probe may take; three times what a route does
TRIPPED_SECONDS = 10 * 60  # how long only a probe may go first: without traffic, an outage is forgotten after that
PAUSE_MAXIMUM = 300  # seconds that a vendor's own Retry-After may shut an alias off

logger = logging.getLogger("django_phone_otp")


class Circuit:
    """One look at the circuit of ``alias``, for one hand-over.

    It opens after ``FAILURES`` in a row, and a minute later lets a single probe through, which closes
    it or opens it again. One round trip to the cache as long as all goes well. With the cache gone it
    counts as closed: the limits, which fail closed, are what guards.
    """

    def __init__(self, alias: str) -> None:
        self._alias = alias
        self._open, self._tripped, self._probe, self._failures = (
            f"phone_otp.circuit.{alias}.{part}" for part in ("open", "tripped", "probe", "failures")
        )
        self._is_probe = False
        self._has_failed = False

    def admits(self) -> bool:
        """Tell whether the alias may be asked now; of many callers, only one gets to probe."""
        with log_failures("circuits"):
            found = shared_cache().get_many([self._open, self._tripped, self._failures])
            if self._open in found:
                return False
            self._has_failed = self._failures in found
            if self._tripped in found:
                self._is_probe = shared_cache().add(self._probe, 1, PROBE_SECONDS)
                return self._is_probe
        return True

    def succeeded(self) -> None:
        """Note that the vendor took a message, or refused one as a vendor at work does."""
        if self._is_probe:
            logger.warning("Backend %r works again", self._alias)
        with log_failures("circuits"):
            if self._is_probe:
                shared_cache().delete_many([self._tripped, self._probe, self._failures])
            elif self._has_failed:
                shared_cache().delete(self._failures)

    def failed(self, retry_after: float | None = None) -> None:
        """Note that the vendor could not be asked; for ``retry_after`` seconds it wants to be left alone."""
        pause = int(min(retry_after, PAUSE_MAXIMUM)) + 1 if retry_after else 0
        with log_failures("circuits"):
            if self._is_probe:
                shared_cache().set(self._open, 1, max(OPEN_SECONDS, pause))
                shared_cache().set(self._tripped, 1, TRIPPED_SECONDS)
                shared_cache().delete(self._probe)
            elif self._count() >= FAILURES and shared_cache().add(self._open, 1, max(OPEN_SECONDS, pause)):
                shared_cache().set(self._tripped, 1, TRIPPED_SECONDS)
                shared_cache().delete(self._failures)
                logger.warning("Backend %r failed %d times in a row: left alone for a while", self._alias, FAILURES)
            elif pause:
                shared_cache().add(self._open, 1, pause)

    def released(self) -> None:
        """Note that the vendor was not asked after all, so that another message may be the probe."""
        if self._is_probe:
            with log_failures("circuits"):
                shared_cache().delete(self._probe)

    def _count(self) -> int:
        shared_cache().add(self._failures, 0, WITHIN)
        try:
            return shared_cache().incr(self._failures)
        except ValueError:  # it ran out in between: this failure is the first of the next ones
            return 1
