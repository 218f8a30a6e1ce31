"""The lists in force: looked up in memory, replaced while the gate works.

Everything here belongs to the recording thread: no lock, and nothing that waits. A new list is proven by a child process
(``list_check``) and comes as a sealed memfd; to put it in force is to map it and to set a reference. Until then, and
whenever anything fails, the list before it stays.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from device.admission.list_file import Unfit
from device.admission.lists import MUST_STAY, OF_SEVERAL, RECORD, ListKind, find, hash_of, key_id
from device.domain import EventType, Instant
from device.errors import StoreError
from device.gate.list_intake import Intake
from device.gate.list_mapped import ListState, Mapped
from device.gate.list_order import Handed, Order, Refused

log = logging.getLogger("qrgate.gate")

WITHIN_S = 60.0
"""For one order to the checker. A million entries take it some seconds on a slow card."""
RESERVE_BYTES = 64 * 1024 * 1024
"""Of the disk: twice what the events' store keeps for itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """Whose lists this gate takes: ``public_key`` (32 bytes, Ed25519) signs them."""

    province: str
    site: str
    public_key: bytes


class Lists:
    """All methods but ``close`` may be called from a loop that must not wait.

    ``tell`` records a fact about the gate. ``load`` first, then ``wait`` before the gate is ready.
    """

    def __init__(
        self,
        folder: Path,
        key: bytes,
        recipient: Recipient,
        *,
        tell: Callable[[EventType, dict[str, Any]], None],
        reserve: int = RESERVE_BYTES,
        within_s: float = WITHIN_S,
    ) -> None:
        """``key`` is the province's list key. Raises StoreError where ``folder`` cannot be made."""
        self._folder, self._key, self._recipient = folder, key, recipient
        self._tell = tell
        self._reserve = reserve
        self._in_force: dict[ListKind, Mapped] = {}
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{folder} cannot be made: {error.strerror}", hint="the gate's user must own the state folder") from None
        self._intake = Intake(order=self._order, put_in_force=self._put_in_force, refused=self._refused, within_s=within_s)

    # --- looking up --------------------------------------------------------------------------------------------

    def look_up(self, names: Iterable[bytes]) -> dict[ListKind, int]:
        """What each list in force says of somebody with these ``names``; a list that knows none of them is not named."""
        hits: dict[ListKind, int] = {}
        for name in names:
            wanted = hash_of(self._key, name)
            for kind, mapped in self._in_force.items():
                value = find(mapped.body, wanted)
                if value is not None:
                    hits[kind] = OF_SEVERAL[kind](hits.get(kind, value), value)
        return hits

    def states(self, now: Instant) -> dict[ListKind, ListState]:
        """The lists in force; one that is not named was never had, or was lost."""
        return {kind: mapped.state(now) for kind, mapped in self._in_force.items()}

    def stale(self, now: Instant) -> frozenset[ListKind]:
        """The lists that are missing, or older than they may be. Where the clock is not trusted nobody knows their age."""
        states = self.states(now)
        return frozenset(kind for kind in ListKind if kind not in states or states[kind].stale)

    def expected(self, names: Iterable[bytes]) -> bytes | None:
        """The entry by which the list of the expected knows somebody with these ``names``."""
        mapped = self._in_force.get(ListKind.EXPECTED)
        hashes = [hash_of(self._key, name) for name in names] if mapped is not None else []
        return next((each for each in hashes if mapped is not None and find(mapped.body, each) is not None), None)

    def must_stay(self) -> Iterator[bytes]:
        """The entries of those whom a quarantine site must not let go."""
        mapped = self._in_force.get(ListKind.EXPECTED)
        yield from (entry for entry, value in RECORD.iter_unpack(mapped.body) if value == MUST_STAY) if mapped is not None else ()

    # --- taking ------------------------------------------------------------------------------------------------

    def load(self) -> None:
        """Begin to bring what was in force before the last end back in force."""
        self._intake.add(None)

    def take(self, source: Path | int) -> None:
        """Begin to take a list file; a descriptor is copied. What becomes of it is told."""
        self._intake.add(source)

    def fileno(self) -> int:
        """Readable when ``poll`` has something to do; call that once a turn besides, for the deadline."""
        return self._intake.fileno()

    def poll(self) -> None:
        self._intake.poll()

    def wait(self, within_s: float) -> bool:
        """At start, before anybody is at the lane: until all orders are done; false where they are not by then."""
        return self._intake.wait(within_s)

    @property
    def is_idle(self) -> bool:
        return self._intake.is_idle

    @property
    def checker(self) -> int | None:
        """The process id of the checker that works now."""
        return self._intake.checker

    def close(self) -> None:
        self._intake.close()
        for mapped in self._in_force.values():
            mapped.close()
        self._in_force.clear()

    def _order(self, source: int | None) -> Order:
        return Order(
            folder=str(self._folder.absolute()),
            source=source,
            province=self._recipient.province,
            site=self._recipient.site,
            public_key=self._recipient.public_key.hex(),
            key_id=key_id(self._key).hex(),
            in_force={kind.value: mapped.told.version for kind, mapped in self._in_force.items()},
            reserve=self._reserve,
        )

    def _put_in_force(self, handed: Handed, descriptor: int) -> bool:
        """From the assignment on every look-up asks the new list."""
        try:
            mapped = Mapped(handed, descriptor)
        except (OSError, ValueError) as error:
            log.error("list %s %d cannot be mapped: %s", handed.kind, handed.version, error)
            self._refused(Refused(why=Unfit.NO_ROOM, kind=handed.kind, version=handed.version))
            return False
        before = self._in_force.get(handed.kind)
        self._in_force[handed.kind] = mapped
        if before is not None:
            before.close()
        log.info("list %s %d is in force: %d entries", handed.kind, handed.version, handed.entries)
        self._tell(EventType.AUDIT, {"what": "list_in_force", "list": handed.kind.value, "version": handed.version, "entries": handed.entries})
        return True

    def _refused(self, refused: Refused) -> None:
        named = {"list": refused.kind.value, "version": refused.version} if refused.kind else {}
        log.error("a list was not taken: %s %s", refused.why, named)
        self._tell(EventType.ALARM, {"what": "list_refused", "why": refused.why.value, **named})
