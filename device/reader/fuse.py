"""The last bound on a library that hangs: the process ends, whatever its threads wait for.

A native call that waits while it holds the interpreter's lock stops every Python thread, and one that holds a lock of
its own may stop the interpreter's end as well. ``faulthandler``'s timer is a thread outside the interpreter: it writes
where each thread stands to stderr and ends the process, with exit code 1. There is one such timer in a process.
"""

from __future__ import annotations

import faulthandler
from collections.abc import Iterator
from contextlib import contextmanager

STDERR = 2  # the descriptor: what ``sys.stderr`` is by then, nobody knows


def light(seconds: float) -> None:
    """The process has ended by then."""
    faulthandler.dump_traceback_later(seconds, exit=True, file=STDERR)


@contextmanager
def fuse(seconds: float) -> Iterator[None]:
    """The process ends if the block takes longer."""
    light(seconds)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
