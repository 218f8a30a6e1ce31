"""A damaged store is set aside, and another takes its place: a new epoch, with all that could be saved of the old one.

Events keep their bodies and stand ahead of all that is new; what is missing among them becomes signed voids. Uses of passes, who
is inside, sealed identities and the rest are taken over as they are. An alarm tells what was saved and what was lost.

The new file is made whole beside the old one and gets its name ``.next`` last of all: whoever finds a ``.next`` has only names to
change. So a kill at any instant leaves the old file in its place, or a new one that is complete.
"""

from __future__ import annotations

import logging
import os
import re
import sqlite3
from collections.abc import Iterable
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import quote

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from device.domain import ClockTrust, EventType, Instant
from device.errors import StoreDamagedError, StoreError
from device.events import void
from device.events.void import Void
from device.gate.database import DISK_HINT, as_store_error, connect, must_be_given, transaction
from device.gate.epochs import OldEpoch
from device.gate.gaps import Gaps
from device.gate.keys import sync_folder, write_secret
from device.gate.limits import DEFAULT_LIMITS, NO_LIMITS, Limits
from device.gate.readable import Readable, Saved
from device.gate.room import RESERVE_BYTES
from device.gate.sound_rows import holds
from device.gate.store import SUSPECT, Store

log = logging.getLogger("qrgate.gate")

TABLES = ("pass_use", "open_grant", "inside", "gone", "known_as", "rotating_step", "counted", "reported", "roll_call", "presentation")
PLACED = ("identity", "voided")
"""Tables whose rows belong to events, by their places."""

DAMAGED_MAX = 2
"""Damaged files that are kept: each is as large as a store."""

BATCH = 1_000
EPOCH = re.compile(r"[0-9a-f]{16}")
SALVAGE, NEXT, EPOCH_NOTE = ".salvage", ".next", ".epoch"
WHY = "damaged"


@dataclass(frozen=True, slots=True)
class Damage:
    """``lost`` events are gone, ``None`` where nobody knows how many; ``unread`` are tables that could not be read as a whole.

    ``rows_lost`` counts rows in them that could be read and were not what was written: of what nobody could read there is no number.
    """

    epoch: str
    saved: int
    lost: int | None
    unread: tuple[str, ...]
    rows_lost: int = 0


@dataclass(frozen=True, slots=True)
class _Copied:
    """``is_all``: the table could be read to its end."""

    table: str
    is_all: bool
    rows_lost: int


@dataclass(frozen=True, slots=True)
class Opened:
    store: Store
    damage: Damage | None


def open_store(
    path: Path, *, gate: str, boot: str, key: Ed25519PrivateKey, now: Instant, limits: Limits = DEFAULT_LIMITS, reserve: int = RESERVE_BYTES
) -> Opened:
    """The store at ``path``, or the one that takes its place. ``key`` signs the voids of what is lost.

    Raises:
        StoreError: the disk will not do, or there is no room for another file.
    """
    _Swap(path).finish()
    known = _noted_epoch(path)
    try:
        store = _open_sound(path, known, gate=gate, boot=boot, limits=limits, reserve=reserve)
        damage = None
    except StoreDamagedError as error:
        must_be_given(path)
        log.error("the store is damaged, what can be read of it is saved: %s", error.what)
        damage = _Salvage(path, gate=gate, boot=boot, key=key, now=now).run(known)
        unread = ", ".join(damage.unread) or "nothing"
        log.error("a new epoch begins: %s events are lost; not read as a whole: %s (%d rows)", damage.lost, unread, damage.rows_lost)
        _Swap(path).finish()
        store = Store(path, gate=gate, boot=boot, limits=limits, reserve=reserve)
    if known != store.epoch:
        write_secret(path.with_suffix(EPOCH_NOTE), store.epoch.encode())
    return Opened(store, damage)


def erase_set_aside(path: Path, now: Instant, retention_days: int) -> int:
    """Erase the damaged files beside the store that nobody has written for so many days; how many. Nothing in them can be erased singly,
    and sealed identities are among it.

    Raises:
        StoreError: one cannot be erased.
    """
    if now.trust is not ClockTrust.TRUSTED:
        return 0
    before_s = (now.utc - timedelta(days=retention_days)).timestamp()
    with as_store_error(path):
        due = [file for file in _set_aside(path) if file.stat().st_mtime < before_s]
        for file in due:
            _erase(file)
    return len(due)


