"""What a row of the store must be for the code that reads it: types, ranges, words, and times that can be read.

SQLite has no checksum of its rows. A worn card may give a number where bytes were written, or a party of minus three, and the
file counts as sound. Whoever stumbles over such a row would do so at each start again: so rows are looked at when the store is
opened, when somebody has stumbled, and when they are taken over from a damaged store.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from enum import StrEnum
from typing import Any

from device.domain import ClockTrust, Direction, EventType
from device.errors import QrgateError, StoreDamagedError, StoreError, VerificationError
from device.events import void
from device.gate.database import DAMAGED_HINT, as_store_error, patience
from device.gate.packing import PLAIN, unpack

PEOPLE_MAX = 100_000
"""No site has room for more (``capacity`` of a policy)."""
USES_MAX = STEPS_MAX = 2**31 - 1
RETENTION_DAYS_MAX = 3650  # as in a policy
YEARS = range(1970, 2110)
"""Of a clock that was trusted: a signed time goes no further."""
PLACES_MAX, PLACE_MAX = 2**40, 2**60
"""More than a gate lives to record, and so far that a place below zero is still a number where others are put ahead of it."""
HASH_BYTES = (0, 32)
EPOCH = re.compile(r"[0-9a-f]{1,32}")

MISREAD = (TypeError, ValueError, LookupError, AttributeError, ArithmeticError, RecursionError, MemoryError, sqlite3.IntegrityError)
"""What reckoning with a wrong value, or writing beside it, ends with: a text, times the nanoseconds of a day, fits no memory."""

LOOK_WITHIN_S = 20.0
"""A store of a million events is looked through in a few seconds."""

Holds = Callable[[Any], bool]


def _bytes(value: Any) -> bool:
    return type(value) is bytes


def _text(value: Any) -> bool:
    return type(value) is str


def _number(value: Any) -> bool:
    return type(value) is int


def _whole(first: int, last: int) -> Holds:
    return lambda value: type(value) is int and first <= value <= last


def _word(words: type[StrEnum]) -> Holds:
    known = frozenset(map(str, words))
    return lambda value: type(value) is str and value in known


def _or_nothing(holds: Holds) -> Holds:
    return lambda value: value is None or holds(value)


def _time(value: Any) -> bool:
    """With its zone, or it could not be compared."""
    try:
        return type(value) is str and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def _trusted_time(value: Any) -> bool:
    return _time(value) and datetime.fromisoformat(value).year in YEARS


def _hash(value: Any) -> bool:
    return type(value) is bytes and len(value) in HASH_BYTES


def _epoch(value: Any) -> bool:
    return type(value) is str and EPOCH.fullmatch(value) is not None


def _stored_epoch(value: Any) -> bool:
    return type(value) is bytes and value.isascii() and _epoch(value.decode())


_type, _trust = _word(EventType), _word(ClockTrust)


def is_event(body: Any) -> bool:
    """Does an unpacked ``body`` say what is asked of it at this gate?"""
    try:
        event = json.loads(body)
        return (
            _type(event["type"].removeprefix(void.TYPE_PREFIX))
            and _epoch(event["epoch"])
            and 0 < int(event["sequence"]) <= PLACES_MAX
            and _time(event["time"])
            and _trust(event["clockquality"])
            and _text(event["previoushash"])
        )
    except MISREAD:
        return False


def _body(value: Any) -> bool:
    try:
        return is_event(unpack(value))
    except (StoreDamagedError, *MISREAD):
        return False


_PLACE = _whole(-PLACE_MAX, PLACE_MAX)
_MOMENT: dict[str, Holds] = {"utc": _time, "trust": _trust, "boot": _text, "at_ns": _number}
_EVENT: dict[str, Holds] = {"sequence": _PLACE, "type": _type, "body": _body, "refusal": _whole(0, 1)}
_PEOPLE = _whole(0, PEOPLE_MAX)

COLUMNS: Mapping[str, Mapping[str, Holds]] = {
    "meta": {"name": _text, "value": _stored_epoch},
    "head": {
        "sequence": _whole(0, PLACES_MAX),
        "hash": _hash,
        "clock_floor": _trusted_time,
        "events": _whole(0, PLACES_MAX),
        "refusals": _whole(0, PLACES_MAX),
    },
    "old_epoch": {"epoch": _epoch, "shift": _whole(0, PLACE_MAX)},
    "pass_use": {"pass": _bytes, "uses": _whole(0, USES_MAX)},
    "rotating_step": {"pass": _bytes, "step": _whole(0, STEPS_MAX)},
    "open_grant": {
        "number": _number,
        "id": _text,
        "presentation": _text,
        "pass": _or_nothing(_bytes),
        "person": _or_nothing(_bytes),
        "direction": _word(Direction),
        "people": _PEOPLE,
        **_MOMENT,
    },
    "inside": {"person": _bytes, "people": _PEOPLE, **_MOMENT},
    "gone": {"person": _bytes, **_MOMENT},
    "known_as": {"name": _bytes, "person": _bytes, **_MOMENT},
    "counted": {"number": _number, "people": _whole(-PEOPLE_MAX, PEOPLE_MAX), **_MOMENT},
    "reported": {"entry": _bytes, "utc": _time},
    "roll_call": {"judged": _trusted_time},
    "presentation": {"number": _number, "track": _text, "presentation": _text, "fingerprint": _bytes, "boot": _text, "at_ns": _number},
    "identity": {"sequence": _PLACE, "sealed": _bytes, "retention_days": _whole(0, RETENTION_DAYS_MAX), **_MOMENT},
    "voided": {**_EVENT, **_MOMENT},
    "event": _EVENT,
}
"""Table by table what may stand in a column."""

_KINDS = ", ".join(f"'{kind}'" for kind in EventType)
SUSPECT_EVENTS = f"typeof(body) != 'blob' OR substr(body, 1, 1) = x'{PLAIN.hex()}' OR type NOT IN ({_KINDS}) OR refusal NOT IN (0, 1)"
"""Of a million: a packed body carries a checksum, and whoever unpacks it is told."""


def holds(table: str, columns: Iterable[str], row: Iterable[Any]) -> bool:
    """Is ``row`` with these ``columns`` what the reading code needs? An older version's table may lack some."""
    return all(COLUMNS[table][column](value) for column, value in zip(columns, row, strict=True))


