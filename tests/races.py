"""Doing many things at the same moment, each in a thread with a database connection of its own."""

import threading
from concurrent.futures import ThreadPoolExecutor

from django.core.cache import caches
from django.db import connections


def hang_up():
    """Close this thread's connections to databases and caches, which Django would leave to the collector."""
    connections.close_all()
    for cache in caches.all(initialized_only=True):
        client = getattr(cache, "_cache", None)
        for pool in getattr(client, "_pools", {}).values():  # Redis
            pool.disconnect()
        if hasattr(client, "hasher"):  # memcached
            client.disconnect_all()


def together(count, act):
    """Call ``act(n)`` in ``count`` threads that all start at once; return what each returned or raised."""
    barrier = threading.Barrier(count)

    def run(position):
        try:
            barrier.wait(timeout=30)
            return act(position)
        except Exception as error:
            return error
        finally:
            hang_up()

    with ThreadPoolExecutor(max_workers=count) as pool:
        return list(pool.map(run, range(count)))


def kinds(outcomes):
    """Count outcomes by class name, so that a failed test says what happened instead."""
    names = [type(outcome).__name__ for outcome in outcomes]
    return {name: names.count(name) for name in sorted(set(names))}
