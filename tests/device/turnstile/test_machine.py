from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.domain import Grant, PassageOutcome
from device.turnstile.actions import Action
from device.turnstile.contacts import Change
from device.turnstile.lane import NS_PER_S, Lane, LaneKind, Sensor
from device.turnstile.machine import Service, Turnstile
from device.turnstile.signals import Signal
from tests.device.turnstile.lanes import CONTACT, FLAP, HOLD_BOTH_WAYS, ONE, PLAIN, TRIPOD, TWO_WAY, lane
from tests.device.turnstile.plays import Play, Row, Scenario
from tests.walk.lanes import LANES
from tests.walk.steps import IN_TIME, LATER_NS, Step, What, choices
from tests.walk.trace import Trace, wrong_in

DOOR = lane(LaneKind.FLAP, ONE, pulse_ms=2000)
LONG_PULSE = lane(LaneKind.TRIPOD, ONE, CONTACT, pulse_ms=2000, wait_ms=1000)
OVERLONG_PULSE = lane(LaneKind.FLAP, ONE, pulse_ms=9000, wait_ms=1000)
NEVER = None

GRANTS: dict[str, Scenario] = {
    "a person passes": (
        PLAIN,
        [
            (0, "tick", "", NEVER),
            (100, "grant a by 1600", "on go", 600),
            (130, "closed", "", 600),
            (599, "tick", "", 600),
            (600, "tick", "off", 5100),
            (1400, "passed", "a:turned@130-1400", NEVER),
            (9000, "tick", "", NEVER),
        ],
    ),
    "a person passes while the pulse lasts": (
        PLAIN,
        [(0, "grant a by 1500", "on go", 500), (300, "passed", "a:turned@0-300", 500), (500, "tick", "off", NEVER)],
    ),
    "nobody passes": (
        PLAIN,
        [(0, "grant a by 1500", "on go", 500), (500, "tick", "off", 5000), (4999, "tick", "", 5000), (5000, "tick", "a:unused@0-5000", NEVER)],
    ),
    "without a sensor the pulse is all": (
        DOOR,
        [(0, "grant a by 1500", "on go", 2000), (20, "closed", "", 2000), (2000, "tick", "off a:assumed@20-2000", NEVER)],
    ),
    "a late tick does all that is due": (PLAIN, [(0, "grant a by 1500", "on go", 500), (60_000, "tick", "off a:unused@0-60000", NEVER)]),
    "a person who passes before a late tick is believed": (
        PLAIN,
        [(0, "grant a by 1500", "on go", 500), (60_000, "passed", "a:turned@0-60000 off", NEVER)],
    ),
    "a wait shorter than the pulse lasts as long as the pulse": (
        LONG_PULSE,
        [(0, "grant a by 1500", "on go", 2000), (1500, "tick", "", 2000), (1900, "passed", "a:turned@0-1900", 2000), (2000, "tick", "off", NEVER)],
    ),
    "a pulse is cut at the hard maximum": (
        OVERLONG_PULSE,
        [(0, "grant a by 1500", "on go", 3000), (3000, "tick", "off", 9000), (9000, "tick", "a:assumed@0-9000", NEVER)],
    ),
    # --- deadlines
    "a grant at its deadline opens nothing": (PLAIN, [(1500, "grant a by 1500", "a:too_late@never-1500 again", NEVER)]),
    "a grant just before its deadline opens": (PLAIN, [(1499, "grant a by 1500", "on go", 1999)]),
    "a commit that took for ever opens nothing": (PLAIN, [(99_000, "grant a by 1500", "a:too_late@never-99000 again", NEVER)]),
    # --- one at a time
    "the second waits for the first": (
        PLAIN,
        [
            (0, "grant a by 9000", "on go", 500),
            (100, "grant b by 9000", "", 500),
            (500, "tick", "off", 5000),
            (800, "passed", "a:turned@0-800 on go", 1300),
            (1300, "tick", "off", 5800),
            (1500, "passed", "b:turned@800-1500", NEVER),
        ],
    ),
    "the second waits for the pulse of the first": (
        PLAIN,
        [
            (0, "grant a by 9000", "on go", 500),
            (100, "grant b by 9000", "", 500),
            (200, "passed", "a:turned@0-200", 500),
            (500, "tick", "off", 700),
            (699, "tick", "", 700),
            (700, "tick", "on go", 1200),
        ],
    ),
    "the second waits until the contact has rested": (
        DOOR,
        [
            (0, "grant a by 1500", "on go", 2000),
            (1900, "grant b by 3400", "", 2000),
            (2010, "tick", "off a:assumed@0-2010", 2210),
            (2209, "tick", "", 2210),
            (2210, "tick", "on go", 4210),
        ],
    ),
    "a grant for a contact that rests waits, and is told where its deadline comes first": (
        DOOR,
        [
            (0, "grant a by 1500", "on go", 2000),
            (2000, "tick", "off a:assumed@0-2000", NEVER),
            (2050, "grant b by 2150", "", 2150),
            (2150, "tick", "b:too_late@never-2150 again", NEVER),
        ],
    ),
    "a grant for a contact that has rested is at once": (
        DOOR,
        [(0, "grant a by 1500", "on go", 2000), (2000, "tick", "off a:assumed@0-2000", NEVER), (2200, "grant b by 3500", "on go", 4200)],
    ),
    "the second waits until its deadline": (
        PLAIN,
        [
            (0, "grant a by 1500", "on go", 500),
            (100, "grant b by 1600", "", 500),
            (500, "tick", "off", 1600),
            (1600, "tick", "b:too_late@never-1600", 5000),
            (5000, "tick", "a:unused@0-5000 again", NEVER),
        ],
    ),
    "a lane that is free too late opens for the third": (
        PLAIN,
        [
            (0, "grant a by 9000", "on go", 500),
            (100, "grant b by 1600", "", 500),
            (100, "grant c by 9000", "", 500),
            (2000, "passed", "a:turned@0-2000 off b:too_late@never-2000", 2200),
            (2200, "tick", "on go", 2700),
            (2700, "tick", "off", 7200),
            (3000, "passed", "c:turned@2200-3000 again", NEVER),
        ],
    ),
    "more than may wait are told at once": (
        PLAIN,
        [
            (0, "grant a by 9000", "on go", 500),
            (10, "grant b by 9000", "", 500),
            (20, "grant c by 9000", "", 500),
            (30, "grant d by 9000", "", 500),
            (40, "grant e by 9000", "", 500),
            (50, "grant f by 9000", "f:too_late@never-50", 500),
            (500, "tick", "off", 5000),
            (700, "passed", "a:turned@0-700 on go", 1200),
            (1200, "tick", "off", 5700),
            (1400, "passed", "b:turned@700-1400 on go", 1900),
            (1900, "tick", "off", 6400),
            (2100, "passed", "c:turned@1400-2100 on go", 2600),
            (2600, "tick", "off", 7100),
            (2800, "passed", "d:turned@2100-2800 on go", 3300),
            (3300, "tick", "off", 7800),
            (3500, "passed", "e:turned@2800-3500 again", NEVER),
        ],
    ),
    # --- the sensor's word comes late
    "a passage is reported as of when it was seen": (
        PLAIN,
        [(0, "grant a by 1500", "on go", 500), (500, "tick", "off", 5000), (900, "passed at 700", "a:turned@0-700", NEVER)],
    ),
    "a grant that was good when the sensor saw somebody opens nothing now": (
        PLAIN,
        [
            (0, "grant a by 1500", "on go", 500),
            (100, "grant b by 1600", "", 500),
            (500, "tick", "off", 1600),
            (1700, "passed at 1000", "a:turned@0-1000 b:too_late@never-1700 again", NEVER),
        ],
    ),
    "a pulse after a sensor's late word has its whole length": (
        PLAIN,
        [
            (0, "grant a by 1500", "on go", 500),
            (100, "grant b by 9000", "", 500),
            (500, "tick", "off", 5000),
            (1700, "passed at 1000", "a:turned@0-1000 on go", 2200),
        ],
    ),
    "somebody without a grant is reported as of when he was seen": (PLAIN, [(900, "passed at 100", "forced@100", NEVER)]),
    # --- without a grant
    "somebody passes without a grant": (PLAIN, [(100, "passed", "forced@100", NEVER)]),
    "a sensor that chatters is one alarm a second": (
        PLAIN,
        [
            (100, "passed", "forced@100", NEVER),
            (110, "passed", "", NEVER),
            (1099, "passed", "", NEVER),
            (1100, "passed", "forced@1100", NEVER),
            (2099, "passed", "", NEVER),
        ],
    ),
    "a second person on one grant": (
        PLAIN,
        [
            (0, "grant a by 1500", "on go", 500),
            (200, "passed", "a:turned@0-200", 500),
            (300, "passed", "forced@300", 500),
            (500, "tick", "off", NEVER),
        ],
    ),
    "somebody after the wait is over": (
        PLAIN,
        [(0, "grant a by 1500", "on go", 500), (5000, "tick", "off a:unused@0-5000", NEVER), (5001, "passed", "forced@5001", NEVER)],
    ),
    "a contact that bounces after the pulse is nothing": (
        PLAIN,
        [
            (0, "grant a by 1500", "on go", 500),
            (20, "closed", "", 500),
            (500, "tick", "off", 5000),
            (510, "closed", "", 5000),
            (900, "passed", "a:turned@20-900", NEVER),
        ],
    ),
    "a contact that closes without a grant is nothing": (PLAIN, [(0, "closed", "", NEVER), (10, "grant a by 1500", "on go", 510)]),
    "a contact that closes after the person passed is nothing": (
        PLAIN,
        [(0, "grant a by 1500", "on go", 500), (200, "passed", "a:turned@0-200", 500), (210, "closed", "", 500)],
    ),
    # --- parties: a pulse for each, and a rest between
    "three pass one after another": (
        PLAIN,
        [
            (0, "grant a for 3 by 1500", "on go", 500),
            (20, "closed", "", 500),
            (300, "passed", "", 500),
            (500, "tick", "off", 700),
            (700, "tick", "on", 1200),
            (720, "closed", "", 1200),
            (1200, "tick", "off", 5700),
            (2000, "passed", "on", 2500),
            (2100, "passed", "a:turnedx3@20-2100", 2500),
            (2500, "tick", "off", NEVER),
        ],
    ),
    "each of a party has the whole time for himself": (
        PLAIN,
        [
            (0, "grant a for 2 by 1500", "on go", 500),
            (500, "tick", "off", 5000),
            (4900, "passed", "on", 5400),
            (5400, "tick", "off", 9900),
            (9899, "passed", "a:turnedx2@0-9899", NEVER),
        ],
    ),
    "of three two pass": (
        PLAIN,
        [
            (0, "grant a for 3 by 1500", "on go", 500),
            (500, "tick", "off", 5000),
            (800, "passed", "on", 1300),
            (1300, "tick", "off", 5800),
            (1400, "passed", "", 1500),
            (1500, "tick", "on", 2000),
            (2000, "tick", "off", 6500),
            (6499, "tick", "", 6500),
            (6500, "tick", "a:turnedx2@0-6500", NEVER),
        ],
    ),
    "of a party nobody passes": (
        PLAIN,
        [(0, "grant a for 3 by 1500", "on go", 500), (500, "tick", "off", 5000), (5000, "tick", "a:unused@0-5000", NEVER)],
    ),
    "without a sensor a party has as many pulses as people": (
        DOOR,
        [
            (0, "grant a for 2 by 1500", "on go", 2000),
            (2000, "tick", "off", 2200),
            (2200, "tick", "on", 4200),
            (4200, "tick", "off a:assumedx2@0-4200", NEVER),
        ],
    ),
    "a party goes on after the deadline, which is for its beginning": (
        DOOR,
        [
            (1499, "grant a for 2 by 1500", "on go", 3499),
            (3499, "tick", "off", 3699),
            (3699, "tick", "on", 5699),
            (5699, "tick", "off a:assumedx2@1499-5699", NEVER),
        ],
    ),
    "a party that is too late opens for nobody": (PLAIN, [(1500, "grant a for 3 by 1500", "a:too_late@never-1500 again", NEVER)]),
    "two of a party in one pulse need no second": (
        PLAIN,
        [
            (0, "grant a for 2 by 1500", "on go", 500),
            (200, "passed", "", 500),
            (300, "passed", "a:turnedx2@0-300", 500),
            (500, "tick", "off", NEVER),
        ],
    ),
    "whoever comes after the last of a party is without a grant": (
        PLAIN,
        [
            (0, "grant a for 2 by 1500", "on go", 500),
            (200, "passed", "", 500),
            (300, "passed", "a:turnedx2@0-300", 500),
            (400, "passed", "forced@400", 500),
            (500, "tick", "off", NEVER),
        ],
    ),
    "the next waits for the whole party": (
        DOOR,
        [
            (0, "grant a for 2 by 9000", "on go", 2000),
            (100, "grant b by 9000", "", 2000),
            (2000, "tick", "off", 2200),
            (2200, "tick", "on", 4200),
            (4200, "tick", "off a:assumedx2@0-4200", 4400),
            (4400, "tick", "on go", 6400),
        ],
    ),
    "the next is told when the party took too long": (
        DOOR,
        [
            (0, "grant a for 2 by 9000", "on go", 2000),
            (100, "grant b by 1600", "", 1600),
            (1600, "tick", "b:too_late@never-1600", 2000),
            (2000, "tick", "off", 2200),
            (2200, "tick", "on", 4200),
            (4200, "tick", "off a:assumedx2@0-4200 again", NEVER),
        ],
    ),
    "every pulse of a party is cut at the hard maximum": (
        OVERLONG_PULSE,
        [
            (0, "grant a for 2 by 1500", "on go", 3000),
            (3000, "tick", "off", 9000),
            (9000, "tick", "on", 12_000),
            (12_000, "tick", "off", 18_000),
            (18_000, "tick", "a:assumedx2@0-18000", NEVER),
        ],
    ),
    "a late tick gives the next of a party his whole pulse": (
        DOOR,
        [
            (0, "grant a for 2 by 1500", "on go", 2000),
            (60_000, "tick", "off", 60_200),
            (60_200, "tick", "on", 62_200),
            (62_200, "tick", "off a:assumedx2@0-62200", NEVER),
        ],
    ),
    "a sensor's late word about the first of a party gives the next his whole pulse": (
        PLAIN,
        [
            (0, "grant a for 2 by 1500", "on go", 500),
            (500, "tick", "off", 5000),
            (1700, "passed at 1000", "on", 2200),
            (2200, "tick", "off", 6700),
            (6700, "tick", "a:turned@0-6700", NEVER),
        ],
    ),
    "only the first contact of a party is its opening": (
        PLAIN,
        [
            (0, "grant a for 2 by 1500", "on go", 500),
            (30, "closed", "", 500),
            (500, "tick", "off", 5000),
            (800, "passed", "on", 1300),
            (830, "closed", "", 1300),
            (900, "passed", "a:turnedx2@30-900", 1300),
        ],
    ),
}


