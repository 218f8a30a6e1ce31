"""What the gate remembers of passes and their bearers: uses, time steps, who is inside, which names are one person.

It lives in the store's file and in the store's transactions. A grant *reserves*: while it is open, its use, its place and its
bearer count as taken. Its end *consumes* them, or gives them back where nobody passed. Persons are keyed hashes that mean
something on this gate only; whoever has left, or is forgotten at night, is erased.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from device.admission.presence import Moment, is_forgotten
from device.domain import Direction
from device.gate.moments import COLUMNS, columns, moment
from device.gate.places import Places

SINCE_EVER = "1970-01-01T00:00:00+00:00"
TABLES = f"""
ALTER TABLE open_grant ADD COLUMN person BLOB;
ALTER TABLE open_grant ADD COLUMN direction TEXT NOT NULL DEFAULT 'entry';
ALTER TABLE open_grant ADD COLUMN people INTEGER NOT NULL DEFAULT 1;
ALTER TABLE open_grant ADD COLUMN utc TEXT NOT NULL DEFAULT '{SINCE_EVER}';
ALTER TABLE open_grant ADD COLUMN trust TEXT NOT NULL DEFAULT 'untrusted';
ALTER TABLE open_grant ADD COLUMN boot TEXT NOT NULL DEFAULT '';
ALTER TABLE open_grant ADD COLUMN at_ns INTEGER NOT NULL DEFAULT 0;
CREATE TABLE inside (person BLOB PRIMARY KEY, people INTEGER NOT NULL, {COLUMNS}) WITHOUT ROWID;
CREATE TABLE gone (person BLOB PRIMARY KEY, {COLUMNS}) WITHOUT ROWID;
CREATE TABLE known_as (name BLOB PRIMARY KEY, person BLOB NOT NULL, {COLUMNS}) WITHOUT ROWID;
CREATE TABLE rotating_step (pass BLOB PRIMARY KEY, step INTEGER NOT NULL) WITHOUT ROWID;
"""

COUNTED_TABLE = f"""
CREATE TABLE counted (number INTEGER PRIMARY KEY, people INTEGER NOT NULL, {COLUMNS});
"""

_GRANT = "id, presentation, pass, person, direction, people, utc, trust, boot, at_ns"
_INSIDE = f"CREATE TABLE inside (person BLOB PRIMARY KEY, people INTEGER NOT NULL, {COLUMNS})"
_GONE = f"CREATE TABLE gone (person BLOB PRIMARY KEY, {COLUMNS})"
_KNOWN_AS = f"CREATE TABLE known_as (name BLOB PRIMARY KEY, person BLOB NOT NULL, {COLUMNS})"

ROWS_IN_ORDER = f"""
ALTER TABLE open_grant RENAME TO former;
CREATE TABLE open_grant (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL, presentation TEXT NOT NULL, pass BLOB, person BLOB, direction TEXT NOT NULL,
    people INTEGER NOT NULL, {COLUMNS}
);
INSERT INTO open_grant ({_GRANT}) SELECT {_GRANT} FROM former;
DROP TABLE former;
ALTER TABLE inside RENAME TO former;
{_INSIDE};
INSERT INTO inside SELECT * FROM former;
DROP TABLE former;
ALTER TABLE gone RENAME TO former;
{_GONE};
INSERT INTO gone SELECT * FROM former;
DROP TABLE former;
ALTER TABLE known_as RENAME TO former;
{_KNOWN_AS};
INSERT INTO known_as SELECT * FROM former;
DROP TABLE former;
"""  # noqa: S608 - names of this program
"""Rows beside each other in the order in which they came. In a table that is its own index a row of a quarter page has a page to itself."""

NAMES_MAX = 50_000
"""Names that are remembered for a day: more people than pass one lane, with two cards each."""

STEPS_BACK = 100
"""Time steps after which a rotating pass's last one need not be remembered: the clock that it needs shows that it is over."""