def _set_aside(path: Path) -> list[Path]:
    return list(path.parent.glob(f"{path.stem}-*.damaged"))


def _erase(damaged: Path) -> None:
    damaged.with_name(damaged.name + "-wal").unlink(missing_ok=True)
    damaged.unlink()


def _open_sound(path: Path, known: str, *, gate: str, boot: str, limits: Limits, reserve: int) -> Store:
    """Raises StoreDamagedError where the file is not sound, or gone."""
    with as_store_error(path):
        if path.with_suffix(SUSPECT).exists():
            raise StoreDamagedError("damage was met at work")
        if known and not (path.exists() and path.stat().st_size):
            raise StoreDamagedError("the file is gone")
    store = Store(path, gate=gate, boot=boot, limits=limits, reserve=reserve)
    try:
        store.check()
    except BaseException:
        store.close()
        raise
    return store


def _noted_epoch(path: Path) -> str:
    """The epoch that stands beside the file, for the day on which the file cannot tell it; empty at the first start."""
    with suppress(OSError, UnicodeDecodeError):
        found = path.with_suffix(EPOCH_NOTE).read_text(encoding="ascii")
        return found if EPOCH.fullmatch(found) else ""
    return ""


class _Swap:
    """The new file takes the place of the old one. Every step may be the last before a kill, and is done again then."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def finish(self) -> None:
        """Raises StoreError."""
        new = self._path.with_suffix(NEXT)
        if not new.exists():
            return
        with as_store_error(self._path):
            self._path.with_suffix(SUSPECT).unlink(missing_ok=True)
            self._set_aside()
            new.replace(self._path)
            sync_folder(self._path.parent)
            self._prune()

    def _set_aside(self) -> None:
        """The log of writes first: it must not be there when the new file has the old one's name."""
        number = 1
        while (aside := self._path.with_name(f"{self._path.stem}-{number}.damaged")).exists():
            number += 1
        for suffix in ("-wal", ""):
            with suppress(FileNotFoundError):
                self._path.with_name(self._path.name + suffix).replace(aside.with_name(aside.name + suffix))
        self._path.with_name(self._path.name + "-shm").unlink(missing_ok=True)

    def _prune(self) -> None:
        kept = sorted(_set_aside(self._path), key=lambda file: file.stat().st_mtime, reverse=True)
        for file in kept[DAMAGED_MAX:]:
            _erase(file)


