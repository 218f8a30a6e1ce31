"""How the gate's eyes are: told by the reader, or by its absence. A gate that sees nothing says that it is out of order.

Every change is an alarm, at most one a second: a camera that flutters must not fill the store. Time is passed in.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from device.clock import NS
from device.links import EyesState, ReaderState
from device.turnstile.signals import Signal

NO_READER = "no_reader"
BLIND: frozenset[str] = frozenset({EyesState.NO_FRAMES, NO_READER})

START_NS = 10 * NS
"""A reader needs some seconds for Python, its decoders' self-test and the camera."""

AWAY_NS = 3 * NS
"""One that was restarted after a crash is back by then, or nearly; nobody should stand before a dead gate without a word."""

INTERVAL_NS = NS


class Eyes:
    def __init__(self, now_ns: int, *, alarm: Callable[[dict[str, Any]], None], show: Callable[[Signal], None]) -> None:
        self._alarm = alarm
        self._show = show
        self._now: str = EyesState.OK
        self._told: str = EyesState.OK
        self._told_ns = now_ns - INTERVAL_NS
        self._changes = 0
        self._counters: dict[str, int] = {}
        self._missed_at_ns: int | None = now_ns + START_NS
        self._out_of_order = False

    def says(self, state: ReaderState, now_ns: int) -> None:
        """The reader tells how it is."""
        self._counters = {"frames": state.frames, "dropped": state.dropped, "looks": state.looks, "failures": state.failures}
        self._become(state.state)
        self.tick(now_ns)

    def connected(self) -> None:
        """A reader is there; how it is, it will say."""
        self._missed_at_ns = None

    def lost(self, now_ns: int) -> None:
        """The reader's link ended. One whose source has ended is not missed."""
        if self._now != EyesState.ENDED:
            self._missed_at_ns = now_ns + AWAY_NS

    def answered(self) -> None:
        """A person was told something since: the lamps no longer say that the gate is out of order."""
        self._out_of_order = False

    def tick(self, now_ns: int) -> None:
        """What time has brought about."""
        if self._missed_at_ns is not None and now_ns >= self._missed_at_ns:
            self._counters = {}
            self._become(NO_READER)
        if self._now != self._told and now_ns - self._told_ns >= INTERVAL_NS:
            self._tell(now_ns)

    def _become(self, state: str) -> None:
        if state != self._now:
            self._now = state
            self._changes += 1

    def _tell(self, now_ns: int) -> None:
        folded = {"folded": self._changes - 1} if self._changes > 1 else {}  # changes that came and went in between
        self._told, self._told_ns, self._changes = self._now, now_ns, 0
        self._alarm({"what": "camera", "state": str(self._now), **self._counters, **folded})
        if self._now in BLIND:
            self._out_of_order = True
            self._show(Signal.OUT_OF_ORDER)
        elif self._now == EyesState.OK and self._out_of_order:
            self._out_of_order = False
            self._show(Signal.DARK)
