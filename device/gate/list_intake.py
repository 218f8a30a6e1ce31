"""Lists that wait to be checked: one after the other, each by a process of its own, and nothing here waits."""

from __future__ import annotations

import logging
import os
import select
from collections import deque
from collections.abc import Callable
from pathlib import Path

from device.admission.list_file import ListError, Unfit
from device.clock import NS, monotonic_ns
from device.gate.list_child import Child, opened
from device.gate.list_order import IN_FORCE, KEEP_OLD, Handed, Order, Refused

log = logging.getLogger("qrgate.gate")

WAITING_MAX = 8
WAIT_S = 0.02
END_S = 1.0
"""When the gate stops; a checker that hangs in a stalled card is left behind."""


class Intake:
    def __init__(
        self,
        *,
        order: Callable[[int | None], Order],
        put_in_force: Callable[[Handed, int], bool],
        refused: Callable[[Refused], None],
        within_s: float,
    ) -> None:
        """``put_in_force`` is given a memfd that stays the intake's, and answers whether the list is in force now."""
        self._order, self._put_in_force, self._refused = order, put_in_force, refused
        self._within_ns = int(within_s * NS)
        self._waiting: deque[int | None] = deque()
        self._source: int | None = None
        self._child: Child | None = None
        self._dismissed = self._late = False
        self._ready = select.epoll()  # one descriptor for the loop, whichever child works

    def add(self, source: Path | int | None) -> None:
        """A list to be taken; ``None``: all that lie on the shelf."""
        try:
            descriptor = None if source is None else opened(source)
        except ListError as error:
            self._refused(Refused(why=error.why, kind=None, version=None))
            return
        if len(self._waiting) < WAITING_MAX:
            self._waiting.append(descriptor)
            self.poll()
            return
        if descriptor is not None:
            os.close(descriptor)
        self._refused(Refused(why=Unfit.BUSY, kind=None, version=None))

    def fileno(self) -> int:
        return self._ready.fileno()

    def poll(self) -> None:
        """Hear what the checker says, and give the next order when it has ended."""
        if self._child is not None and not self._dismissed and self._listen(self._child):
            self._dismiss(self._child)
        if self._child is not None and self._dismissed:
            self._conclude(self._child)
        if self._child is None and self._waiting:
            self._begin()

    def wait(self, within_s: float) -> bool:
        """Until all orders are done; false where they are not by then."""
        until_ns = monotonic_ns() + int(within_s * NS)
        while not self.is_idle and monotonic_ns() < until_ns:
            self._ready.poll(timeout=WAIT_S)
            self.poll()
        return self.is_idle

    @property
    def is_idle(self) -> bool:
        return self._child is None and not self._waiting

    @property
    def checker(self) -> int | None:
        """The process id of the child that works now."""
        return self._child.pid if self._child else None

    def close(self) -> None:
        if self._child is not None:
            if not self._dismissed:
                self._dismiss(self._child)
            self._child.forget(END_S)
            self._child = None
            self._close_source()
        for source in self._waiting:
            if source is not None:
                os.close(source)
        self._waiting.clear()
        self._ready.close()

    # --- the child ---------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        self._source = self._waiting.popleft()
        try:
            self._child = Child(self._order(self._source), within_ns=self._within_ns)
        except (OSError, RuntimeError) as error:  # no descriptor, or no thread
            log.error("no process to check lists: %s", error)
            self._close_source()
            self._refused(Refused(why=Unfit.CHECKER_DIED, kind=None, version=None))
            return
        self._dismissed = False
        self._ready.register(self._child.channel, select.EPOLLIN)

    def _listen(self, child: Child) -> bool:
        """True where it has said its last."""
        try:
            while (heard := child.hear()) is not None:
                said, descriptor = heard
                if isinstance(said, Refused):
                    self._refused(said)
                elif descriptor is not None:
                    self._take(child, said, descriptor)
        except EOFError:
            return True
        return child.is_late

    def _take(self, child: Child, handed: Handed, descriptor: int) -> None:
        try:
            child.tell(IN_FORCE if self._put_in_force(handed, descriptor) else KEEP_OLD)
        finally:
            os.close(descriptor)

    def _dismiss(self, child: Child) -> None:
        self._late = child.is_late
        self._ready.unregister(child.channel)
        child.dismiss()
        self._dismissed = True
        if self._late:
            self._refused(Refused(why=Unfit.TOO_SLOW, kind=None, version=None))

    def _conclude(self, child: Child) -> None:
        """Once it has really ended, and not before: two of them would write in one folder."""
        code = child.exit_code()
        if code is None:
            return
        self._child = None
        self._close_source()
        if code != 0 and not self._late:
            self._refused(Refused(why=Unfit.CHECKER_DIED, kind=None, version=None))

    def _close_source(self) -> None:
        if self._source is not None:
            os.close(self._source)
            self._source = None