OUT: dict[str, Scenario] = {
    "out goes before in, and the button before a code": (
        TWO_WAY,
        [
            (0, "grant a by 60000", "on go", 500),
            (100, "grant b by 60000", "", 500),
            (200, "grant c out by 60000", "", 500),
            (300, "exit_button on", "", 500),
            (500, "tick", "off", 5000),
            (900, "passed", "a:turned@0-900 out-on go", 1400),
            (1400, "tick", "out-off", 5900),
            (1500, "passed_out", "counted-exit@1500", 1600),
            (1600, "tick", "out-on go", 2100),
            (2100, "tick", "out-off", 6600),
            (2400, "passed_out", "c:turned@1600-2400 on go", 2900),
            (2700, "passed", "b:turned@2400-2700", 2900),
        ],
    ),
    "never both ways at once": (
        TWO_WAY,
        [
            (0, "grant a out by 1500", "out-on go", 500),
            (50, "grant b by 1550", "", 500),
            (300, "passed_out", "a:turned@0-300", 500),
            (500, "tick", "out-off on go", 1000),
            (800, "passed", "b:turned@500-800", 1000),
        ],
    ),
    "who goes the other way than was released has forced it": (
        TWO_WAY,
        [
            (0, "grant a by 1500", "on go", 500),
            (300, "passed_out", "forced-exit@300", 500),
            (500, "tick", "off", 5000),
            (800, "passed", "a:turned@0-800", NEVER),
        ],
    ),
    "the button lets one out, who is counted": (
        TWO_WAY,
        [
            (0, "exit_button on", "out-on go", 500),
            (100, "exit_button off", "", 500),
            (500, "tick", "out-off", 5000),
            (900, "passed_out", "counted-exit@900", NEVER),
        ],
    ),
    "the button is pressed, and nobody goes": (
        TWO_WAY,
        [
            (0, "exit_button on", "out-on go", 500),
            (500, "tick", "out-off", 5000),
            (5000, "tick", "", NEVER),
        ],
    ),
    "the button is pressed twice by one who is impatient": (
        TWO_WAY,
        [
            (0, "exit_button on", "out-on go", 500),
            (100, "exit_button off", "", 500),
            (200, "exit_button on", "", 500),
            (500, "tick", "out-off", 5000),
            (900, "passed_out", "counted-exit@900 out-on go", 1400),
            (1400, "tick", "out-off", 5900),
            (5900, "tick", "", NEVER),
        ],
    ),
    "at a lane with one relay the button opens for who wants out": (
        FLAP,
        [
            (0, "exit_button on", "on go", 500),
            (500, "tick", "off", 5000),
            (900, "inner_beam on", "", 15_900),
            (1200, "outer_beam on", "", 15_900),
            (1300, "inner_beam off", "", 15_900),
            (1500, "outer_beam off", "counted-exit@1500", NEVER),
        ],
    ),
    "in by the door that the button has opened is forced": (
        FLAP,
        [
            (0, "exit_button on", "on go", 500),
            (500, "tick", "off", 5000),
            (900, "outer_beam on", "", 15_900),
            (1200, "inner_beam on", "", 15_900),
            (1300, "outer_beam off", "", 15_900),
            (1500, "inner_beam off", "forced-entry@1500", 5000),
            (5000, "tick", "", NEVER),
        ],
    ),
    "whoever presses the button waits for a party, however long it takes": (
        TWO_WAY,
        [
            (0, "grant a for 9 by 1500", "on go", 500),
            (100, "exit_button on", "", 500),
            (4900, "passed", "off", 5100),
            (5400, "tick", "on", 5900),
            (9800, "passed", "off", 10_000),
            (10_300, "tick", "on", 10_800),
            (14_700, "passed", "off", 14_900),
            (15_200, "tick", "on", 15_700),
            (19_600, "passed", "off", 19_800),
            (20_100, "tick", "on", 20_600),
            (24_500, "passed", "off", 24_700),
            (25_000, "tick", "on", 25_500),
            (29_400, "passed", "off", 29_600),
            (29_900, "tick", "on", 30_400),
            (34_300, "passed", "off", 34_500),
            (34_800, "tick", "on", 35_300),
            (39_200, "passed", "off", 39_400),
            (39_700, "tick", "on", 40_200),
            (44_100, "passed", "a:turnedx9@0-44100 off out-on go", 44_600),
            (44_600, "tick", "out-off", 49_100),
        ],
    ),
    "out of service, out is served": (
        TWO_WAY,
        [
            (0, "order locked", "+service=locked", NEVER),
            (100, "grant a by 1600", "a:out_of_service@never-100", NEVER),
            (200, "grant b out by 1700", "out-on go", 700),
            (700, "tick", "out-off", 5200),
            (900, "passed_out", "b:turned@200-900", NEVER),
            (1000, "exit_button on", "out-on go", 1500),
            (1500, "tick", "out-off", 6000),
            (2000, "passed_out", "counted-exit@2000", NEVER),
            (3000, "order setup", "+service=setup", 1_803_000),
            (3100, "exit_button on", "out-on go", 3600),
        ],
    ),
    "a turnstile out of order lets nobody in, and is asked to let out": (
        TWO_WAY,
        [
            (0, "not_ready on", "+not_ready", NEVER),
            (100, "grant a by 1600", "a:out_of_service@never-100", NEVER),
            (200, "exit_button on", "out-on go", 700),
            (700, "tick", "out-off", 5200),
            (5200, "tick", "", NEVER),
            (6000, "not_ready off", "-not_ready", NEVER),
            (6100, "grant b by 7600", "on go", 6600),
        ],
    ),
    "who wants out gives way to nobody who wants in": (
        TWO_WAY,
        [
            (0, "grant a by 90000", "on go", 500),
            (10, "grant b by 90000", "", 500),
            (20, "grant c by 90000", "", 500),
            (30, "grant d by 90000", "", 500),
            (40, "grant e by 90000", "", 500),
            (50, "grant f out by 90000", "e:too_late@never-50", 500),
            (500, "tick", "off", 5000),
            (700, "passed", "a:turned@0-700 out-on go", 1200),
        ],
    ),
    "somebody on the way in goes on when the gate is locked": (
        TWO_WAY,
        [
            (0, "grant a for 2 by 1500", "on go", 500),
            (100, "grant b by 1600", "", 500),
            (300, "order locked", "+service=locked b:out_of_service@never-300", 500),
            (500, "tick", "off", 5000),
            (800, "passed", "on", 1300),
            (1300, "tick", "off", 5800),
            (1500, "passed", "a:turnedx2@0-1500", NEVER),
        ],
    ),
    "a lock of its own for the way out is held until somebody has passed": (
        HOLD_BOTH_WAYS,
        [
            (0, "exit_button on", "out-on go", 2500),
            (800, "passed_out", "out-off counted-exit@800", NEVER),
            (900, "grant a by 2400", "on go", 3400),
            (1700, "passed", "off a:turned@900-1700", NEVER),
        ],
    ),
    "of those who want out the last is too many": (
        TWO_WAY,
        [
            (0, "grant a by 90000", "on go", 500),
            (10, "grant b out by 90000", "", 500),
            (20, "grant c out by 90000", "", 500),
            (30, "grant d out by 90000", "", 500),
            (40, "grant e out by 90000", "", 500),
            (50, "grant f out by 90000", "f:too_late@never-50", 500),
        ],
    ),
}

