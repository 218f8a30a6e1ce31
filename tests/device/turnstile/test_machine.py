from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from device.domain import Grant, Passage, PassageOutcome
from device.turnstile.machine import (
    FORCED_INTERVAL_NS,
    REST_NS,
    WAITING_MAX,
    Action,
    Lane,
    Report,
    ReportForced,
    ShowGo,
    ShowTryAgain,
    SwitchRelay,
    Turnstile,
)

MS = 1_000_000

TRIPOD = Lane(pulse_ns=500 * MS, max_on_ns=3000 * MS, wait_ns=5000 * MS, has_sensor=True)
DOOR = Lane(pulse_ns=2000 * MS, max_on_ns=3000 * MS, wait_ns=5000 * MS, has_sensor=False)
LONG_PULSE = Lane(pulse_ns=2000 * MS, max_on_ns=3000 * MS, wait_ns=1000 * MS, has_sensor=True)
OVERLONG_PULSE = Lane(pulse_ns=9000 * MS, max_on_ns=3000 * MS, wait_ns=1000 * MS, has_sensor=False)


def play(turnstile: Turnstile, at_ms: int, what: str) -> list[Action]:
    """One row: ``grant a by 1500`` (``grant a for 3 by 1500``: a party), ``closed`` (the relay's contact), ``passed`` (the sensor;
    ``passed at 700``: seen then) or ``tick``.
    """
    match what.split():
        case ["grant", id_, "for", people, "by", deadline_ms]:
            return turnstile.grant(Grant(id_, int(deadline_ms) * MS, int(people)), at_ms * MS)
        case ["grant", id_, "by", deadline_ms]:
            return turnstile.grant(Grant(id_, int(deadline_ms) * MS), at_ms * MS)
        case ["closed"]:
            turnstile.relay_closed(at_ms * MS)
            return []
        case ["passed"]:
            return turnstile.person_passed(at_ms * MS, at_ms * MS)
        case ["passed", "at", seen_ms]:
            return turnstile.person_passed(int(seen_ms) * MS, at_ms * MS)
        case _:
            return turnstile.tick(at_ms * MS)


def told(action: Action) -> str:
    match action:
        case SwitchRelay(on):
            return "on" if on else "off"
        case ShowGo():
            return "go"
        case ShowTryAgain():
            return "again"
        case ReportForced(at_ns):
            return f"forced@{at_ns // MS}"
        case Report(Passage(id_, outcome, opened_ns, ended_ns, people)):
            party = f"x{people}" if people > 1 else ""
            return f"{id_}:{outcome}{party}@{'never' if opened_ns is None else opened_ns // MS}-{ended_ns // MS}"


# Each row: milliseconds, what happens, what is done, and when time alone has something to do next.
Row = tuple[int, str, str, int | None]
NEVER = None

