"""Events that have been missing for so long that asking for them does not help: an alarm, until an operator says that nobody need wait."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from device.commands.deeds import RANGES_MAX
from device.events.cloudevents import event_id
from device.events.confirmation import SEQUENCE_END
from provisioning.operations.alarms import What
from provisioning.operations.database import Database
from provisioning.operations.register import Register
from provisioning.operations.repeats import Gap
from provisioning.operations.runs import Range

LONG = timedelta(days=1)
"""Some ten questions, and time for a gate that was without power over night."""
ACCEPTED = "accepted by an operator"
"""Why nobody waits for such events any more: it stands where a gate's own reason does for what the gate has given up."""

BEHIND = "SELECT received_at FROM events WHERE source = ? AND id > ? AND id < ? ORDER BY id LIMIT 1"


def raise_alarms(database: Database, register: Register, gaps: Iterable[Gap], now: datetime) -> None:
    """One for each gate of ``gaps`` that has lacked events for long.

    Raises:
        StoreError: none was raised.
    """
    with database.told():
        gates = {gap.topics.gate for gap in gaps if not gap.originals and _is_overdue(database, gap, now)}
        try:
            with database.transaction():
                for gate in sorted(gates):
                    register.alarm(gate, What.STILL_MISSING, now.isoformat(timespec="milliseconds"))
        except BaseException:
            register.forget()
            raise


def _is_overdue(database: Database, gap: Gap, now: datetime) -> bool:
    return any(is_overdue(database.execute, gap.topics.gate, gap.epoch, each, now) for each in gap.ranges[:RANGES_MAX])


def is_overdue(execute: Callable[[str, tuple[str, ...]], sqlite3.Cursor], gate: str, epoch: str, missing: Range, now: datetime) -> bool:
    """Has the event behind the gap been here for long? So a recorder that starts anew does not begin to wait anew."""
    place = (f"/gates/{gate}", event_id(gate, epoch, missing[1]), event_id(gate, epoch, SEQUENCE_END))
    row = execute(BEHIND, place).fetchone()
    return row is not None and now - datetime.fromisoformat(row[0]) >= LONG
