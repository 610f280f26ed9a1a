"""What commands are given in tests instead of a terminal, or as one."""

import io

from django.core.management import call_command


class Terminal(io.StringIO):
    """Somebody who watches, or types."""

    def isatty(self):
        return True


def run(command, *args, stdout=None, stderr=None, **options):
    """Run a command; return what it wrote to stdout and to stderr."""
    stdout, stderr = stdout or io.StringIO(), stderr or io.StringIO()
    call_command(command, *args, stdout=stdout, stderr=stderr, no_color=True, **options)
    return stdout.getvalue(), stderr.getvalue()
