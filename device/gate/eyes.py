"""How the gate's eyes are: told by the reader, or by its absence. Time is passed in.

Every change is an alarm for operators, at most one a second: a camera that flutters must not fill the store. What anybody
can bring about with a torn code is told once a minute at most; the rest is counted. What a person is told is in
``SIGNAL_OF_STATE``: a gate that sees nothing says that it is out of order, and who holds up a code that cannot be read
gets a hint, every few seconds while it lasts. Of the rest a person can mend nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from device.clock import NS
from device.links import EyesState, ReaderState
from device.turnstile.signals import Signal

NO_READER = "no_reader"
SIGNAL_OF_STATE: dict[str, Signal | None] = {
    EyesState.OK: None,
    EyesState.ENDED: None,
    NO_READER: Signal.OUT_OF_ORDER,
    EyesState.NO_FRAMES: Signal.OUT_OF_ORDER,
    EyesState.CAMERA_FAULT: Signal.OUT_OF_ORDER,
    EyesState.COVERED: Signal.OUT_OF_ORDER,
    EyesState.DARK: None,
    EyesState.BRIGHT: None,
    EyesState.OUT_OF_FOCUS: None,
    EyesState.SLOW: None,
    EyesState.GLARE: Signal.TILT_IT,
    EyesState.UNREADABLE: Signal.HOLD_STILL,
}
BLIND = frozenset(state for state, signal in SIGNAL_OF_STATE.items() if signal is Signal.OUT_OF_ORDER)
HELPED = frozenset(state for state, signal in SIGNAL_OF_STATE.items() if signal and state not in BLIND)
"""A person stands there, and gets a hint."""

START_NS = 10 * NS
"""A reader needs some seconds for Python, its decoders' self-test and the camera."""

AWAY_NS = 3 * NS
"""One that was restarted after a crash is back by then, or nearly; nobody should stand before a dead gate without a word."""

INTERVAL_NS = NS

FLUTTER_MAX, FLUTTER_NS = 6, 600 * NS
"""Alarms in ten minutes, after which there is one a minute at most: a camera that gives one frame each time it is opened would
make thousands a day."""

PERSONS_NS = 60 * NS
"""From one alarm about a code that cannot be read to the next: a lane full of people who come with one each is one message a minute."""

HINT_NS = 4 * NS
"""From one hint to the next: time to understand it, and to try."""


class Eyes:
    def __init__(
        self, now_ns: int, *, alarm: Callable[[dict[str, Any]], None], blind: Callable[[bool], None], hint: Callable[[Signal], None]
    ) -> None:
        """``blind`` is told when the gate sees nothing, and when it sees again."""
        self._alarm = alarm
        self._blind = blind
        self._hint = hint
        self._hinted_ns = now_ns - HINT_NS
        self._helped_ns = now_ns - PERSONS_NS  # the last alarm about a person's code
        self._now: str = EyesState.OK
        self._told: str = EyesState.OK
        self._told_ns = now_ns - INTERVAL_NS
        self._recent_ns: deque[int] = deque(maxlen=FLUTTER_MAX)
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

    def tick(self, now_ns: int) -> None:
        """What time has brought about."""
        if self._missed_at_ns is not None and now_ns >= self._missed_at_ns:
            self._counters = {}
            self._become(NO_READER)
        if self._now != self._told and self._may_tell(now_ns):
            self._tell(now_ns)
        self._help(now_ns)

    def _may_tell(self, now_ns: int) -> bool:
        """Is it time for the next alarm? That the gate sees again, if only badly, is held back only where it flutters: its lamps
        say so too.
        """
        flutters = len(self._recent_ns) == FLUTTER_MAX and now_ns - self._recent_ns[0] < FLUTTER_NS
        if now_ns - self._told_ns < (PERSONS_NS if flutters else INTERVAL_NS):
            return False
        return self._now not in HELPED or self._told in BLIND or now_ns - self._helped_ns >= PERSONS_NS

    def _help(self, now_ns: int) -> None:
        """A hint for the person who stands there, if the state is about one; not over lamps that say that the gate is out of order."""
        signal = SIGNAL_OF_STATE[self._now]
        if signal and self._now in HELPED and not self._out_of_order and now_ns - self._hinted_ns >= HINT_NS:
            self._hinted_ns = now_ns
            self._hint(signal)

    def _become(self, state: str) -> None:
        if state != self._now:
            self._now = state
            self._changes += 1

    def _tell(self, now_ns: int) -> None:
        folded = {"folded": self._changes - 1} if self._changes > 1 else {}  # changes that came and went in between
        self._told, self._told_ns, self._changes = self._now, now_ns, 0
        self._recent_ns.append(now_ns)
        if self._now in HELPED:
            self._helped_ns = now_ns
        self._alarm({"what": "camera", "state": str(self._now), **self._counters, **folded})
        if self._now in BLIND:
            self._out_of_order = True
            self._blind(True)  # noqa: FBT003 - the name says it
        elif self._now != EyesState.ENDED and self._out_of_order:
            self._out_of_order = False
            self._blind(False)  # noqa: FBT003
