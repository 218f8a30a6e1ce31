"""The demo's verdict must be able to fail: every way in which a presentation can go wrong is found."""

from __future__ import annotations

from typing import Any

import pytest

from device.demo.tally import Expected, Script, Tally, percentiles

FRAMES_PER_S = 20.0
SCRIPT = Script(
    FRAMES_PER_S,
    60,
    (
        Expected("first", 5, 16, admit=True, reason="ok", payloads_sha256=("aa",)),
        Expected("second", 20, 31, admit=False, reason="forged", payloads_sha256=("bb",)),
    ),
)


def decision(sequence: int, frame: int, *, admit: bool, reason: str) -> dict[str, Any]:
    data = {"admit": admit, "reason": reason, "frame": frame, "frame_ns": 1_000_000_000 + frame * 50_000_000}
    return {"id": f"d{sequence}", "sequence": f"{sequence:020d}", "type": "qrgate.decision", "data": data}


def passage(sequence: int, of: str, opened_ns: int | None, decoded_ns: int = 0) -> dict[str, Any]:
    timing = {"opened_ns": opened_ns, "decoded_ns": decoded_ns}
    return {"id": f"p{sequence}", "sequence": f"{sequence:020d}", "type": "qrgate.passage", "data": {"decision": of, "timing": timing}}


GOOD = [decision(1, 8, admit=True, reason="ok"), decision(2, 23, admit=False, reason="forged")]


def tally_of(*events: dict[str, Any]) -> Tally:
    tally = Tally()
    for event in events:
        tally.add(event)
    return tally


def test_two_people_decided_as_expected_leave_nothing_to_say() -> None:
    assert tally_of(*GOOD).deviations(SCRIPT) == []


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        (GOOD[:1], ["second: expected refused forged, got no decision"]),
        ([*GOOD, decision(3, 9, admit=True, reason="ok")], ["first: expected admitted ok, got admitted ok, admitted ok"]),
        ([GOOD[0], decision(2, 23, admit=False, reason="expired")], ["second: expected refused forged, got refused expired"]),
        ([GOOD[0], decision(2, 23, admit=True, reason="ok")], ["second: expected refused forged, got admitted ok"]),
        ([*GOOD, decision(3, 50, admit=True, reason="ok")], ["a decision on frame 50, where nobody is shown: admitted ok"]),
    ],
    ids=["a missing decision", "two decisions", "another reason", "admitted instead of refused", "a decision out of nothing"],
)
def test_every_deviation_is_named(events: list[dict[str, Any]], expected: list[str]) -> None:
    assert tally_of(*events).deviations(SCRIPT) == expected


def test_an_event_that_comes_twice_counts_once() -> None:
    tally = tally_of(*GOOD, GOOD[0])
    assert (len(tally.events), tally.repeated, tally.gaps()) == (2, 1, 0)


def test_a_missing_sequence_is_a_gap() -> None:
    assert tally_of(GOOD[0], decision(4, 23, admit=False, reason="forged")).gaps() == 2


def test_a_grant_is_open_until_its_passage_has_come() -> None:
    assert tally_of(*GOOD).open_grants() == 1
    assert tally_of(*GOOD, passage(3, "d1", 1)).open_grants() == 0


def test_waits_are_counted_from_the_first_readable_frame() -> None:
    """Read in frame 8 (at 1.4 s), readable since frame 6 (at 1.3 s), relay on at 1.45 s: 150 ms."""
    tally = tally_of(*GOOD, passage(3, "d1", 1_450_000_000, 1_410_000_000))
    assert tally.readable_to_relay_ms(SCRIPT, {"first": 6}) == [150.0]
    assert tally.decoded_to_relay_ms() == [40.0]


def test_a_grant_that_never_opened_has_no_wait() -> None:
    tally = tally_of(*GOOD, passage(3, "d1", None))
    assert (tally.readable_to_relay_ms(SCRIPT, {"first": 6}), tally.decoded_to_relay_ms()) == ([], [])


@pytest.mark.parametrize(("values", "expected"), [([], (0, 0, 0)), ([7.0], (7, 7, 7)), ([float(n) for n in range(101)], (50, 95, 99))])
def test_percentiles_of_few_and_many(values: list[float], expected: tuple[float, float, float]) -> None:
    assert percentiles(values) == pytest.approx(expected)
