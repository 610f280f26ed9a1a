"""How long something took, for any number of times, in a few dozen counts: buckets whose bounds grow by a tenth."""

import math
from collections.abc import Mapping

GROWTH = 1.1  # from one bound to the next: what is read back is at most 5 % off
SHORTEST = 0.01  # seconds; what is quicker is counted with it


def bucket_of(seconds: float) -> int:
    """Return the number of the bucket for so many seconds: bucket n ends at 1.1 to the power of n."""
    return math.ceil(math.log(max(SHORTEST, seconds), GROWTH))


def percentile(counts: Mapping[int, int], share: float) -> float | None:
    """Return the seconds that ``share`` (0 to 1) of all took at most, by nearest rank; None when there are none.

    ``counts`` maps buckets to how many fell in them. The answer is the middle of a bucket.
    """
    rank = max(1, math.ceil(share * sum(counts.values())))
    seen = 0
    for bucket in sorted(counts):
        seen += counts[bucket]
        if seen >= rank:
            return float(GROWTH ** (bucket - 0.5))
    return None