def must_hold(database: sqlite3.Connection) -> None:
    """Look at every row.

    Raises:
        StoreDamagedError: one does not hold, or the head does not fit the events.
        sqlite3.Error: the file cannot be read so far, or the connection's progress handler has lost its patience.
    """
    for table, columns in COLUMNS.items():
        suspect = SUSPECT_EVENTS if table == "event" else "true"
        for row in database.execute(f"SELECT {', '.join(columns)} FROM {table} WHERE {suspect}"):  # noqa: S608 - names of this program
            if not holds(table, columns, row):
                raise StoreDamagedError(f"the store is not sound: a row of {table} is not what was written", hint=DAMAGED_HINT)
    _head_must_fit(database)


def _head_must_fit(database: sqlite3.Connection) -> None:
    """Another number would be given twice, another hash would end the chain, and counts that are off fill or empty the store for ever."""
    end, hash_, *counted = database.execute("SELECT sequence, hash, events, refusals FROM head").fetchone()
    there = database.execute("SELECT count(*), coalesce(sum(refusal), 0) FROM event").fetchone()
    last, body = database.execute("SELECT sequence, body FROM event ORDER BY sequence DESC LIMIT 1").fetchone() or (None, None)
    if tuple(counted) != there or (last is not None and (last > end or (last == end and not _is_link(hash_, body)))):
        raise StoreDamagedError("the store is not sound: its head does not fit its events", hint=DAMAGED_HINT)


def _is_link(hash_: bytes, body: Any) -> bool:
    try:
        return void.link(unpack(body)) == hash_
    except (StoreDamagedError, VerificationError, *MISREAD):
        return False


@contextmanager
def stumbling_tells(database: sqlite3.Connection) -> Iterator[None]:
    """Whoever stumbles inside over what was read: was it a row that does not hold? If all hold, the error is this program's own.

    Raises:
        StoreDamagedError: a row does not hold.
    """
    try:
        yield
    except QrgateError:
        raise
    except MISREAD:
        if not database.in_transaction:  # else half of it is written: whoever gives it up looks then
            with suppress(StoreError), as_store_error("the store"), patience(database, LOOK_WITHIN_S):
                must_hold(database)
        raise
