from __future__ import annotations

from device.admission.shadow import HOUR_NS, ShadowCount
from device.domain import Decision, Direction, Reason

OK, EXPIRED, FULL = Reason.OK, Reason.EXPIRED, Reason.FULL
IN, OUT, REFUSED = Decision.admitted(), Decision.admitted(direction=Direction.EXIT), Decision.refused(EXPIRED)


def count(counter: ShadowCount, *reasons: Reason, now_ns: int = 0) -> None:
    for reason in reasons:
        counter.count(IN, Decision.admitted() if reason is OK else Decision.refused(reason), now_ns)


def test_an_hour_has_3600_seconds() -> None:
    assert HOUR_NS == 3_600_000_000_000


def test_an_hour_is_told_once_it_is_over() -> None:
    counter = ShadowCount()
    count(counter, OK, EXPIRED, now_ns=5)
    count(counter, OK, FULL, now_ns=HOUR_NS + 4)
    assert [counter.due(now) for now in (6, HOUR_NS + 4, HOUR_NS + 5)] == [{}, {}, {OK: 2, EXPIRED: 1, FULL: 1}]


def test_only_those_who_were_let_in_are_counted() -> None:
    counter = ShadowCount()
    for decided in (REFUSED, OUT, IN):
        counter.count(decided, REFUSED, 0)
    assert counter.due(HOUR_NS) == {EXPIRED: 1}


def test_an_hour_begins_with_the_first_who_is_counted() -> None:
    counter = ShadowCount()
    counter.count(REFUSED, REFUSED, 0)
    count(counter, FULL, now_ns=HOUR_NS)
    assert [counter.due(now) for now in (HOUR_NS, 2 * HOUR_NS - 1, 2 * HOUR_NS)] == [{}, {}, {FULL: 1}]


def test_counts_are_kept_until_they_are_recorded_and_no_longer() -> None:
    counter = ShadowCount()
    count(counter, EXPIRED)
    count(counter, EXPIRED, FULL, now_ns=HOUR_NS)
    recorded = counter.due(HOUR_NS)
    later = counter.due(2 * HOUR_NS)
    counter.settle(recorded)
    assert (recorded, later, counter.due(2 * HOUR_NS)) == ({EXPIRED: 1}, {EXPIRED: 2, FULL: 1}, {EXPIRED: 1, FULL: 1})


def test_a_quiet_hour_has_nothing_to_tell() -> None:
    counter = ShadowCount()
    assert counter.due(5 * HOUR_NS) == {}
