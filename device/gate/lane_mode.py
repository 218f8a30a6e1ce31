"""How the lane stands by order: normal, free, locked, or free for a drill. Kept on the disk, so that a restart changes nothing.

``STATE/mode.json``: {"mode": "locked"} and, during a drill, "drill": {"until_ns", "boot"}. A drill ends with the machine's life.
From before an order is recorded until the lane stands so, it holds "begun": {"what", "order"} too: a gate whose power goes in between
stands as before, and its next life knows which order failed, whether that was recorded or not.

The acting thread has the last word: an order to stand free ends no fire, and one to serve takes no gate out of a technician's hands.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from device.clock import NS
from device.commands.deeds import LaneMode, Verb
from device.commands.order import ID_BYTES
from device.errors import StoreError
from device.gate.act import LaneState
from device.gate.keys import write_secret
from device.seldom import Seldom
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
class Begun:
    """An order that is being carried out."""

    what: Verb
    order: bytes


@dataclass(frozen=True, slots=True)
class Kept:
    """``drill_until_ns`` is on the monotonic clock of this boot; ``None``: there is no drill."""

    mode: LaneMode = LaneMode.NORMAL
    drill_until_ns: int | None = None
    begun: Begun | None = None


class OrderedMode:
    def __init__(
        self,
        state: Path,
        lane: Lane,
        boot: str,
        *,
        locked: Callable[[bool], None] = lambda _locked: None,
        waits: Callable[[], bool] = lambda: False,
        write: Callable[[Path, bytes], None] = write_secret,
    ) -> None:
        """``locked`` is told at each look whether the lane is, for those who look after the gate's condition. ``waits``: is there
        something that the store has not taken yet? It may be the very order, and what nobody has recorded outlasts no restart.

        ``damaged``: the file was. ``failed`` is an order that the last life of the gate had begun, and its end has prevented.
        """
        self._path = state / FILE
        self._lane = lane
        self._boot = boot
        self._locked = locked
        self._waits = waits
        self._write = write
        found, self.damaged = self._read()
        self.failed = found.begun
        self._kept = replace(found, begun=None)
        self._on_disk: Kept | None = None if self.damaged else found
        self._free: bool | None = None  # as it was ordered last
        self._tried_ns: int | None = None
        self._seldom = Seldom(log)

    @property
    def mode(self) -> LaneMode:
        """Beside a drill."""
        return self._kept.mode

    @property
    def is_drill(self) -> bool:
        return self._kept.drill_until_ns is not None

    def begin(self, what: Verb, order: bytes) -> None:
        """Before an order is recorded, which ``set`` or ``drill`` carries out then. Raises StoreError."""
        self._put(replace(self._kept, begun=Begun(what, order)))

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
        is_due = self._tried_ns is None or now_ns - self._tried_ns >= AGAIN_NS
        if self._kept != self._on_disk and is_due and not self._waits():
            self._keep(now_ns)

    def _change(self, kept: Kept, now_ns: int) -> None:
        self._kept, self._tried_ns = kept, None
        self.look(now_ns)

    def _keep(self, now_ns: int) -> None:
        try:
            self._put(self._kept)
            self._tried_ns = None
        except StoreError as error:
            self._seldom.error("after a restart the lane would not stand as it was ordered: %s", error)
            self._tried_ns = now_ns

    def _put(self, kept: Kept) -> None:
        """Raises StoreError: nobody knows then what the disk holds."""
        told: dict[str, Any] = {"mode": kept.mode}
        if kept.drill_until_ns is not None:
            told["drill"] = {"until_ns": kept.drill_until_ns, "boot": self._boot}
        if kept.begun is not None:
            told["begun"] = {"what": kept.begun.what, "order": kept.begun.order.hex()}
        self._on_disk = None
        self._write(self._path, json.dumps(told).encode())
        self._on_disk = kept

    def _read(self) -> tuple[Kept, bool]:
        """What was kept, and whether that is lost: the lane serves as usual then, and somebody must be told."""
        try:
            with self._path.open("rb") as file:
                told = json.loads(file.read(FILE_MAX))
            mode, drill, begun = LaneMode(told["mode"]), told.get("drill"), told.get("begun")
            until_ns = None if drill is None or drill["boot"] != self._boot else int(drill["until_ns"])
            return Kept(mode, until_ns, None if begun is None else _begun(begun)), False
        except FileNotFoundError:
            return Kept(), False
        except (OSError, ValueError, LookupError, ArithmeticError, TypeError, AttributeError, RecursionError) as error:
            log.error("%s cannot be read: %s; the lane serves as usual", self._path, type(error).__name__)
            return Kept(), True


def _begun(told: dict[str, str]) -> Begun:
    """Raises LookupError, TypeError or ValueError where it was not written here."""
    order = bytes.fromhex(told["order"])
    if len(order) != ID_BYTES:
        raise ValueError(f"an order's id of {len(order)} bytes")
    return Begun(Verb(told["what"]), order)
