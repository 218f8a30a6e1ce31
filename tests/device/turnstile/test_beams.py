from __future__ import annotations

import pytest

from device.domain import Direction
from device.turnstile.beams import GAP_NS, Beams, Walked
from device.turnstile.contacts import NS_PER_MS
from device.turnstile.lane import Sensor

BEAMS = {"o": Sensor.OUTER_BEAM, "i": Sensor.INNER_BEAM}
IN, OUT = Direction.ENTRY, Direction.EXIT


def walk(beams: Beams, pattern: str, at_ms: int = 0) -> list[Walked]:
    """``O`` breaks the outer beam, ``o`` is it whole again, ``I`` and ``i`` the inner one; 100 ms between, and more for each space."""
    walked = []
    for letter in pattern:
        at_ms += 100
        if letter != " " and (each := beams.change(BEAMS[letter.lower()], at_ms * NS_PER_MS, broken=letter.isupper())):
            walked.append(each)
    return walked


# Who has gone through, which way and how many.
PATTERNS: dict[str, list[tuple[Direction, int]]] = {
    "OIoi": [(IN, 1)],
    "IOio": [(OUT, 1)],
    "OIio": [],  # turned back
    "IOoi": [],
    "Oo": [],
    "Ii": [],
    "OIoOiIoi": [(IN, 2)],  # two without a gap
    "OIoOoi": [(IN, 1)],  # a bag behind him
    "OIiIoi": [(IN, 2)],  # or a bag between: the beams cannot tell
    "OIoi OIoi": [(IN, 1), (IN, 1)],
    "OIoi IOio": [(IN, 1), (OUT, 1)],
    "Oo Ii": [(IN, 1)],  # beams further apart than a body is deep
    "Ii Oo": [(OUT, 1)],
    "Oo" + " " * 16 + "Ii": [],  # somebody else, later
    "Oo Oo": [],
    "Oo Oo Ii": [(IN, 1)],
    "Oo OIio Ii": [],  # between them was another
    "o": [],  # whole, and never broken
}


@pytest.mark.parametrize(("pattern", "walked"), PATTERNS.items())
def test_two_beams_tell_who_has_gone_through_and_which_way(pattern: str, walked: list[tuple[Direction, int]]) -> None:
    assert [(each.way, each.bodies) for each in walk(Beams(pair=True), pattern)] == walked


def test_a_walk_is_told_from_its_first_beam_to_its_last() -> None:
    assert walk(Beams(pair=True), "OIoi") == [Walked(IN, 1, 100 * NS_PER_MS, 400 * NS_PER_MS)]
    assert walk(Beams(pair=True), "Oo Ii") == [Walked(IN, 1, 100 * NS_PER_MS, 500 * NS_PER_MS)]


def test_one_beam_tells_that_somebody_was_there_and_not_which_way() -> None:
    assert walk(Beams(pair=False), "Oo Oo") == [
        Walked(None, 1, 100 * NS_PER_MS, 200 * NS_PER_MS),
        Walked(None, 1, 400 * NS_PER_MS, 500 * NS_PER_MS),
    ]


def test_the_gap_between_two_beams_is_as_long_as_a_slow_walker_needs() -> None:
    for gap_ns, ways in ((GAP_NS, [IN]), (GAP_NS + 1, [])):
        beams = Beams(pair=True)
        beams.change(Sensor.OUTER_BEAM, 0, broken=True)
        beams.change(Sensor.OUTER_BEAM, 10, broken=False)
        beams.change(Sensor.INNER_BEAM, 10 + gap_ns, broken=True)
        walked = beams.change(Sensor.INNER_BEAM, 20 + gap_ns, broken=False)
        assert ([] if walked is None else [walked.way]) == ways


def test_somebody_is_in_the_lane_from_the_first_beam_until_both_are_whole() -> None:
    beams = Beams(pair=True)
    since = []
    for at_ns, (letter, broken) in enumerate((("o", True), ("i", True), ("o", False), ("i", False)), 7):
        beams.change(BEAMS[letter], at_ns, broken=broken)
        since.append(beams.broken_since_ns)
    assert since == [7, 7, 7, None]


def test_what_a_stuck_beam_said_is_forgotten() -> None:
    beams = Beams(pair=True)
    walk(beams, "OI")
    beams.forget()
    assert beams.broken_since_ns is None
    assert walk(beams, "oi", 1000) == []
    assert [each.way for each in walk(beams, "OIoi", 2000)] == [IN]
