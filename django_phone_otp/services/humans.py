"""Is there a human? The project's ``CHALLENGE_HOOK`` is asked when limits are near."""

import logging
from collections.abc import Mapping
from typing import Any

from django.utils.module_loading import import_string

from django_phone_otp import conf
from django_phone_otp.exceptions import ChallengeRequired, Unavailable
from django_phone_otp.services import limits
from django_phone_otp.services.askers import Asker
from django_phone_otp.services.limits import Strain

# The third of three messages is near, and so is the eighth of ten; who asks for a second one is not yet bothered.
NEAR = 0.75
RETRY_WHEN_DOWN = 30  # seconds: about what a CAPTCHA's own service takes to come back

logger = logging.getLogger("django_phone_otp")


def require_human(asker: Asker, verb: str, purpose: str, strain: Strain) -> bool:
    """Ask the hook, when there is one and limits are near; return whether it was asked and is content.

    It is called as ``hook(request, verb=…, purpose=…, limit=…, share=…)`` and returns None, or a dict of
    texts: what the client must bring along next time.

    Raises ``ChallengeRequired`` with that; ``Unavailable`` when the hook raises or returns anything else, since
    a guard that cannot be asked is closed.
    """
    path = conf.current().challenge_hook
    if path is None or strain.share < NEAR:
        return False
    try:
        demand = import_string(path)(
            asker.request, verb=verb, purpose=purpose, limit=strain.limit, share=min(strain.share, 1.0)
        )
    except Exception as problem:  # noqa: BLE001 - whatever a project's hook does
        logger.error("CHALLENGE_HOOK raised %s", type(problem).__name__)
        raise Unavailable(RETRY_WHEN_DOWN) from None
    if demand is None:
        return True
    if not _is_demand(demand):
        logger.error("CHALLENGE_HOOK must return None or a dict of texts, and returned %s", type(demand).__name__)
        raise Unavailable(RETRY_WHEN_DOWN)
    limits.note_refusal("CHALLENGE_HOOK")
    raise ChallengeRequired(demand)


def _is_demand(demand: Any) -> bool:
    return isinstance(demand, Mapping) and all(
        isinstance(name, str) and isinstance(value, str) for name, value in demand.items()
    )