FREE: dict[str, Scenario] = {
    "fire frees the lane, and nothing shown or ordered changes that": (
        TWO_WAY,
        [
            (0, "fire on", "+fire free-on +free=fire", NEVER),
            (100, "grant a by 1600", "a:free@never-100", NEVER),
            (200, "grant b out by 1700", "b:free@never-200", NEVER),
            (300, "exit_button on", "", NEVER),
            (400, "close", "", NEVER),
            (500, "order locked", "+service=locked", NEVER),
            (600, "order normal", "-service=normal", NEVER),
            (700, "passed", "counted-entry@700", NEVER),
            (800, "passed_out", "counted-exit@800", NEVER),
        ],
    ),
    "fire while somebody is let in": (
        FLAP,
        [
            (0, "grant a for 2 by 1500", "on go", 500),
            (100, "grant b by 1600", "", 500),
            (200, "fire on", "+fire free-on +free=fire a:freex2@0-200 b:free@never-200", 500),
            (500, "tick", "off", NEVER),
            (9000, "tick", "", NEVER),
        ],
    ),
    "fire is over, and stays until somebody resets it": (
        TWO_WAY,
        [
            (0, "fire on", "+fire free-on +free=fire", NEVER),
            (1000, "key_reset on", "", NEVER),
            (2000, "fire off", "-fire +free=latched", NEVER),
            (3000, "close", "", NEVER),
            (4000, "key_reset off", "", NEVER),
            (5000, "key_reset on", "free-off -free", NEVER),
            (6000, "grant a by 7500", "on go", 6500),
        ],
    ),
    "break-glass and fire: the reset needs both at rest": (
        TWO_WAY,
        [
            (0, "break_glass on", "+break_glass free-on +free=break_glass", NEVER),
            (100, "fire on", "+fire +free=fire", NEVER),
            (1000, "break_glass off", "-break_glass", NEVER),
            (2000, "key_reset on", "", NEVER),
            (2100, "key_reset off", "", NEVER),
            (3000, "fire off", "-fire +free=latched", NEVER),
            (4000, "key_reset on", "free-off -free", NEVER),
        ],
    ),
    "power comes back with the latch set": (
        TWO_WAY,
        [
            (0, "fire on", "+fire free-on +free=fire", NEVER),
            (1000, "again", "free-on +free=latched", NEVER),
            (1010, "fire on", "+fire +free=fire", NEVER),
            (2000, "fire off", "-fire +free=latched", NEVER),
            (3000, "again", "free-on +free=latched", NEVER),
            (4000, "key_reset on", "free-off -free", NEVER),
        ],
    ),
    "the key frees the lane during a pulse, and closes it again": (
        TWO_WAY,
        [
            (0, "grant a by 1500", "on go", 500),
            (200, "key_free on", "free-on +free=key a:free@0-200", 500),
            (500, "tick", "off", NEVER),
            (600, "grant b by 2100", "b:free@never-600", NEVER),
            (5000, "key_free off", "free-off -free", NEVER),
            (6000, "grant c by 7500", "on go", 6500),
        ],
    ),
    "the key does not end an order, nor the order the key": (
        TWO_WAY,
        [
            (0, "free", "free-on +free=order", NEVER),
            (1000, "key_free on", "+free=key", NEVER),
            (2000, "close", "", NEVER),
            (3000, "key_free off", "free-off -free", NEVER),
        ],
    ),
    "the key's reset does not end an order": (
        TWO_WAY,
        [
            (0, "free", "free-on +free=order", NEVER),
            (1000, "key_reset on", "", NEVER),
            (2000, "again", "free-on +free=order", NEVER),
            (3000, "close", "free-off -free", NEVER),
        ],
    ),
    "fire while the gate is in a technician's hands": (
        TWO_WAY,
        [
            (0, "order test", "+service=test", 1_800_000),
            (100, "fire on", "+fire free-on +free=fire", 1_800_000),
            (200, "order normal", "-service=normal", NEVER),
            (300, "fire off", "-fire +free=latched", NEVER),
            (400, "key_reset on", "free-off -free", NEVER),
        ],
    ),
    "who was too late is not told to try again where the way is free": (
        TWO_WAY,
        [
            (0, "grant a by 1500", "on go", 500),
            (100, "grant b by 200", "", 200),
            (200, "tick", "b:too_late@never-200", 500),
            (300, "key_free on", "free-on +free=key a:free@0-300", 500),
        ],
    ),
    "the button is nothing where the way is free": (
        TWO_WAY,
        [
            (0, "free", "free-on +free=order", NEVER),
            (100, "exit_button on", "", NEVER),
            (200, "close", "free-off -free", NEVER),
        ],
    ),
    "fire while the relays cannot be reached": (
        TWO_WAY,
        [
            (0, "relays lost", "+relay_lost", NEVER),
            (100, "fire on", "+fire free-on +free=fire", NEVER),
            (200, "relays back", "-relay_lost free-on", NEVER),
        ],
    ),
    "relays that come back find the lane free no longer": (
        TWO_WAY,
        [
            (0, "free", "free-on +free=order", NEVER),
            (100, "relays lost", "+relay_lost", NEVER),
            (200, "close", "free-off -free", NEVER),
            (300, "relays back", "-relay_lost", NEVER),
        ],
    ),
}

