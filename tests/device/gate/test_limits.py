from __future__ import annotations

from typing import Any

import pytest

from device.domain import EventType
from device.gate.limits import Fill, Limits, Rank, rank_of


@pytest.mark.parametrize(
    ("kind", "data", "rank"),
    [
        (EventType.DECISION, {"admit": False, "direction": "entry"}, Rank.REFUSAL),
        (EventType.DECISION, {"admit": False, "direction": "exit"}, Rank.REFUSAL),
        (EventType.DECISION, {"admit": False, "alert": "denied_person"}, Rank.ENTRY),
        (EventType.DECISION, {"admit": True, "direction": "entry"}, Rank.ENTRY),
        (EventType.DECISION, {"admit": True, "direction": "exit"}, Rank.NEEDED),
        (EventType.AUDIT, {"what": "refusals_folded"}, Rank.TELEMETRY),
        (EventType.COMMAND, {"what": "open", "outcome": "refused"}, Rank.REFUSAL),
        (EventType.COMMAND, {"what": "open", "outcome": "done"}, Rank.NEEDED),
        (EventType.AUDIT, {"what": "started"}, Rank.NEEDED),
        (EventType.ALARM, {"what": "camera"}, Rank.NEEDED),
        (EventType.PASSAGE, {}, Rank.NEEDED),
        (EventType.COMMAND, {}, Rank.NEEDED),
        (EventType.VOID, {}, Rank.NEEDED),
    ],
)
def test_every_event_has_a_rank(kind: EventType, data: dict[str, Any], rank: Rank) -> None:
    assert rank_of(kind, data) is rank


@pytest.mark.parametrize(
    ("share", "taken"),
    [
        (0.0, set(Rank)),
        (0.89, set(Rank)),
        (0.90, {Rank.REFUSAL, Rank.ENTRY, Rank.NEEDED}),
        (0.95, {Rank.ENTRY, Rank.NEEDED}),
        (0.99, {Rank.NEEDED}),
        (1.0, set()),
    ],
)
def test_the_fuller_the_store_the_less_is_taken(share: float, taken: set[Rank]) -> None:
    for fill in (Fill(events=share, bytes=0.0), Fill(events=0.0, bytes=share)):
        assert {rank for rank in Rank if fill.takes(rank)} == taken


@pytest.mark.parametrize(("refusals", "takes"), [(0.19, True), (0.2, False)])
def test_refusals_take_no_more_than_a_fifth_and_keep_nobody_else_out(refusals: float, takes: bool) -> None:
    fill = Fill(events=0.5, bytes=0.5, refusals=refusals)
    assert (fill.takes(Rank.REFUSAL), fill.takes(Rank.TELEMETRY), fill.takes(Rank.ENTRY)) == (takes, True, True)


@pytest.mark.parametrize(
    ("events", "refusals", "taken_bytes", "fill"),
    [
        (0, 0, 0, Fill(0.0, 0.0, 0.0)),
        (0, 0, 100, Fill(0.0, 0.1, 0.0)),
        (40, 20, 100, Fill(0.4, 0.1, 0.2)),  # nearer to the number of events that may be
        (10, 8, 500, Fill(0.1, 0.5, 0.4)),  # nearer to the bytes
    ],
)
def test_refusals_have_a_fifth_of_the_bytes_as_of_the_events(events: int, refusals: int, taken_bytes: int, fill: Fill) -> None:
    assert Limits(bytes_max=1000, events_max=100).fill(events, refusals, taken_bytes) == fill
