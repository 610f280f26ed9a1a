"""Counters in Redis: one script does every tally of a call at once, in one round trip."""

from typing import Any, Self
from weakref import WeakKeyDictionary

from django.core.cache import BaseCache

from django_phone_otp.core.windows import AHEAD, GIVE_BACK, SLOTS, Reading, Tally, seconds_until_room

# A counter is a hash of slots. What is older than its window is dropped on the way; one that is full stays as
# it is. The slots of a counter without room come back too, to tell when there will be some.
_SCRIPT = f"""
local answers = {{}}
for i, key in ipairs(KEYS) do
  local limit, slot = tonumber(ARGV[4 * i - 3]), tonumber(ARGV[4 * i - 2])
  local lifetime, step = tonumber(ARGV[4 * i - 1]), tonumber(ARGV[4 * i])
  local counts, used = redis.call('HGETALL', key), 0
  for j = 1, #counts, 2 do
    if tonumber(counts[j]) < slot - {SLOTS} then
      redis.call('HDEL', key, counts[j])
    elseif tonumber(counts[j]) <= slot + {AHEAD} then
      used = used + tonumber(counts[j + 1])
    end
  end
  local field = string.format('%d', slot)
  if used >= limit and step ~= {GIVE_BACK} then
    answers[i] = {{used, counts}}
  else
    if step ~= 0 and not (step < 0 and tonumber(redis.call('HGET', key, field) or 0) < 1) then
      redis.call('HINCRBY', key, field, step)
      redis.call('EXPIRE', key, lifetime)
      used = used + step
    end
    answers[i] = {{used, {{}}}}
  end
end
return answers
"""


class RedisCounters:
    """The counters of Django's own Redis cache, or of django-redis."""

    def __init__(self, cache: BaseCache, client: Any) -> None:
        self._cache = cache
        self._client = client

    @classmethod
    def of(cls, cache: BaseCache) -> Self | None:
        """Return the counters of ``cache``, or None when it is no Redis."""
        # Django keeps its client in a private place, django-redis in a public one; both give the raw one alike.
        holder: Any = getattr(cache, "client", None) or getattr(cache, "_cache", None)
        is_redis = any(kind.__name__ == "RedisCache" for kind in type(cache).__mro__)
        if not is_redis or not hasattr(holder, "get_client"):
            return None
        client = _clients.get(cache)
        if client is None:
            # For writing: replicas, which reads go to, would count late.
            client = _clients[cache] = holder.get_client(write=True)
        return cls(cache, client)

    def count(self, tallies: list[Tally], moment: int) -> list[Reading]:
        """Do every tally: see ``Counters``."""
        arguments = [
            argument
            for tally in tallies
            for argument in (tally.rate.count, tally.slot(moment), tally.lifetime, tally.step)
        ]
        answers = _script(self._client)(self._keys(tallies), arguments, client=self._client)
        return [_read(tally, used, counts, moment) for tally, (used, counts) in zip(tallies, answers, strict=True)]

    def forget(self, tallies: list[Tally], moment: int) -> None:
        """Empty the counters of these tallies."""
        self._client.delete(*self._keys(tallies))

    def _keys(self, tallies: list[Tally]) -> list[str]:
        # The braces keep the counters of a call on one node of a cluster, as a script needs.
        return [self._cache.make_key(f"{{phone_otp}}.{tally.key}.{tally.rate.seconds}") for tally in tallies]


# Kept, because to make one takes longer than what it is asked. A cache belongs to a thread, and its client goes
# with it.
_clients: WeakKeyDictionary[BaseCache, Any] = WeakKeyDictionary()
_scripts: list[Any] = []


def _script(client: Any) -> Any:
    """Return the script, made once: its hash is what each call sends, and Redis is given it again when it forgot."""
    if not _scripts:
        _scripts.append(client.register_script(_SCRIPT))
    return _scripts[0]


def _read(tally: Tally, used: int, counts: list[Any], moment: int) -> Reading:
    if not counts:
        return Reading(used)
    by_slot = dict(zip(map(int, counts[::2]), map(int, counts[1::2]), strict=True))
    return Reading(used, seconds_until_room(tally, by_slot, moment))
