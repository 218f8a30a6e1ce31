"""What an archive knows of its gates, and an operator's word that one of them is in order. Works beside a running recorder."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from device.errors import StoreError, UsageError
from provisioning.operations.alarms import What
from provisioning.operations.database import BUSY_S, look
from provisioning.operations.missing import ACCEPTED, is_overdue
from provisioning.operations.runs import Range, Run, Runs
from provisioning.operations.schema import SCHEMA_VERSION

GAPS_SHOWN = 10
"""Of one epoch; the count is of all."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """One epoch of one gate. ``gaps`` are the first of ``missing`` events that neither came nor were given up by the gate."""

    epoch: str
    last_sequence: int
    changed_at: str
    missing: int
    gaps: tuple[Range, ...]


@dataclass(frozen=True, slots=True)
class Gate:
    """The last event is that of the first epoch here: the newest comes first."""

    gate: str
    site: str
    epochs: tuple[Epoch, ...]
    boots: int
    voids: int
    conflicts: int
    alarms: tuple[tuple[str, str], ...]
    key: str
    other_key: str


def gates(archive: Path) -> list[Gate]:
    """Every gate of ``archive``, by name.

    Raises:
        StoreError: there is no archive, or one of another version.
    """
    with _opened(archive) as database:
        rows = database.execute("SELECT gate, site, key, other_key FROM gates ORDER BY gate").fetchall()
        return [_gate(database, *row) for row in rows]


def _gate(database: sqlite3.Connection, gate: str, site: str, key: bytes | None, other_key: bytes | None) -> Gate:
    def count(sql: str, name: str) -> int:
        found: int = database.execute(sql, (name,)).fetchone()[0]
        return found

    return Gate(
        gate=gate,
        site=site,
        epochs=tuple(_epochs(database, gate)),
        boots=count("SELECT count(*) FROM boots WHERE gate = ?", gate),
        voids=count(f"SELECT count(*) FROM settled WHERE gate = ? AND why != '{ACCEPTED}'", gate),  # noqa: S608 - a text of ours
        conflicts=count("SELECT count(*) FROM conflicts WHERE source = ?", f"/gates/{gate}"),
        alarms=tuple(database.execute("SELECT what, since FROM alarms WHERE gate = ? ORDER BY what", (gate,)).fetchall()),
        key=(key or b"").hex(),
        other_key=(other_key or b"").hex(),
    )


def _epochs(database: sqlite3.Connection, gate: str) -> Iterator[Epoch]:
    sql = "SELECT epoch, max(changed_at) FROM runs WHERE gate = ? GROUP BY epoch ORDER BY max(changed_at) DESC, epoch"
    for epoch, changed_at in database.execute(sql, (gate,)).fetchall():
        last_sequence, missing = _missing(database, gate, epoch)
        yield Epoch(epoch, last_sequence, changed_at, sum(last - first + 1 for first, last in missing), tuple(missing[:GAPS_SHOWN]))


def _missing(database: sqlite3.Connection, gate: str, epoch: str) -> tuple[int, list[Range]]:
    """The highest sequence, and what is missing below it: that an operator waits no longer does not bring it."""
    place = (gate, epoch)
    runs = Runs(Run(*row) for row in database.execute("SELECT first, last, before, link FROM runs WHERE gate = ? AND epoch = ?", place))
    settled = database.execute("SELECT first, last FROM settled WHERE gate = ? AND epoch = ? AND why != ?", (*place, ACCEPTED)).fetchall()
    return runs.last, list(runs.missing(settled))


def accept(archive: Path, gate: str) -> bool:
    """Clear the alarms of ``gate``, and believe the key that it names now; whether that is another one than before.

    Where it is alarmed for what is missing, that is not asked for any more. A recorder that runs reads this within a second, and takes
    the gate's note back.

    Raises:
        UsageError: no gate has this name.
        StoreError: there is no archive, it is of another version, or cannot be written.
    """
    with _opened(archive) as reading:
        row = reading.execute("SELECT other_key FROM gates WHERE gate = ?", (gate,)).fetchone()
        waited_for = list(_overdue(reading, gate))
    if row is None:
        raise UsageError(f"the archive knows no gate {gate!r}", hint="`qrgate-provision gates` lists them")
    try:
        with closing(sqlite3.connect(archive, timeout=BUSY_S)) as database, database:
            database.execute("PRAGMA synchronous = FULL")
            database.execute("UPDATE gates SET key = ifnull(other_key, key), other_key = NULL, doubtful = 0 WHERE gate = ?", (gate,))
            database.execute("DELETE FROM alarms WHERE gate = ?", (gate,))
            database.executemany("INSERT OR IGNORE INTO settled VALUES (?, ?, ?, ?, ?)", waited_for)
            database.execute("INSERT OR IGNORE INTO accepted VALUES (?)", (gate,))
    except sqlite3.Error as error:
        raise StoreError(f"the archive {archive}: {error}", hint="run this as the user that runs the recorder") from error
    return row[0] is not None


def _overdue(database: sqlite3.Connection, gate: str) -> Iterator[tuple[str, str, int, int, str]]:
    """Rows of ``settled``."""
    if database.execute("SELECT 1 FROM alarms WHERE gate = ? AND what = ?", (gate, What.STILL_MISSING)).fetchone() is None:
        return
    now = datetime.now(UTC)
    for (epoch,) in database.execute("SELECT DISTINCT epoch FROM runs WHERE gate = ?", (gate,)).fetchall():
        for each in _missing(database, gate, epoch)[1]:
            if is_overdue(database.execute, gate, epoch, each, now):
                yield (gate, epoch, *each, ACCEPTED)


@contextmanager
def _opened(archive: Path) -> Iterator[sqlite3.Connection]:
    with closing(look(archive, SCHEMA_VERSION)) as database:
        try:
            yield database
        except sqlite3.Error as error:
            raise StoreError(f"the archive {archive}: {error}", hint="is it whole? try again when the recorder runs") from error
