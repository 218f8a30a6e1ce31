from __future__ import annotations

import pytest

from device.turnstile.lane import Lane
from tests.device.turnstile.lanes import FLAP, GATE_BOTH_WAYS, HOLD, NONE, NONE_BLIND, ONE_BEAM, PLAIN, TRIPOD, WIDE, WIDE_CONTACT
from tests.device.turnstile.plays import Play, Row, Scenario

NEVER = None

PEOPLE: dict[str, Scenario] = {
    "somebody walks through two beams": (
        FLAP,
        [
            (0, "grant a by 1500", "on go", 500),
            (500, "tick", "off", 5000),
            (900, "outer_beam on", "", 15_900),
            (1300, "inner_beam on", "", 15_900),
            (1500, "outer_beam off", "", 15_900),
            (1900, "inner_beam off", "a:turned@0-1900", NEVER),
        ],
    ),
    "somebody turns back in the lane": (
        FLAP,
        [
            (0, "grant a by 1500", "on go", 500),
            (500, "tick", "off", 5000),
            (900, "outer_beam on", "", 15_900),
            (1300, "inner_beam on", "", 15_900),
            (1500, "inner_beam off", "", 15_900),
            (1900, "outer_beam off", "", 5000),
            (5000, "tick", "a:unused@0-5000", NEVER),
        ],
    ),
    "a wheelchair is slow, and is waited for": (
        WIDE,
        [
            (0, "grant a by 1500", "on go", 500),
            (500, "tick", "off", 5000),
            (4000, "outer_beam on", "", 19_000),
            (5000, "tick", "", 19_000),
            (9000, "inner_beam on", "", 19_000),
            (15_000, "outer_beam off", "", 19_000),
            (18_000, "inner_beam off", "a:turned@0-18000", NEVER),
        ],
    ),
    "who is slower than anybody waits for is helped, and not accused": (
        WIDE,
        [
            (0, "grant a by 1500", "on go", 500),
            (500, "tick", "off", 5000),
            (4000, "outer_beam on", "", 19_000),
            (19_000, "tick", "+held a:unused@0-19000", NEVER),
            (25_000, "inner_beam on", "", NEVER),
            (26_000, "outer_beam off", "", NEVER),
            (30_000, "inner_beam off", "unidentified-entry@30000 -held", NEVER),
        ],
    ),
    "who stands in the lane before his code is read passes all the same": (
        FLAP,
        [
            (0, "outer_beam on", "", 15_000),
            (2000, "grant a by 3500", "on go", 2500),
            (2500, "tick", "off", 15_000),
            (2600, "inner_beam on", "", 15_000),
            (2800, "outer_beam off", "", 15_000),
            (3000, "inner_beam off", "a:turned@2000-3000", NEVER),
        ],
    ),
    "two people close together: one is passed, the other recorded": (
        FLAP,
        [
            (0, "grant a by 1500", "on go", 500),
            (500, "tick", "off", 5000),
            (900, "outer_beam on", "", 15_900),
            (1200, "inner_beam on", "", 15_900),
            (1250, "outer_beam off", "", 15_900),
            (1300, "outer_beam on", "", 15_900),
            (1500, "inner_beam off", "", 15_900),
            (1600, "inner_beam on", "", 15_900),
            (1700, "outer_beam off", "", 15_900),
            (1900, "inner_beam off", "a:turned@0-1900 unidentified-entry@1900", NEVER),
        ],
    ),
    "a party of two close together needs no more": (
        FLAP,
        [
            (0, "grant a for 2 by 1500", "on go", 500),
            (500, "tick", "off", 5000),
            (900, "outer_beam on", "", 15_900),
            (1200, "inner_beam on", "", 15_900),
            (1250, "outer_beam off", "", 15_900),
            (1300, "outer_beam on", "", 15_900),
            (1500, "inner_beam off", "", 15_900),
            (1600, "inner_beam on", "", 15_900),
            (1700, "outer_beam off", "", 15_900),
            (1900, "inner_beam off", "a:turnedx2@0-1900", NEVER),
        ],
    ),
    "a child at a hand is no follower": (
        FLAP,
        [
            (0, "grant a by 1500", "on go", 500),
            (500, "tick", "off", 5000),
            (900, "outer_beam on", "", 15_900),
            (1300, "inner_beam on", "", 15_900),
            (1400, "outer_beam off", "", 15_900),
            (1500, "inner_beam off", "a:turned@0-1500", NEVER),
            (1600, "outer_beam on", "", 16_600),
            (1900, "inner_beam on", "", 16_600),
            (2000, "outer_beam off", "", 16_600),
            (2200, "inner_beam off", "unidentified-entry@2200", NEVER),
        ],
    ),
    "who slips through behind somebody has followed": (
        FLAP,
        [
            (0, "grant a by 1500", "on go", 500),
            (500, "tick", "off", 5000),
            (900, "outer_beam on", "", 15_900),
            (1300, "inner_beam on", "", 15_900),
            (1400, "outer_beam off", "", 15_900),
            (1500, "inner_beam off", "a:turned@0-1500", NEVER),
            (2600, "outer_beam on", "", 17_600),
            (2900, "inner_beam on", "", 17_600),
            (3000, "outer_beam off", "", 17_600),
            (3200, "inner_beam off", "tailgated-entry@3200", NEVER),
        ],
    ),
    "who comes when the flaps are closed has forced them": (
        FLAP,
        [
            (0, "tick", "", NEVER),
            (100, "outer_beam on", "", 15_100),
            (300, "inner_beam on", "", 15_100),
            (400, "outer_beam off", "", 15_100),
            (500, "inner_beam off", "forced-entry@500", NEVER),
        ],
    ),
    "who stood in the lane when the gate was started anew is not accused": (
        FLAP,
        [
            (0, "outer_beam on", "", 15_000),
            (300, "again", "", NEVER),
            (300, "outer_beam on", "", 15_300),
            (400, "inner_beam on", "", 15_300),
            (500, "outer_beam off", "", 15_300),
            (600, "inner_beam off", "unidentified-entry@600", NEVER),
        ],
    ),
    "who came in while the lane was free is not accused": (
        FLAP,
        [
            (0, "key_free on", "free-on +free=key", NEVER),
            (100, "outer_beam on", "", 15_100),
            (200, "key_free off", "free-off -free", 15_100),
            (400, "inner_beam on", "", 15_100),
            (500, "outer_beam off", "", 15_100),
            (600, "inner_beam off", "unidentified-entry@600", NEVER),
        ],
    ),
    "a contact's late word about a grant that is over accuses nobody": (
        PLAIN,
        [
            (0, "grant a by 1500", "on go", 500),
            (500, "tick", "off", 5000),
            (5000, "tick", "a:unused@0-5000", NEVER),
            (5100, "passed at 4990", "unidentified@4990", NEVER),
        ],
    ),
    "close behind, behind, and later: at a lane that several can pass at once": (
        WIDE_CONTACT,
        [
            (0, "grant a by 1500", "on go", 500),
            (500, "tick", "off", 5000),
            (1000, "passed", "a:turned@0-1000", NEVER),
            (1800, "passed", "unidentified@1800", NEVER),
            (1801, "passed", "tailgated@1801", NEVER),
            (4000, "passed", "tailgated@4000", NEVER),
            (5001, "passed", "forced@5001", NEVER),
        ],
    ),
    "behind somebody at arms that let one through at a time": (
        PLAIN,
        [
            (0, "grant a by 1500", "on go", 500),
            (500, "tick", "off", 5000),
            (1000, "passed", "a:turned@0-1000", NEVER),
            (1500, "passed", "forced@1500", NEVER),
        ],
    ),
    "out is nobody's business where one relay lets people in": (
        FLAP,
        [
            (0, "inner_beam on", "", 15_000),
            (300, "outer_beam on", "", 15_000),
            (400, "inner_beam off", "", 15_000),
            (500, "outer_beam off", "counted-exit@500", NEVER),
        ],
    ),
    "somebody comes out while another is let in": (
        FLAP,
        [
            (0, "grant a by 1500", "on go", 500),
            (500, "tick", "off", 5000),
            (600, "inner_beam on", "", 15_600),
            (700, "outer_beam on", "", 15_600),
            (800, "inner_beam off", "", 15_600),
            (900, "outer_beam off", "counted-exit@900", 5000),
            (2000, "outer_beam on", "", 17_000),
            (2300, "inner_beam on", "", 17_000),
            (2400, "outer_beam off", "", 17_000),
            (2500, "inner_beam off", "a:turned@0-2500", NEVER),
        ],
    ),
    "out against flaps that are closed on both sides is forced": (
        GATE_BOTH_WAYS,
        [
            (0, "tick", "", NEVER),
            (100, "inner_beam on", "", 15_100),
            (300, "outer_beam on", "", 15_100),
            (400, "inner_beam off", "", 15_100),
            (500, "outer_beam off", "forced-exit@500", NEVER),
        ],
    ),
    "one beam tells of somebody, and accuses nobody": (
        ONE_BEAM,
        [
            (0, "outer_beam on", "", 15_000),
            (300, "outer_beam off", "unidentified@300", NEVER),
            (1000, "grant a by 2500", "on go", 1500),
            (1500, "tick", "off", 6000),
            (2000, "outer_beam on", "", 17_000),
            (2300, "outer_beam off", "a:turned@1000-2300", NEVER),
        ],
    ),
    "beams that are apart are broken one after the other": (
        FLAP,
        [
            (0, "grant a by 1500", "on go", 500),
            (500, "tick", "off", 5000),
            (900, "outer_beam on", "", 15_900),
            (1100, "outer_beam off", "", 5000),
            (1900, "inner_beam on", "", 16_900),
            (2100, "inner_beam off", "a:turned@0-2100", NEVER),
        ],
    ),
    "a bag that breaks one beam is nobody": (
        FLAP,
        [
            (0, "outer_beam on", "", 15_000),
            (200, "outer_beam off", "", NEVER),
            (900, "outer_beam on", "", 15_900),
            (1100, "outer_beam off", "", NEVER),
        ],
    ),
    "somebody stands in the lane": (
        FLAP,
        [
            (0, "outer_beam on", "", 15_000),
            (15_000, "tick", "+held", NEVER),
            (20_000, "outer_beam off", "-held", NEVER),
        ],
    ),
    "a beam that is stuck for a day lets people in and is told of": (
        FLAP,
        [
            (0, "outer_beam on", "", 15_000),
            (15_000, "tick", "+held", NEVER),
            (300_000, "stuck outer_beam", "+sensor_stuck=outer_beam -held", NEVER),
            (400_000, "grant a by 401500", "on go", 400_500),
            (400_500, "tick", "off a:assumed@400000-400500", NEVER),
            (500_000, "inner_beam on", "", 515_000),
            (500_300, "inner_beam off", "", NEVER),
            (86_400_000, "outer_beam off", "", NEVER),
            (86_400_000, "believe outer_beam", "-sensor_stuck=outer_beam", NEVER),
            (86_401_000, "outer_beam on", "", 86_416_000),
            (86_401_100, "inner_beam on", "", 86_416_000),
            (86_401_200, "outer_beam off", "", 86_416_000),
            (86_401_300, "inner_beam off", "forced-entry@86401300", NEVER),
        ],
    ),
    "a beam that is stuck while somebody is let in": (
        FLAP,
        [
            (0, "grant a for 2 by 1500", "on go", 500),
            (300, "stuck inner_beam", "+sensor_stuck=inner_beam", 500),
            (500, "tick", "off", 700),
            (700, "tick", "on", 1200),
            (1200, "tick", "off a:assumedx2@0-1200", NEVER),
        ],
    ),
    "arms that turn freely outward count who goes out": (
        TRIPOD,
        [
            (0, "passed_out", "counted-exit@0", NEVER),
            (2000, "passed", "forced-entry@2000", NEVER),
        ],
    ),
    "out and in at once at arms": (
        TRIPOD,
        [
            (0, "grant a by 1500", "on go", 500),
            (300, "passed_out", "counted-exit@300", 500),
            (500, "tick", "off", 5000),
            (900, "passed", "a:turned@0-900", NEVER),
        ],
    ),
    "a lock is held until somebody has passed": (
        HOLD,
        [
            (0, "grant a by 1500", "on go", 2500),
            (800, "passed", "off a:turned@0-800", NEVER),
            (900, "grant b by 2400", "", 1000),
            (1000, "tick", "on go", 3500),
            (3500, "tick", "off", 6000),
            (6000, "tick", "b:unused@1000-6000", NEVER),
        ],
    ),
    "a lock is held anew for each of a party": (
        HOLD,
        [
            (0, "grant a for 2 by 1500", "on go", 2500),
            (800, "passed", "off", 1000),
            (1000, "tick", "on", 3500),
            (1500, "passed", "off a:turnedx2@0-1500", NEVER),
        ],
    ),
    "where nothing moves people are counted": (
        NONE,
        [
            (0, "grant a by 1500", "go", 5000),
            (900, "outer_beam on", "", 15_900),
            (1300, "inner_beam on", "", 15_900),
            (1500, "outer_beam off", "", 15_900),
            (1900, "inner_beam off", "a:turned@0-1900", NEVER),
            (9000, "outer_beam on", "", 24_000),
            (9300, "inner_beam on", "", 24_000),
            (9400, "outer_beam off", "", 24_000),
            (9500, "inner_beam off", "unidentified-entry@9500", NEVER),
        ],
    ),
    "where nothing moves and nothing tells, a grant is a passage": (
        NONE_BLIND,
        [
            (0, "grant a for 3 by 1500", "go", 0),
            (0, "tick", "a:assumedx3@0-0", NEVER),
        ],
    ),
    "two close together are more than is left of a party": (
        FLAP,
        [
            (0, "grant a for 2 by 1500", "on go", 500),
            (500, "tick", "off", 5000),
            (600, "outer_beam on", "", 15_600),
            (700, "inner_beam on", "", 15_600),
            (800, "outer_beam off", "", 15_600),
            (900, "inner_beam off", "on", 1400),
            (1400, "tick", "off", 5900),
            (2000, "outer_beam on", "", 17_000),
            (2200, "inner_beam on", "", 17_000),
            (2250, "outer_beam off", "", 17_000),
            (2300, "outer_beam on", "", 17_000),
            (2500, "inner_beam off", "", 17_000),
            (2600, "inner_beam on", "", 17_000),
            (2700, "outer_beam off", "", 17_000),
            (2900, "inner_beam off", "a:turnedx2@0-2900 unidentified-entry@2900", NEVER),
        ],
    ),
    "where nothing moves a beam that is stuck within a party": (
        NONE,
        [
            (0, "grant a for 3 by 1500", "go", 5000),
            (100, "outer_beam on", "", 15_100),
            (200, "inner_beam on", "", 15_100),
            (300, "outer_beam off", "", 15_100),
            (400, "inner_beam off", "", 5400),
            (500, "stuck outer_beam", "+sensor_stuck=outer_beam a:assumedx3@0-500", NEVER),
        ],
    ),
}


@pytest.mark.parametrize(("lane", "rows"), PEOPLE.values(), ids=PEOPLE.keys())
def test_people_are_told_apart_and_accused_of_no_more_than_is_known(lane: Lane, rows: list[Row]) -> None:
    play = Play(lane)
    assert [play.row(at_ms, what) for at_ms, what, _, _ in rows] == rows
