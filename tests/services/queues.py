"""Dispatchers for tests: stand-ins for a queue."""

enqueued = []


def forget(pk):
    """Take a task, and never do it: a queue whose worker is not running."""


def remember(pk):
    """Keep the task's arguments, for a test that looks at them."""
    enqueued.append(pk)


def down(pk):
    """A broker that does not answer, and says more than it should."""
    raise ConnectionError(f"broker refused {pk} for +14155550123")
