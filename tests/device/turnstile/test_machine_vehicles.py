from __future__ import annotations

import pytest

from device.turnstile.lane import Lane
from tests.device.turnstile.lanes import BARRIER, LONG_RAISING, SPRING_BARRIER
from tests.device.turnstile.plays import Play, Row, Scenario

NEVER = None

VEHICLES: dict[str, Scenario] = {
    "a vehicle with all in it": (
        BARRIER,
        [
            (0, "tick", "", 10_000),
            (10_000, "tick", "lower-on", 10_500),
            (10_500, "tick", "lower-off", NEVER),
            (20_000, "grant a for 4 by 21500", "on go", 20_500),
            (20_500, "tick", "off", 25_000),
            (23_000, "loop on", "", 38_000),
            (23_200, "outer_beam on", "", 38_000),
            (25_000, "outer_beam off", "", 38_000),
            (26_000, "loop off", "a:turnedx4@20000-26000", 28_000),
            (28_000, "tick", "lower-on", 28_500),
            (28_500, "tick", "lower-off", NEVER),
        ],
    ),
    "a vehicle with a trailer": (
        BARRIER,
        [
            (0, "grant a by 1500", "on go", 500),
            (500, "tick", "off", 5000),
            (2000, "loop on", "", 17_000),
            (4000, "loop off", "a:turned@0-4000", 6000),
            (5000, "loop on", "", 20_000),
            (7000, "loop off", "unidentified@7000", 9000),
            (9000, "tick", "lower-on", 9500),
            (9500, "tick", "lower-off", NEVER),
        ],
    ),
    "a vehicle stands on the loop when its wait is over": (
        BARRIER,
        [
            (0, "grant a by 1500", "on go", 500),
            (500, "tick", "off", 5000),
            (4000, "loop on", "", 19_000),
            (5000, "tick", "", 19_000),
            (19_000, "tick", "+held a:unused@0-19000", NEVER),
            (30_000, "loop off", "unidentified@30000 -held", 32_000),
            (32_000, "tick", "lower-on", 32_500),
        ],
    ),
    "nobody drives in": (
        BARRIER,
        [
            (0, "grant a by 1500", "on go", 500),
            (500, "tick", "off", 5000),
            (5000, "tick", "a:unused@0-5000", 7000),
            (7000, "tick", "lower-on", 7500),
        ],
    ),
    "somebody walks below it while it comes down": (
        BARRIER,
        [
            (0, "grant a by 1500", "on go", 500),
            (500, "tick", "off", 5000),
            (5000, "tick", "a:unused@0-5000", 7000),
            (7000, "tick", "lower-on", 7500),
            (7300, "outer_beam on", "lower-off on", 7800),
            (7800, "tick", "off", 22_300),
            (8000, "outer_beam off", "", 10_000),
            (10_000, "tick", "lower-on", 10_500),
            (10_500, "tick", "lower-off", NEVER),
            (15_000, "loop on", "on", 15_500),
            (15_500, "tick", "off", 30_000),
            (16_000, "loop off", "unidentified@16000", 18_000),
            (18_000, "tick", "lower-on", 18_500),
        ],
    ),
    "somebody below it when it is down": (
        BARRIER,
        [
            (0, "tick", "", 10_000),
            (10_000, "tick", "lower-on", 10_500),
            (10_500, "tick", "lower-off", NEVER),
            (18_000, "outer_beam on", "", 33_000),
            (19_000, "outer_beam off", "", NEVER),
        ],
    ),
    "the next comes while it comes down": (
        BARRIER,
        [
            (0, "grant a by 1500", "on go", 500),
            (500, "tick", "off", 5000),
            (1000, "loop on", "", 16_000),
            (2000, "loop off", "a:turned@0-2000", 4000),
            (4000, "tick", "lower-on", 4500),
            (4100, "grant b by 5600", "", 4500),
            (4500, "tick", "lower-off on go", 5000),
            (5000, "tick", "off", 9500),
        ],
    ),
    "a long pulse to raise it rests before it is lowered": (
        LONG_RAISING,
        [
            (0, "grant a by 1500", "on go", 2500),
            (100, "loop on", "", 2500),
            (200, "loop off", "a:turned@0-200", 2500),
            (2500, "tick", "off", 2700),
            (2700, "tick", "lower-on", 5200),
            (2750, "loop on", "lower-off on", 5250),
        ],
    ),
    "a loop that is stuck keeps it up": (
        BARRIER,
        [
            (0, "grant a by 1500", "on go", 500),
            (500, "tick", "off", 5000),
            (1000, "loop on", "", 16_000),
            (20_000, "tick", "+held a:unused@0-20000", NEVER),
            (901_000, "stuck loop", "+sensor_stuck=loop +barrier_stays_up=loop -held", NEVER),
            (950_000, "grant b for 2 by 951500", "on go", 950_500),
            (950_500, "tick", "off", 955_000),
            (952_000, "outer_beam on", "", 967_000),
            (953_000, "outer_beam off", "b:turnedx2@950000-953000", NEVER),
            (2_000_000, "loop off", "", NEVER),
            (2_000_000, "believe loop", "-sensor_stuck=loop -barrier_stays_up=loop", 2_002_000),
            (2_002_000, "tick", "lower-on", 2_002_500),
        ],
    ),
    "a loop found stuck while it comes down": (
        BARRIER,
        [
            (0, "tick", "", 10_000),
            (10_000, "tick", "lower-on", 10_500),
            (10_100, "stuck loop", "+sensor_stuck=loop lower-off on +barrier_stays_up=loop", 10_600),
        ],
    ),
    "fire while it comes down": (
        BARRIER,
        [
            (0, "tick", "", 10_000),
            (10_000, "tick", "lower-on", 10_500),
            (10_100, "fire on", "+fire free-on +free=fire lower-off on", 10_600),
            (10_600, "tick", "off", NEVER),
            (20_000, "fire off", "-fire +free=latched", NEVER),
            (30_000, "key_reset on", "free-off -free", 32_000),
            (32_000, "tick", "lower-on", 32_500),
        ],
    ),
    "fire just after it was raised": (
        BARRIER,
        [
            (0, "grant a by 1500", "on go", 500),
            (500, "tick", "off", 5000),
            (600, "fire on", "+fire free-on +free=fire a:free@0-600", 700),
            (700, "tick", "on", 1200),
        ],
    ),
    "relays lost while it comes down onto somebody": (
        BARRIER,
        [
            (0, "tick", "", 10_000),
            (10_000, "tick", "lower-on", 10_500),
            (10_100, "relays lost", "+relay_lost", NEVER),
            (10_300, "loop on", "", 25_300),
            (11_000, "relays back", "-relay_lost on", 11_500),
            (11_500, "tick", "off", 25_300),
            (12_000, "loop off", "unidentified@12000", 14_000),
            (14_000, "tick", "lower-on", 14_500),
        ],
    ),
    "a gate that starts knows of nothing, and waits": (
        BARRIER,
        [
            (0, "tick", "", 10_000),
            (50, "loop on", "", 15_050),
            (20_000, "loop off", "unidentified@20000", 22_000),
            (22_000, "tick", "lower-on", 22_500),
        ],
    ),
    "a barrier that lowers itself is left to its drive": (
        SPRING_BARRIER,
        [
            (0, "grant a by 1500", "on go", 500),
            (500, "tick", "off", 5000),
            (1000, "loop on", "", 16_000),
            (3000, "loop off", "a:turned@0-3000", NEVER),
        ],
    ),
    "out by the button, in a vehicle": (
        BARRIER,
        [
            (0, "exit_button on", "on go", 500),
            (500, "tick", "off", 5000),
            (2000, "loop on", "", 17_000),
            (4000, "loop off", "counted-exit@4000", 6000),
        ],
    ),
    "a vehicle that stops too near the closed barrier, and backs off": (
        BARRIER,
        [
            (60_000, "loop on", "", 75_000),
            (61_000, "loop off", "unidentified@61000", 70_000),
        ],
    ),
    "fire while it is being raised": (
        BARRIER,
        [
            (0, "grant a by 1500", "on go", 500),
            (100, "fire on", "+fire free-on +free=fire a:free@0-100", 500),
            (500, "tick", "off", NEVER),
        ],
    ),
    "relays lost as it came down: nobody knows whether it did": (
        BARRIER,
        [
            (0, "tick", "", 10_000),
            (10_000, "tick", "lower-on", 10_500),
            (10_100, "relays lost", "+relay_lost", NEVER),
            (11_000, "relays back", "-relay_lost", 21_000),
            (21_000, "tick", "lower-on", 21_500),
            (21_500, "tick", "lower-off", NEVER),
        ],
    ),
    "relays lost and back while somebody may drive in": (
        BARRIER,
        [
            (0, "grant a by 1500", "on go", 500),
            (10, "closed", "", 500),
            (500, "tick", "off", 5000),
            (600, "relays lost", "+relay_lost", 5000),
            (700, "relays back", "-relay_lost", 5000),
            (2000, "loop on", "", 17_000),
            (4000, "loop off", "a:turned@10-4000", 6000),
            (6000, "tick", "lower-on", 6500),
        ],
    ),
    "relays lost as it was raised for who is below": (
        BARRIER,
        [
            (0, "tick", "", 10_000),
            (10_000, "tick", "lower-on", 10_500),
            (10_100, "loop on", "lower-off on", 10_600),
            (10_110, "relays lost", "+relay_lost", 25_100),
            (11_000, "relays back", "-relay_lost", 11_200),
            (11_200, "tick", "on", 11_700),
        ],
    ),
    "relays lost while it was raised, and nobody is below": (
        BARRIER,
        [
            (0, "grant a by 1500", "on go", 500),
            (10, "relays lost", "+relay_lost a:fault@never-10", NEVER),
            (20, "relays back", "-relay_lost", 10_020),
            (220, "tick", "", 10_020),
            (10_020, "tick", "lower-on", 10_520),
        ],
    ),
}


@pytest.mark.parametrize(("lane", "rows"), VEHICLES.values(), ids=VEHICLES.keys())
def test_a_barrier_comes_down_on_nothing(lane: Lane, rows: list[Row]) -> None:
    play = Play(lane)
    assert [play.row(at_ms, what) for at_ms, what, _, _ in rows] == rows
