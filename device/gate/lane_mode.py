"""How the lane stands by order: normal, free, locked, or free for a drill. Kept on the disk, so that a restart changes nothing.

``STATE/mode.json``: {"mode": "locked"} and, during a drill, "drill": {"until_ns", "boot"}. A drill ends with the machine's life.

The acting thread has the last word: an order to stand free ends no fire, and one to serve takes no gate out of a technician's hands.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from device.clock import NS
from device.commands.deeds import LaneMode
from device.errors import StoreError
from device.gate.act import LaneState
from device.gate.keys import write_secret
from device.turnstile.machine import Service

log = logging.getLogger("qrgate.gate")

FILE = "mode.json"
FILE_MAX = 1024
AGAIN_NS = 5 * NS
"""A disk that does not take it is tried again so often; the lane stands as it was ordered meanwhile."""
BY_ORDER = {Service.NORMAL, Service.LOCKED}


class Lane(Protocol):
    """The acting thread."""

    lane: LaneState

    def order(self, service: Service) -> None:
        """Serve, or do not."""

    def order_free(self, *, free: bool) -> None:
        """Stand free, or no longer, as far as it is by order."""


@dataclass(frozen=True, slots=True)
class Kept:
    """``drill_until_ns`` is on the monotonic clock of this boot; ``None``: there is no drill."""

    mode: LaneMode = LaneMode.NORMAL
    drill_until_ns: int | None = None


class OrderedMode:
    def __init__(
        self,
        state: Path,
        lane: Lane,
        boot: str,
        *,
        locked: Callable[[bool], None] = lambda _locked: None,
        write: Callable[[Path, bytes], None] = write_secret,
    ) -> None:
        """``locked`` is told at each look whether the lane is, for those who look after the gate's condition. ``damaged``: the file was."""
        self._path = state / FILE
        self._lane = lane
        self._boot = boot
        self._locked = locked
        self._write = write
        self._kept, self.damaged = self._read()
        self._on_disk: Kept | None = None if self.damaged else self._kept
        self._free: bool | None = None  # as it was ordered last
        self._tried_ns: int | None = None

    @property
    def mode(self) -> LaneMode:
        """Beside a drill."""
        return self._kept.mode

    @property
    def is_drill(self) -> bool:
        return self._kept.drill_until_ns is not None

    def set(self, mode: LaneMode, now_ns: int) -> None:
        """From now on; a drill ends with it."""
        self._change(Kept(mode), now_ns)

    def drill(self, minutes: int, now_ns: int) -> None:
        """Stand free for so long, then as before."""
        self._change(Kept(self._kept.mode, now_ns + minutes * 60 * NS), now_ns)

    def look(self, now_ns: int) -> None:
        """See to it that the lane stands as it was ordered, and that the disk knows."""
        if self._kept.drill_until_ns is not None and now_ns >= self._kept.drill_until_ns:
            self._kept = Kept(self._kept.mode)
        free = self.is_drill or self._kept.mode is LaneMode.FREE
        if free is not self._free:
            self._lane.order_free(free=free)
            self._free = free
        wanted, service = Service.LOCKED if self._kept.mode is LaneMode.LOCKED else Service.NORMAL, self._lane.lane.service
        if service is not wanted and service in BY_ORDER:
            self._lane.order(wanted)
        self._locked(service is Service.LOCKED)
        if self._kept != self._on_disk and (self._tried_ns is None or now_ns - self._tried_ns >= AGAIN_NS):
            self._keep(now_ns)

    def _change(self, kept: Kept, now_ns: int) -> None:
        self._kept, self._tried_ns = kept, None
        self.look(now_ns)

    def _keep(self, now_ns: int) -> None:
        drill: dict[str, Any] = {"drill": {"until_ns": self._kept.drill_until_ns, "boot": self._boot}} if self.is_drill else {}
        try:
            self._write(self._path, json.dumps({"mode": self._kept.mode} | drill).encode())
            self._on_disk, self._tried_ns = self._kept, None
        except StoreError as error:
            log.error("after a restart the lane would not stand as it was ordered: %s", error)
            self._tried_ns = now_ns

    def _read(self) -> tuple[Kept, bool]:
        """What was kept, and whether that is lost: the lane serves as usual then, and somebody must be told."""
        try:
            with self._path.open("rb") as file:
                told = json.loads(file.read(FILE_MAX))
            kept, drill = Kept(LaneMode(told["mode"])), told.get("drill")
            if drill is None or drill["boot"] != self._boot:
                return kept, False
            return Kept(kept.mode, int(drill["until_ns"])), False
        except FileNotFoundError:
            return Kept(), False
        except (OSError, ValueError, LookupError, ArithmeticError, TypeError, AttributeError, RecursionError) as error:
            log.error("%s cannot be read: %s; the lane serves as usual", self._path, type(error).__name__)
            return Kept(), True