class _Salvage:
    def __init__(self, path: Path, *, gate: str, boot: str, key: Ed25519PrivateKey, now: Instant) -> None:
        self._path = path
        self._new = path.with_suffix(SALVAGE)
        self._gate = gate
        self._boot = boot
        self._key = key
        self._now = now

    def run(self, known: str) -> Damage:
        """Make the new file. Raises StoreError."""
        with as_store_error(self._new):
            for suffix in ("", "-wal", "-shm"):
                self._new.with_name(self._new.name + suffix).unlink(missing_ok=True)
            with closing(self._store()):
                pass  # it has its tables and its epoch now
            with closing(_open_old(self._path)) as old, closing(connect(self._new)) as new:
                damage, voids = self._take_over(Readable(old), new, known)
            self._tell(damage, voids)
            self._complete()
        return damage

    def _store(self) -> Store:
        return Store(self._new, gate=self._gate, boot=self._boot, limits=NO_LIMITS, reserve=0)

    def _take_over(self, old: Readable, new: sqlite3.Connection, known: str) -> tuple[Damage, list[Void]]:
        epoch, end = old.epoch() or known, old.end()
        copied = [_copy(old, new, table) for table in TABLES]  # first of all: a use that was counted stays counted
        gaps = Gaps()
        shift = (end.sequence if end is not None else _last_place(old, epoch)) + 1
        epochs = [OldEpoch(each.name, each.shift + shift) for each in old.old_epochs()] + ([OldEpoch(epoch, shift)] if epoch else [])
        copied += [_copy(old, new, table, shift) for table in PLACED]
        saved = refusals = 0
        events = old.events(epoch, end)
        while batch := list(islice(events, BATCH)):
            _insert_events(new, batch, shift)
            gaps.add(event.sequence for event in batch if event.place > 0)
            saved, refusals = saved + len(batch), refusals + sum(event.refusal for event in batch)
        with transaction(new):
            new.executemany("INSERT OR IGNORE INTO old_epoch VALUES (?, ?)", [(each.name, each.shift) for each in epochs])
            new.execute("UPDATE head SET events=?, refusals=?", (saved, refusals))
            if end is not None:
                new.execute("UPDATE head SET clock_floor=?", (end.clock_floor.isoformat(),))
        lost = None if end is None else max(end.events - saved, 0)
        voids = [] if lost == 0 else self._voids(epochs, epoch, gaps, end.sequence if end is not None else void.LAST)
        unread = tuple(each.table for each in copied if each.rows_lost or not each.is_all)
        return Damage(epoch, saved, lost, unread, sum(each.rows_lost for each in copied)), voids

    def _voids(self, epochs: Iterable[OldEpoch], epoch: str, gaps: Gaps, last: int) -> list[Void]:
        """Of what is missing in the epoch that ended; of those before it nobody knows how far they went."""
        before = [Void(self._gate, each.name, 1, void.LAST, WHY) for each in epochs if each.name != epoch]
        return before + ([Void(self._gate, epoch, first, until, WHY) for first, until in gaps.until(last)] if epoch else [])

    def _tell(self, damage: Damage, voids: list[Void]) -> None:
        """The first events of the new epoch."""
        with closing(self._store()) as store:
            late = self._now.utc < store.clock_floor
            now = Instant(self._now.utc, ClockTrust.UNTRUSTED) if late else self._now
            with store.transaction(makes_room=True) as writing:
                facts: dict[str, Any] = {"what": "store_damaged", "epoch": damage.epoch, "saved": damage.saved, "lost": damage.lost}
                facts |= {"unread": list(damage.unread)} | ({"rows_lost": damage.rows_lost} if damage.rows_lost else {})
                writing.append(EventType.ALARM, facts, subject="gate", now=now)
                for each in voids:
                    writing.append(EventType.VOID, void.data(each, void.sign(self._key, each)), subject="gate", now=now)

    def _complete(self) -> None:
        """All is in the one file, and on the disk: it gets its name."""
        log_ = self._new.with_name(self._new.name + "-wal")
        if log_.exists() and log_.stat().st_size:
            raise StoreError(f"{log_} is still there", hint=DISK_HINT)
        descriptor = os.open(self._new, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        self._new.replace(self._path.with_suffix(NEXT))
        sync_folder(self._path.parent)


def _open_old(path: Path) -> sqlite3.Connection:
    """To be read only, and to stay as it is; a file that is gone is as good as an empty one."""
    if not path.exists():
        return sqlite3.connect(":memory:")
    database = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, isolation_level=None)
    database.text_factory = _text_or_bytes
    return database


def _text_or_bytes(stored: bytes) -> str | bytes:
    """Damage may stand in a text too: it stays bytes then, and is no text for whoever looks at the row."""
    try:
        return stored.decode()
    except UnicodeDecodeError:
        return stored


def _copy(old: Readable, new: sqlite3.Connection, table: str, shift: int = 0) -> _Copied:
    """Take over the rows that hold, of a table whose first column may be a place."""
    theirs = old.columns(table)
    columns = tuple(column for column in (row[1] for row in new.execute(f"PRAGMA table_info({table})")) if column in theirs)
    if not columns:
        return _Copied(table, is_all=False, rows_lost=0)
    rows, is_all = old.rows(table, columns)
    kept = [row for row in rows if holds(table, columns, row)]
    rows_lost = len(set(rows)) - len(set(kept))  # some were read twice
    placed: list[tuple[Any, ...]] = [(row[0] - shift, *row[1:]) for row in kept] if shift else kept
    marks = ", ".join("?" * len(columns))
    with transaction(new):
        new.executemany(f"INSERT OR IGNORE INTO {table} ({', '.join(columns)}) VALUES ({marks})", placed)  # noqa: S608 - names of this program
    return _Copied(table, is_all, rows_lost)


def _insert_events(new: sqlite3.Connection, batch: list[Saved], shift: int) -> None:
    rows = [(event.place - shift, event.type, event.stored, event.refusal) for event in batch]
    with transaction(new):
        new.executemany("INSERT OR IGNORE INTO event VALUES (?, ?, ?, ?)", rows)


def _last_place(old: Readable, epoch: str) -> int:
    """The highest that can be read."""
    return max((event.place for event in old.events(epoch, None)), default=0)
