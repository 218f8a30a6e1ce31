"""What somebody who stands at the gate asks first: when did a frame, a decision, a confirmation come last, and is the broker there?

All of it belongs to the recording thread. Times are monotonic nanoseconds; ``None``: not since this process began.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from device.clock import NS
from device.gate.eyes import NO_READER
from device.links import ReaderState


@dataclass(slots=True)
class Lately:
    began_ns: int
    decided_ns: int | None = None
    _confirmed_ns: int | None = None
    _framed_ns: int | None = None
    _frames: int = 0
    _eyes: str = NO_READER
    _connected: bool = False
    _broker_since_ns: int | None = None

    def seen(self, state: ReaderState, now_ns: int) -> None:
        """The reader tells how it is, once a second. Its counter starts anew with it."""
        if state.frames not in (0, self._frames):
            self._framed_ns = now_ns
        self._frames, self._eyes = state.frames, str(state.state)

    def reader_lost(self) -> None:
        self._frames, self._eyes = 0, NO_READER

    def confirmed(self, now_ns: int) -> None:
        """The recorder's word has let events go."""
        self._confirmed_ns = now_ns

    def broker(self, now_ns: int, *, connected: bool) -> None:
        """There is a session with the broker from now on, or is none."""
        self._connected, self._broker_since_ns = connected, now_ns

    def told(self, now_ns: int) -> dict[str, Any]:
        """For ``Diagnostics``."""
        since_ns = self.began_ns if self._broker_since_ns is None else self._broker_since_ns
        return {
            "running_s": (now_ns - self.began_ns) // NS,
            "broker": {"connected": self._connected, "for_s": (now_ns - since_ns) // NS},
            "eyes": self._eyes,
            "last": {
                "frame_s": _ago_s(self._framed_ns, now_ns),
                "decision_s": _ago_s(self.decided_ns, now_ns),
                "confirmation_s": _ago_s(self._confirmed_ns, now_ns),
            },
        }


def _ago_s(at_ns: int | None, now_ns: int) -> int | None:
    return None if at_ns is None else (now_ns - at_ns) // NS
