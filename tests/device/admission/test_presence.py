from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from device.admission.presence import DAY_NS, Moment, age_ns, is_forgotten
from device.domain import ClockTrust, Instant

S, H = 1_000_000_000, 3600 * 1_000_000_000
THREE = 3 * 60
NOON = datetime(2026, 11, 20, 5, 0, tzinfo=UTC)  # 12:00 in Viet Nam


def moment(after: timedelta = timedelta(), up_ns: int = 100 * H, boot: str = "a", *, trusted: bool = True) -> Moment:
    return Moment(Instant(NOON + after, ClockTrust.TRUSTED if trusted else ClockTrust.UNTRUSTED), boot, up_ns)


HOUR = timedelta(hours=1)

AGES = {
    "one life of the machine": (moment(up_ns=5 * S), moment(up_ns=8 * S), 3 * S),
    "whatever the wall clock does": (moment(up_ns=5 * S), moment(-9 * HOUR, 8 * S), 3 * S),
    "the same moment": (moment(), moment(), 0),
    "before it happened": (moment(up_ns=8 * S), moment(up_ns=5 * S), 0),
    "another life, both clocks believed": (moment(up_ns=50 * H), moment(HOUR, 60 * S, "b"), H),
    "to the microsecond": (moment(), moment(timedelta(microseconds=7), 0, "b"), 7_000),
    "another life, and the clock went back": (moment(), moment(-HOUR, 60 * S, "b"), 60 * S),
    "at least as long as the machine is up": (moment(), moment(timedelta(seconds=1), 60 * S, "b"), 60 * S),
    "another life, then not believed": (moment(trusted=False), moment(HOUR, 60 * S, "b"), 60 * S),
    "another life, now not believed": (moment(), moment(HOUR, 60 * S, "b", trusted=False), 60 * S),
}


@pytest.mark.parametrize(("then", "now", "expected_ns"), AGES.values(), ids=AGES.keys())
def test_an_age_is_the_most_that_is_certain(then: Moment, now: Moment, expected_ns: int) -> None:
    assert age_ns(then, now) == expected_ns


def entered(local_hour: float) -> Moment:
    """Whoever came in on 20 November at this hour of Viet Nam."""
    after = timedelta(hours=local_hour - 12)
    return moment(after, 100 * H + round(after / timedelta(microseconds=1)) * 1_000)


def now(local_hour: float, boot: str = "a", *, trusted: bool = True) -> Moment:
    there = entered(local_hour)
    return moment(there.instant.utc - NOON, there.monotonic_ns if boot == "a" else 60 * S, boot, trusted=trusted)


NIGHTS = {
    "an hour later": (entered(12), now(13), THREE, False),
    "late in the evening": (entered(12), now(23.9), THREE, False),
    "before the reset of the night": (entered(12), now(24 + 2.99), THREE, False),
    "at the reset of the night": (entered(12), now(24 + 3), THREE, True),
    "came in at the reset": (entered(3), now(4), THREE, False),
    "came in a microsecond before": (entered(3 - 1 / 3_600_000_000), now(3), THREE, True),
    "came in before the reset of the same night": (entered(2.5), now(3.5), THREE, True),
    "came in before the reset of the night before": (entered(2.5), now(24 + 2), THREE, True),
    "a reset at half past four: before": (entered(12), now(24 + 4.49), 4 * 60 + 30, False),
    "a reset at half past four: after": (entered(12), now(24 + 4.5), 4 * 60 + 30, True),
    "a reset at midnight": (entered(23), now(24), 0, True),
    "a day later": (entered(12), now(36), THREE, True),
    "over a restart, before the night": (entered(12), now(14, "b"), THREE, False),
    "over a restart, after the night": (entered(12), now(24 + 5, "b"), THREE, True),
    "no clock: no night": (entered(12), now(24 + 5, trusted=False), THREE, False),
    "no clock: nearly a day": (entered(12), now(35.999, trusted=False), THREE, False),
    "no clock: a day by the monotonic clock": (entered(12), now(36, trusted=False), THREE, True),
    "no clock and a restart: not long up": (entered(12), now(60, "b", trusted=False), THREE, False),
}


@pytest.mark.parametrize(("came", "asked", "reset_minute", "forgotten"), NIGHTS.values(), ids=NIGHTS.keys())
def test_everybody_counts_as_having_left_after_a_night_or_a_day(came: Moment, asked: Moment, reset_minute: int, forgotten: bool) -> None:
    assert is_forgotten(came, asked, reset_minute) is forgotten


def test_a_day_without_a_clock_has_24_hours() -> None:
    assert DAY_NS == 24 * H