SCENARIOS: dict[str, tuple[Lane, list[Row]]] = {
    "a person passes": (
        TRIPOD,
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
        TRIPOD,
        [(0, "grant a by 1500", "on go", 500), (300, "passed", "a:turned@0-300", 500), (500, "tick", "off", NEVER)],
    ),
    "nobody passes": (
        TRIPOD,
        [(0, "grant a by 1500", "on go", 500), (500, "tick", "off", 5000), (4999, "tick", "", 5000), (5000, "tick", "a:unused@0-5000", NEVER)],
    ),
    "without a sensor the pulse is all": (
        DOOR,
        [(0, "grant a by 1500", "on go", 2000), (20, "closed", "", 2000), (2000, "tick", "off a:assumed@20-2000", NEVER)],
    ),
    "a late tick does all that is due": (TRIPOD, [(0, "grant a by 1500", "on go", 500), (60_000, "tick", "off a:unused@0-60000", NEVER)]),
    "a person who passes before a late tick is believed": (
        TRIPOD,
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
    "a grant at its deadline opens nothing": (TRIPOD, [(1500, "grant a by 1500", "a:too_late@never-1500 again", NEVER)]),
    "a grant just before its deadline opens": (TRIPOD, [(1499, "grant a by 1500", "on go", 1999)]),
    "a commit that took for ever opens nothing": (TRIPOD, [(99_000, "grant a by 1500", "a:too_late@never-99000 again", NEVER)]),
    # --- one at a time
    "the second waits for the first": (
        TRIPOD,
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
        TRIPOD,
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
        TRIPOD,
        [
            (0, "grant a by 1500", "on go", 500),
            (100, "grant b by 1600", "", 500),
            (500, "tick", "off", 1600),
            (1600, "tick", "b:too_late@never-1600", 5000),
            (5000, "tick", "a:unused@0-5000 again", NEVER),
        ],
    ),
    "a lane that is free too late opens for the third": (
        TRIPOD,
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
        TRIPOD,
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
        TRIPOD,
        [(0, "grant a by 1500", "on go", 500), (500, "tick", "off", 5000), (900, "passed at 700", "a:turned@0-700", NEVER)],
    ),
    "a grant that was good when the sensor saw somebody opens nothing now": (
        TRIPOD,
        [
            (0, "grant a by 1500", "on go", 500),
            (100, "grant b by 1600", "", 500),
            (500, "tick", "off", 1600),
            (1700, "passed at 1000", "a:turned@0-1000 b:too_late@never-1700 again", NEVER),
        ],
    ),
    "a pulse after a sensor's late word has its whole length": (
        TRIPOD,
        [
            (0, "grant a by 1500", "on go", 500),
            (100, "grant b by 9000", "", 500),
            (500, "tick", "off", 5000),
            (1700, "passed at 1000", "a:turned@0-1000 on go", 2200),
        ],
    ),
    "somebody without a grant is reported as of when he was seen": (TRIPOD, [(900, "passed at 100", "forced@100", NEVER)]),
    # --- without a grant
    "somebody passes without a grant": (TRIPOD, [(100, "passed", "forced@100", NEVER)]),
    "a sensor that chatters is one alarm a second": (
        TRIPOD,
        [
            (0, "passed", "forced@0", NEVER),
            (10, "passed", "", NEVER),
            (999, "passed", "", NEVER),
            (1000, "passed", "forced@1000", NEVER),
            (1999, "passed", "", NEVER),
        ],
    ),
    "a second person on one grant": (
        TRIPOD,
        [
            (0, "grant a by 1500", "on go", 500),
            (200, "passed", "a:turned@0-200", 500),
            (300, "passed", "forced@300", 500),
            (500, "tick", "off", NEVER),
        ],
    ),
    "somebody after the wait is over": (
        TRIPOD,
        [(0, "grant a by 1500", "on go", 500), (5000, "tick", "off a:unused@0-5000", NEVER), (5001, "passed", "forced@5001", NEVER)],
    ),
    "a contact that bounces after the pulse is nothing": (
        TRIPOD,
        [
            (0, "grant a by 1500", "on go", 500),
            (20, "closed", "", 500),
            (500, "tick", "off", 5000),
            (510, "closed", "", 5000),
            (900, "passed", "a:turned@20-900", NEVER),
        ],
    ),
    "a contact that closes without a grant is nothing": (TRIPOD, [(0, "closed", "", NEVER), (10, "grant a by 1500", "on go", 510)]),
    "a contact that closes after the person passed is nothing": (
        TRIPOD,
        [(0, "grant a by 1500", "on go", 500), (200, "passed", "a:turned@0-200", 500), (210, "closed", "", 500)],
    ),
    # --- parties: a pulse for each, and a rest between
    "three pass one after another": (
        TRIPOD,
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
        TRIPOD,
        [
            (0, "grant a for 2 by 1500", "on go", 500),
            (500, "tick", "off", 5000),
            (4900, "passed", "on", 5400),
            (5400, "tick", "off", 9900),
            (9899, "passed", "a:turnedx2@0-9899", NEVER),
        ],
    ),
    "of three two pass": (
        TRIPOD,
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
        TRIPOD,
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
    "a party that is too late opens for nobody": (TRIPOD, [(1500, "grant a for 3 by 1500", "a:too_late@never-1500 again", NEVER)]),
    "two of a party in one pulse need no second": (
        TRIPOD,
        [
            (0, "grant a for 2 by 1500", "on go", 500),
            (200, "passed", "", 500),
            (300, "passed", "a:turnedx2@0-300", 500),
            (500, "tick", "off", NEVER),
        ],
    ),
    "whoever comes after the last of a party is without a grant": (
        TRIPOD,
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
        TRIPOD,
        [
            (0, "grant a for 2 by 1500", "on go", 500),
            (500, "tick", "off", 5000),
            (1700, "passed at 1000", "on", 2200),
            (2200, "tick", "off", 6700),
            (6700, "tick", "a:turned@0-6700", NEVER),
        ],
    ),
    "only the first contact of a party is its opening": (
        TRIPOD,
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


@pytest.mark.parametrize(("lane", "rows"), SCENARIOS.values(), ids=SCENARIOS.keys())
def test_the_lane_does_this_and_no_more(lane: Lane, rows: list[Row]) -> None:
    turnstile = Turnstile(lane)
    played = [(at_ms, what, " ".join(map(told, play(turnstile, at_ms, what))), turnstile.next_ns()) for at_ms, what, _, _ in rows]
    assert played == [(at_ms, what, done, None if next_ms is None else next_ms * MS) for at_ms, what, done, next_ms in rows]


def test_every_way_a_passage_ends_but_a_crash_is_told() -> None:
    outcomes = {outcome for _, rows in SCENARIOS.values() for row in rows for outcome in PassageOutcome if f":{outcome}@" in row[2]}
    assert outcomes == set(PassageOutcome) - {PassageOutcome.UNKNOWN}


# --- whatever happens ------------------------------------------------------------------------------------------

MOMENTS_MS = [0, 1, 99, 100, 101, 499, 500, 501, 999, 1000, 5000, 100_000]


class AnyLane(RuleBasedStateMachine):
    """Grants, persons and ticks at any time. ``done`` are the actions as the outputs would carry them out."""

    @initialize(
        pulse_ms=st.sampled_from([100, 500, 5000]),
        max_on_ms=st.sampled_from([200, 500, 3000]),
        wait_ms=st.sampled_from([100, 500, 5000]),
        has_sensor=st.booleans(),
    )
    def fit(self, pulse_ms: int, max_on_ms: int, wait_ms: int, *, has_sensor: bool) -> None:
        self.lane = Lane(pulse_ms * MS, max_on_ms * MS, wait_ms * MS, has_sensor)
        self.turnstile = Turnstile(self.lane)
        self.now_ns = 1_000_000 * MS
        self.deadlines: dict[str, int] = {}
        self.people: dict[str, int] = {}
        self.pulses: Counter[str] = Counter()
        self.seen: Counter[str] = Counter()  # persons whom the sensor saw, by the grant that was open
        self.on_since_ns: int | None = None
        self.off_since_ns = 0
        self.told_again = 0
        self.open: set[str] = set()
        self.reports: dict[str, Passage] = {}
        self.forced: list[int] = []

    @rule(later_ms=st.sampled_from(MOMENTS_MS), within_ms=st.sampled_from([-1000, 0, 1, 100, 1500, 100_000]), people=st.sampled_from([1, 1, 2, 3, 7]))
    def grant(self, later_ms: int, within_ms: int, people: int) -> None:
        self.now_ns += later_ms * MS
        grant = Grant(f"g{len(self.deadlines)}", self.now_ns + within_ms * MS, people)
        self.deadlines[grant.id] = grant.deadline_ns
        self.people[grant.id] = people
        self._carry_out(self.turnstile.grant(grant, self.now_ns))

    @rule(later_ms=st.sampled_from(MOMENTS_MS), late_ms=st.sampled_from([0, 1, 500, 3000]))
    def person(self, later_ms: int, late_ms: int) -> None:
        self.now_ns += later_ms * MS
        if self.turnstile._open is not None:
            self.seen[self.turnstile._open.grant.id] += 1
        self._carry_out(self.turnstile.person_passed(self.now_ns - late_ms * MS, self.now_ns))

    @rule(later_ms=st.sampled_from(MOMENTS_MS))
    def tick_whenever(self, later_ms: int) -> None:
        self.now_ns += later_ms * MS
        self._carry_out(self.turnstile.tick(self.now_ns))

    @rule()
    def tick_in_time(self) -> None:
        self.now_ns = max(self.now_ns, self.turnstile.next_ns() or 0)
        self._carry_out(self.turnstile.tick(self.now_ns))

    @rule()
    def contact(self) -> None:
        self.turnstile.relay_closed(self.now_ns)

    def _carry_out(self, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case SwitchRelay(on):
                    assert on is (self.on_since_ns is None), "switched to what it is already"
                    if on:
                        assert self.now_ns - self.off_since_ns >= REST_NS, "two pulses that a drive sees as one"
                        assert self.turnstile._open is not None, "a pulse for nobody"
                        self.pulses[self.turnstile._open.grant.id] += 1
                    elif self.on_since_ns is not None:
                        self.off_since_ns = self.now_ns
                    self.on_since_ns = self.now_ns if on else None
                case ShowGo():
                    self.open |= self._just_opened()
                case ShowTryAgain():
                    assert (self.open, list(self.turnstile._waiting)) == (set(), []), "told while it is another's turn"
                    self.told_again = self._too_late()
                case Report(passage):
                    assert passage.grant_id not in self.reports, "told twice"
                    self.reports[passage.grant_id] = passage
                    self.open.discard(passage.grant_id)
                case ReportForced(at_ns):
                    assert at_ns <= self.now_ns
                    self.forced.append(self.now_ns)

    def _too_late(self) -> int:
        return sum(passage.outcome is PassageOutcome.TOO_LATE for passage in self.reports.values())

    def _just_opened(self) -> set[str]:
        assert self.turnstile._open is not None
        grant = self.turnstile._open.grant
        assert self.now_ns < grant.deadline_ns, "opened after its deadline"
        return {grant.id}

    @invariant()
    def never_two_are_open(self) -> None:
        assert len(self.open) <= 1

    @invariant()
    def the_relay_is_off_when_its_time_is_over(self) -> None:
        """After every input, whatever it is; between inputs ``next_ns`` says when to come back."""
        if self.on_since_ns is not None:
            off_ns = self.on_since_ns + min(self.lane.pulse_ns, self.lane.max_on_ns)
            next_ns = self.turnstile.next_ns()
            assert next_ns is not None
            assert next_ns <= off_ns
            assert self.now_ns < off_ns

    @invariant()
    def each_grant_is_open_waiting_or_told(self) -> None:
        waiting = {grant.id for grant in self.turnstile._waiting}
        assert len(waiting) <= WAITING_MAX
        assert sorted([*waiting, *self.open, *self.reports]) == sorted(self.deadlines)

    @invariant()
    def nobody_has_more_pulses_than_people(self) -> None:
        assert {id_: n for id_, n in self.pulses.items() if n > self.people[id_]} == {}

    @invariant()
    def as_many_have_passed_as_were_seen_or_as_were_opened_for(self) -> None:
        for id_, passage in self.reports.items():
            expected = {
                PassageOutcome.TURNED: self.seen[id_] if self.lane.has_sensor else self.people[id_],  # a sensor's stray word counts as its pulse
                PassageOutcome.ASSUMED: self.people[id_],
                PassageOutcome.UNUSED: 0,
                PassageOutcome.TOO_LATE: 0,
            }
            assert passage.people == expected[passage.outcome] <= self.people[id_]
            assert passage.outcome is not PassageOutcome.TURNED or passage.people > 0

    @invariant()
    def who_came_too_late_never_opened_and_the_others_did(self) -> None:
        assert {id_ for id_, each in self.reports.items() if (each.outcome is PassageOutcome.TOO_LATE) is not (each.opened_ns is None)} == set()

    @invariant()
    def who_came_too_late_is_told_as_soon_as_nobody_else_has_his_turn(self) -> None:
        if not self.open and not self.turnstile._waiting:
            assert self.told_again == self._too_late()

    @invariant()
    def alarms_are_a_second_apart(self) -> None:
        assert [(a, b) for a, b in zip(self.forced, self.forced[1:], strict=False) if b - a < FORCED_INTERVAL_NS] == []

    def teardown(self) -> None:
        """Left alone, it comes to rest: relay off, every grant told, and whoever came too late."""
        while (next_ns := self.turnstile.next_ns()) is not None:
            self.now_ns = max(self.now_ns, next_ns)
            self._carry_out(self.turnstile.tick(self.now_ns))
        assert (self.on_since_ns, self.open, set(self.reports), self.told_again) == (None, set(), set(self.deadlines), self._too_late())


AnyLane.TestCase.settings = settings(derandomize=True, database=None, deadline=None, max_examples=150, stateful_step_count=30)
TestAnyLane = AnyLane.TestCase