SERVICE: dict[str, Scenario] = {
    "a technician's button, and once more": (
        TRIPOD,
        [
            (0, "setup_button on", "+service=setup", 1_800_000),
            (100, "grant a by 1600", "a:out_of_service@never-100", 1_800_000),
            (5000, "setup_button off", "", 1_800_000),
            (60_000, "setup_button on", "-service=normal", NEVER),
            (60_100, "grant b by 61600", "on go", 60_600),
        ],
    ),
    "the button pressed by accident has an end": (
        TRIPOD,
        [
            (0, "setup_button on", "+service=setup", 1_800_000),
            (1_800_000, "tick", "-service=normal", NEVER),
        ],
    ),
    "a set-up has an end after a restart too": (
        TRIPOD,
        [
            (0, "setup_button on", "+service=setup", 1_800_000),
            (1_000_000, "again", "", 2_800_000),
            (2_800_000, "tick", "-service=normal", NEVER),
        ],
    ),
    "the button does not serve where the gate is locked": (
        TRIPOD,
        [
            (0, "order locked", "+service=locked", NEVER),
            (100, "setup_button on", "", NEVER),
            (2_000_000, "tick", "", NEVER),
        ],
    ),
    "a test at a locked gate leaves it locked": (
        TRIPOD,
        [
            (0, "order locked", "+service=locked", NEVER),
            (100, "order test", "+service=test", 1_800_100),
            (1_800_100, "tick", "+service=locked", NEVER),
            (1_900_000, "order normal", "-service=normal", NEVER),
        ],
    ),
    "somebody asks for help": (
        TRIPOD,
        [
            (0, "assist_button on", "+assist help_is_called", NEVER),
            (100, "assist_button off", "-assist", NEVER),
        ],
    ),
    "the housing is opened, the mains are gone": (
        TRIPOD,
        [
            (0, "tamper on", "+tamper", NEVER),
            (100, "mains on", "+on_battery", NEVER),
            (200, "tamper off", "-tamper", NEVER),
            (300, "mains off", "-on_battery", NEVER),
        ],
    ),
    "relays lost before the contact has closed: nobody was let in": (
        TRIPOD,
        [
            (0, "grant a by 1500", "on go", 500),
            (10, "relays lost", "+relay_lost a:fault@never-10", NEVER),
            (20, "grant b by 1600", "b:fault@never-20", NEVER),
            (30, "relays back", "-relay_lost", NEVER),
            (40, "grant c by 1700", "", 230),
            (230, "tick", "on go", 730),
        ],
    ),
    "relays lost after the pulse has reached the drive: somebody passes": (
        TRIPOD,
        [
            (0, "grant a by 1500", "on go", 500),
            (10, "closed", "", 500),
            (300, "relays lost", "+relay_lost", 5000),
            (900, "passed", "a:turned@10-900", NEVER),
        ],
    ),
    "relays lost within a party: as many have passed as were seen": (
        TRIPOD,
        [
            (0, "grant a for 3 by 1500", "on go", 500),
            (10, "closed", "", 500),
            (300, "relays lost", "+relay_lost", 5000),
            (900, "passed", "a:turned@10-900", NEVER),
            (2000, "relays back", "-relay_lost", NEVER),
        ],
    ),
    "relays lost: who presses the button waits for them, but not for ever": (
        TWO_WAY,
        [
            (0, "relays lost", "+relay_lost", NEVER),
            (100, "exit_button on", "", 30_100),
            (10_000, "relays back", "-relay_lost out-on go", 10_500),
            (20_000, "relays lost", "+relay_lost", NEVER),
            (20_100, "exit_button on", "", 50_100),
            (50_100, "tick", "", NEVER),
            (60_000, "relays back", "-relay_lost", NEVER),
        ],
    ),
    "relays lost twice": (
        TRIPOD,
        [
            (0, "relays lost", "+relay_lost", NEVER),
            (100, "relays lost", "", NEVER),
            (200, "relays back", "-relay_lost", NEVER),
            (300, "relays back", "", NEVER),
        ],
    ),
}

