"""What the recorder's archive has of the played gates, event by event."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from device.errors import StoreError
from device.events.cloudevents import event_id
from provisioning.operations.database import look
from provisioning.operations.schema import SCHEMA_VERSION


@dataclass(frozen=True, slots=True)
class Count:
    """``lost`` are the events that a gate made and the archive has not; ``alarms`` what the recorder thinks is wrong with a gate."""

    stored: int
    lost: int
    alarms: int


def count(archive: Path, made: Mapping[tuple[str, str], int]) -> Count:
    """``made``: gate and epoch -> the last sequence; each gate began with 1.

    Raises:
        StoreError: there is no archive, or it cannot be read.
    """
    with closing(look(archive, SCHEMA_VERSION)) as database:
        try:
            stored = {place: _stored(database, *place, last) for place, last in made.items()}
            alarms = sum(database.execute("SELECT count(*) FROM alarms WHERE gate = ?", (gate,)).fetchone()[0] for gate, _ in made)
        except sqlite3.Error as error:
            raise StoreError(f"the archive {archive}: {error}", hint="is it whole?") from error
    return Count(sum(stored.values()), sum(last - stored[place] for place, last in made.items()), alarms)


def _stored(database: sqlite3.Connection, gate: str, epoch: str, last: int) -> int:
    """How many of the sequences from 1 to ``last`` are there: one row an id, and the id holds them in digits."""
    bounds = (f"/gates/{gate}", event_id(gate, epoch, 1), event_id(gate, epoch, last))
    found: int = database.execute("SELECT count(*) FROM events WHERE source = ? AND id BETWEEN ? AND ?", bounds).fetchone()[0]
    return found
