"""The processes that play the gates, seen from the one that started them."""

from __future__ import annotations

import multiprocessing
import resource
import time
from collections.abc import Sequence
from dataclasses import replace
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import Self

from device.errors import ContactError, UsageError
from provisioning.simulation.player import GATES_MAX, LEAVE, Pace, Part, play
from provisioning.simulation.samples import NOTHING, Made, Sample, together

LEAVE_S = 20.0


def processes_for(gates: int, wanted: int | None) -> int:
    """Raises UsageError where ``wanted`` processes are too few for so many gates."""
    least = -(-gates // GATES_MAX)
    if wanted is not None and wanted < least:
        raise UsageError(f"{gates} gates need {least} processes", hint=f"paho's select() takes {GATES_MAX} gates a process at the most")
    return wanted or least


def allow_descriptors(gates: int) -> None:
    """For the broker, which has a descriptor for each gate; a process that we start has the limit that we have.

    Raises:
        UsageError: this machine does not allow so many.
    """
    wanted = 2 * gates + 1024
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise UsageError(
            f"{gates} gates need {wanted} open files, this user may have {hard}", hint="raise the hard limit (ulimit -Hn), or take fewer gates"
        )
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class Fleet:
    """Use it in a ``with``: at its end every process has left, or was ended."""

    def __init__(self, parts: Sequence[Part]) -> None:
        context = multiprocessing.get_context("spawn")  # a fork would have our threads' locks
        self._samples: dict[Connection, Sample] = {}
        self._processes = []
        for part in parts:
            ours, theirs = context.Pipe()
            process = context.Process(target=play, args=(part, theirs), daemon=True)
            process.start()
            theirs.close()
            self._processes.append(process)
            self._samples[ours] = NOTHING

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for process in self._processes:
            if process.is_alive():
                process.kill()
            process.join()
            process.close()
        for connection in self._samples:
            connection.close()

    def leave(self) -> Made:
        """Every gate says goodbye. What each has made; nothing can be asked of the fleet any more.

        Raises:
            ContactError: a process has ended before.
        """
        for connection in self._samples:
            connection.send(LEAVE)
        made: Made = {}
        for connection in self._samples:
            while isinstance(told := _received(connection), Sample):
                pass  # of before it heard us
            made |= told
        for process in self._processes:
            process.join(LEAVE_S)
        return made

    def pace(self, events_per_s: float) -> None:
        """From now on so many events a second happen in the whole fleet."""
        for connection in self._samples:
            connection.send(Pace(events_per_s / len(self._samples)))

    def look(self, within_s: float) -> Sample:
        """The newest of all processes, after ``within_s``, with all delays since the last look.

        Raises:
            ContactError: a process has ended.
        """
        limit_s, delays_ms = time.monotonic() + within_s, list[int]()
        while (left_s := limit_s - time.monotonic()) > 0:
            ready = wait(self._samples, left_s)
            for connection in [each for each in self._samples if each in ready]:
                told = _received(connection)
                if isinstance(told, Sample):
                    delays_ms += told.delays_ms
                    self._samples[connection] = told
        found = together(self._samples.values())
        return replace(found, delays_ms=tuple(delays_ms))


def _received(connection: Connection) -> Sample | Made:
    try:
        told: Sample | Made | str = connection.recv()
    except (EOFError, OSError):
        raise ContactError("a process that plays gates has ended", hint="its last words are above; is there memory enough?") from None
    if isinstance(told, str):
        raise ContactError(f"a process that plays gates has ended: {told}")
    return told
