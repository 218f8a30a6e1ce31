"""A row that a worn card gives back otherwise than it was written, at the gate's own process: at its start and at work."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from device.domain import EventType
from device.links import Give, Lane
from tests.device.gate.desk import Desk
from tests.gates import Gate

WITHIN_S = 30.0


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    gate = Gate(tmp_path / "gate").start()
    yield gate
    if gate.process is not None and gate.process.returncode is None:
        assert "Traceback" not in gate.stop()


def spoil(gate: Gate, *statements: str) -> None:
    with closing(sqlite3.connect(gate.state / "events.db", isolation_level=None)) as database:
        for statement in statements:
            database.execute(statement)


def alarms(gate: Gate) -> list[tuple[list[str], int]]:
    """What the gate tells at its start of a damaged store."""
    with closing(Desk(gate)) as desk:
        desk.data(EventType.AUDIT, 1)  # that it has started: all else is told by then
        return [(data["unread"], data.get("rows_lost", 0)) for data in desk.data(EventType.ALARM, 0) if data["what"] == "store_damaged"]


OPEN = "(1, CAST(x'ff' AS TEXT), 'p', NULL, NULL, 'entry', 1, '2026-07-01T00:00:00+00:00', 'trusted', 'b', 1)"


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("INSERT INTO inside VALUES (x'00', -3, 'never', 'trusted', 'b', 1)", (["inside"], 1)),
        (f"INSERT INTO open_grant VALUES {OPEN}", (["open_grant"], 1)),  # noqa: S608 - words of this test
        ("UPDATE head SET clock_floor='2026-07-01T00:00:00'", ([], 0)),
    ],
    ids=["inside", "open grant", "clock floor"],
)
def test_a_gate_starts_over_a_damaged_row_and_tells_it_once(gate: Gate, statement: str, told: tuple[list[str], int]) -> None:
    with closing(Desk(gate)) as desk:
        desk.data(EventType.AUDIT, 1)
    gate.stop()
    spoil(gate, statement)
    assert alarms(gate.start()) == [told]
    gate.stop()
    assert alarms(gate.start()) == [told]  # the same one, which nobody has confirmed
    assert len([*gate.state.glob("*.damaged")]) == 1


@pytest.mark.parametrize("body", ["'text'", "5", "x'00ff'"])
def test_a_gate_that_meets_a_damaged_row_at_work_ends_and_its_next_start_mends(gate: Gate, body: str) -> None:
    with closing(Desk(gate)) as desk:
        desk.data(EventType.AUDIT, 1)
        spoil(gate, f"UPDATE event SET body={body} WHERE sequence=1")  # noqa: S608 - words of this test
        desk.link.send(Give(Lane.LIVE, 0, 100))
        assert gate.process is not None
        _, words = gate.process.communicate(timeout=WITHIN_S)
    assert (gate.process.returncode, "Traceback" in words) == (7, False)
    assert alarms(gate.start()) == [([], 0)]
    assert len([*gate.state.glob("*.damaged")]) == 1