@dataclass(frozen=True, slots=True)
class OpenGrant:
    """A grant that has no passage yet. ``person`` is ``None`` where the policy needs to remember nobody."""

    id: str
    presentation: str
    pass_key: bytes | None
    person: bytes | None = None
    direction: Direction = Direction.ENTRY
    people: int = 1


@dataclass(frozen=True, slots=True)
class Stay:
    """Somebody is inside, or about to be: since when, and with how many."""

    since: Moment
    people: int


class Memory:
    """On the store's connection; whoever calls the writing methods has opened the store's transaction. Raises sqlite3.Error."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._db = database
        self._places = Places(database)

    # --- reading -----------------------------------------------------------------------------------------------

    def uses_of(self, pass_key: bytes) -> int:
        row = self._db.execute("SELECT uses FROM pass_use WHERE pass=?", (pass_key,)).fetchone()
        return int(row[0]) if row else 0

    def step_of(self, pass_key: bytes) -> int | None:
        row = self._db.execute("SELECT step FROM rotating_step WHERE pass=?", (pass_key,)).fetchone()
        return int(row[0]) if row else None

    def persons_of(self, names: Iterable[bytes]) -> tuple[bytes, ...]:
        """Who was known before by one of ``names``, each once. A card that names two others may show that two were one."""
        found = (self._db.execute("SELECT person FROM known_as WHERE name=?", (name,)).fetchone() for name in names)
        return tuple(dict.fromkeys(bytes(row[0]) for row in found if row))

    def stay_of(self, person: bytes) -> Stay | None:
        """Is ``person`` inside? A grant that is open counts: whoever holds it is on the way in."""
        row = self._db.execute(
            "SELECT people, utc, trust, boot, at_ns FROM open_grant WHERE person=? AND direction='entry' LIMIT 1", (person,)
        ).fetchone()
        row = row or self._db.execute("SELECT people, utc, trust, boot, at_ns FROM inside WHERE person=?", (person,)).fetchone()
        return Stay(moment(*row[1:]), int(row[0])) if row else None

    def gone_since(self, person: bytes) -> Moment | None:
        """When ``person`` was let out, if that was the last that was heard of them."""
        row = self._db.execute("SELECT utc, trust, boot, at_ns FROM gone WHERE person=?", (person,)).fetchone()
        return moment(*row) if row else None

    def occupied(self, without: Iterable[bytes] = ()) -> int:
        """Places that are taken or reserved, by whomever but the persons in ``without``."""
        return self._places.occupied(without)

    def open_grants(self) -> list[OpenGrant]:
        rows = self._db.execute("SELECT id, presentation, pass, person, direction, people FROM open_grant")
        return [OpenGrant(id_, presentation, key, person, Direction(way), people) for id_, presentation, key, person, way, people in rows]

    # --- writing -----------------------------------------------------------------------------------------------

    def open_grant(self, grant: OpenGrant, now: Moment) -> None:
        """A grant begins, and reserves its use and its places."""
        if grant.direction is not Direction.EXIT:
            self._places.level(now)
        self._db.execute(
            "INSERT INTO open_grant (id, presentation, pass, person, direction, people, utc, trust, boot, at_ns) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (grant.id, grant.presentation, grant.pass_key, grant.person, grant.direction, grant.people, *columns(now)),
        )
        if grant.pass_key is not None:
            self._db.execute("INSERT INTO pass_use VALUES (?, 1) ON CONFLICT (pass) DO UPDATE SET uses = uses + 1", (grant.pass_key,))

    def end_grant(self, grant: OpenGrant, *, passed: int) -> None:
        """A grant ends, and ``passed`` people of it have gone: what was reserved is consumed, or given back where it is nobody.

        Whose it is, is asked of the row: another card may have shown meanwhile that its bearer was known by an older name.
        """
        row = self._db.execute("SELECT person, utc, trust, boot, at_ns FROM open_grant WHERE id=?", (grant.id,)).fetchone()
        self._db.execute("DELETE FROM open_grant WHERE id=?", (grant.id,))
        if passed == 0 and grant.pass_key is not None:
            self._db.execute("UPDATE pass_use SET uses = uses - 1 WHERE pass=?", (grant.pass_key,))
        if passed == 0 or row is None or row[0] is None:
            return
        person, *since = row
        (before,) = self._db.execute("SELECT people FROM inside WHERE person=?", (person,)).fetchone() or (0,)
        if grant.direction is not Direction.EXIT:
            self._db.execute("DELETE FROM gone WHERE person=?", (person,))
            self._db.execute("INSERT OR REPLACE INTO inside VALUES (?, ?, ?, ?, ?, ?)", (person, passed, *since))
            self._places.inside_changed(passed - before)
            return
        stay = max(before - passed, 0)  # of a party some may stay
        if stay:
            self._db.execute("UPDATE inside SET people=? WHERE person=?", (stay, person))
        else:
            self._db.execute("DELETE FROM inside WHERE person=?", (person,))
        self._db.execute("INSERT OR REPLACE INTO gone VALUES (?, ?, ?, ?, ?)", row)
        self._places.inside_changed(stay - before)

    def count(self, people: int, now: Moment) -> None:
        """So many went in without a grant, or out (below zero); never more than there are inside."""
        self._places.count(people, now)

    def undone(self) -> None:
        """A transaction was given up, and all that was written in it."""
        self._places.add_up()

    def know(self, person: bytes, names: Iterable[bytes], now: Moment) -> None:
        """All of ``names`` are ``person``; whoever was known by one of them before is the same."""
        for name in names:
            row = self._db.execute("SELECT person FROM known_as WHERE name=?", (name,)).fetchone()
            if row and bytes(row[0]) != person:
                self._db.execute("UPDATE known_as SET person=? WHERE person=?", (person, row[0]))
                self._db.execute("UPDATE OR REPLACE inside SET person=? WHERE person=?", (person, row[0]))
                self._db.execute("UPDATE OR REPLACE gone SET person=? WHERE person=?", (person, row[0]))
                self._db.execute("UPDATE open_grant SET person=? WHERE person=?", (person, row[0]))
                self._places.add_up()
            self._db.execute("INSERT OR REPLACE INTO known_as VALUES (?, ?, ?, ?, ?, ?)", (name, person, *columns(now)))

    def step(self, pass_key: bytes, step: int) -> None:
        """The rotating pass has shown ``step``, which is never good again."""
        self._db.execute("INSERT OR REPLACE INTO rotating_step VALUES (?, ?)", (pass_key, step))

    def forget(self, now: Moment, reset_minute: int) -> int:
        """Erase whoever a night has passed over, and what is beyond the bounds; how many were still inside."""

        def over(rows: str) -> list[tuple[bytes]]:
            return [(key,) for key, *since in self._db.execute(rows) if is_forgotten(moment(*since), now, reset_minute)]

        left = over("SELECT person, utc, trust, boot, at_ns FROM inside")
        self._db.executemany("DELETE FROM inside WHERE person=?", left)
        self._db.executemany("DELETE FROM counted WHERE number=?", over("SELECT number, utc, trust, boot, at_ns FROM counted"))
        self._db.executemany("DELETE FROM gone WHERE person=?", over("SELECT person, utc, trust, boot, at_ns FROM gone"))
        self._db.executemany("DELETE FROM known_as WHERE name=?", over("SELECT name, utc, trust, boot, at_ns FROM known_as"))
        self._db.execute("DELETE FROM known_as WHERE name IN (SELECT name FROM known_as ORDER BY utc DESC LIMIT -1 OFFSET ?)", (NAMES_MAX,))
        self._places.add_up()
        self._db.execute("DELETE FROM rotating_step WHERE step < (SELECT max(step) FROM rotating_step) - ?", (STEPS_BACK,))
        return len(left)