SCENARIOS = GRANTS | OUT | FREE | SERVICE


@pytest.mark.parametrize(("lane", "rows"), SCENARIOS.values(), ids=SCENARIOS.keys())
def test_the_lane_does_this_and_no_more(lane: Lane, rows: list[Row]) -> None:
    play = Play(lane)
    assert [play.row(at_ms, what) for at_ms, what, _, _ in rows] == rows


def test_every_way_a_passage_ends_but_a_crash_is_told() -> None:
    outcomes = {outcome for _, rows in SCENARIOS.values() for row in rows for outcome in PassageOutcome if f":{outcome}" in row[2]}
    assert outcomes == set(PassageOutcome) - {PassageOutcome.UNKNOWN}


# --- how it is -------------------------------------------------------------------------------------------------


def test_what_lamps_say_of_the_lane_itself() -> None:
    turnstile = Turnstile(TWO_WAY)
    stands: list[tuple[Signal | None, bool]] = []

    def look(_: list[Action]) -> None:
        stands.append((turnstile.standing, turnstile.serves_entry))

    look(turnstile.tick(0))
    look(turnstile.order(Service.TEST, 1))
    look(turnstile.order(Service.SETUP, 2))
    look(turnstile.order(Service.LOCKED, 3))
    look(turnstile.order_free(4, free=True))
    look(turnstile.order_free(5, free=False))
    look(turnstile.order(Service.NORMAL, 6))
    look(turnstile.sense(Change(Sensor.NOT_READY, on=True, at_ns=7), 7))
    look(turnstile.sense(Change(Sensor.NOT_READY, on=False, at_ns=8), 8))
    look(turnstile.relay_lost(9))
    look(turnstile.relay_back(10))
    assert stands == [
        (None, True),
        (Signal.SERVICE, False),
        (Signal.SERVICE, False),
        (Signal.OUT_OF_ORDER, False),
        (Signal.WAY_IS_FREE, False),
        (Signal.OUT_OF_ORDER, False),
        (None, True),
        (Signal.OUT_OF_ORDER, False),
        (None, True),
        (Signal.OUT_OF_ORDER, False),
        (None, True),
    ]


