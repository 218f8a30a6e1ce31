"""A camera with a script: what it shows each time it is opened, and where it fails or hangs."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from device.clock import monotonic_ns
from device.errors import HardwareError
from device.reader.frame import Frame, Luma

FRAME_S = 0.03

FAILS, HANGS_OPENING, BREAKS, HANGS, HANGS_CLOSING = "!", "?", "x", "~", "z"


@dataclass
class Camera:
    """``lives`` tell what it shows each time it is opened, the last one again and again; then it is silent.

    A letter is a picture of ``pictures``, or one of the above: the opening fails or hangs, ``next`` breaks off or hangs,
    the closing hangs. Whatever hangs lets go when ``released`` is set.
    """

    pictures: Mapping[str, Luma]
    lives: Sequence[str]
    clock: Callable[[], int] = monotonic_ns
    released: threading.Event = field(default_factory=threading.Event)
    openings: int = 0
    out: int = 0
    log: list[str] = field(default_factory=list)
    ended: bool = False
    dropped: int = 0
    _number: int = 0
    _script: deque[str] = field(default_factory=deque)

    def __enter__(self) -> Self:
        self.log.append("open")
        self._script = deque(self.lives[min(self.openings, len(self.lives) - 1)])
        self.openings += 1
        self._hang(HANGS_OPENING)
        if self._next_is(FAILS):
            raise HardwareError("no camera", hint="plug it in")
        return self

    def __exit__(self, *_: object) -> None:
        self.log.append("close" if not self.out else f"close with {self.out} frames out")
        self._hang(HANGS_CLOSING)

    def next(self, timeout_s: float) -> Frame | None:
        self._hang(HANGS)
        if self._next_is(BREAKS):
            raise HardwareError("the camera broke off", hint="reseat it")
        self.released.wait(min(timeout_s, FRAME_S))
        if not self._script or self._script[0] not in self.pictures:
            return None
        number, self._number = self._number, self._number + 1
        self.out += 1
        return Frame(self.pictures[self._script.popleft()], number, self.clock(), self._release)

    def _release(self) -> None:
        self.out -= 1

    def _next_is(self, sign: str) -> bool:
        if not self._script or self._script[0] != sign:
            return False
        self._script.popleft()
        return True

    def _hang(self, sign: str) -> None:
        if self._next_is(sign):
            self.released.wait()