def test_a_lane_is_occupied_by_whom_it_is_open_for_and_by_who_stands_in_it() -> None:
    turnstile = Turnstile(FLAP)
    occupied = [turnstile.is_occupied]
    turnstile.grant(Grant("a", 10), 0)
    occupied.append(turnstile.is_occupied)
    turnstile.tick(60 * NS_PER_S)
    occupied.append(turnstile.is_occupied)
    for on in (True, False):
        turnstile.sense(Change(Sensor.INNER_BEAM, on, 61 * NS_PER_S), 61 * NS_PER_S)
        occupied.append(turnstile.is_occupied)
    assert occupied == [False, True, False, True, False]


# --- whatever happens ------------------------------------------------------------------------------------------


@st.composite
def traces(draw: st.DrawFn) -> Trace:
    """Short walks, which shrink well; ``make walk`` takes a million steps."""
    lane = draw(st.sampled_from(LANES))
    step = st.sampled_from(list(What)).flatmap(
        lambda what: st.builds(
            Step, st.just(what), st.tuples(*map(st.sampled_from, choices(lane)[what])), st.sampled_from(LATER_NS), st.sampled_from(IN_TIME)
        )
    )
    return Trace(lane, tuple(draw(st.lists(step, max_size=25))), wired=draw(st.booleans()))


@settings(derandomize=True, database=None, deadline=None, max_examples=300)
@given(traces())
def test_nothing_that_must_never_be_comes_about(trace: Trace) -> None:
    assert wrong_in(trace) is None, trace
