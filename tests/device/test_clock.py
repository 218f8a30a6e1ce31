from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from device.clock import ABSENT_MAX, AHEAD_MAX, NS, RTC_TOLERANCE_S, SIGNED_WITHIN_NS, Verdict, WallClock, boot_id, monotonic_ns
from device.domain import ClockTrust, Instant
from device.settings import ClockSource


@pytest.fixture
def rtc(tmp_path: Path) -> Path:
    """The battery clock's file, right to the second."""
    path = tmp_path / "since_epoch"
    path.write_text(f"{int(time.time())}\n", encoding="ascii")
    return path


def test_without_a_source_nothing_vouches_for_the_date(rtc: Path) -> None:
    assert WallClock(ClockSource.NONE, rtc=rtc).now().trust is ClockTrust.UNTRUSTED


def test_a_clock_that_is_kept_by_other_means_is_believed_without_a_battery_clock(tmp_path: Path) -> None:
    assert WallClock(ClockSource.SYSTEM, rtc=tmp_path / "missing").now().trust is ClockTrust.TRUSTED


def test_a_battery_clock_that_agrees_vouches(rtc: Path) -> None:
    assert WallClock(ClockSource.RTC, rtc=rtc).now().trust is ClockTrust.TRUSTED


@pytest.mark.parametrize("off_s", [-3600, -RTC_TOLERANCE_S - 2, RTC_TOLERANCE_S + 2, 3600])
def test_a_battery_clock_that_differs_does_not_vouch(rtc: Path, off_s: float) -> None:
    rtc.write_text(str(int(time.time() + off_s)), encoding="ascii")
    assert WallClock(ClockSource.RTC, rtc=rtc).now().trust is ClockTrust.UNTRUSTED


@pytest.mark.parametrize("content", [b"", b"soon", b"\xff\xfe", b"1e9", b"9" * 5000])
def test_a_battery_clock_that_tells_nonsense_does_not_vouch(rtc: Path, content: bytes) -> None:
    rtc.write_bytes(content)
    assert WallClock(ClockSource.RTC, rtc=rtc).now().trust is ClockTrust.UNTRUSTED


def test_a_battery_clock_that_is_gone_does_not_vouch(rtc: Path) -> None:
    clock = WallClock(ClockSource.RTC, rtc=rtc)
    rtc.unlink()
    assert clock.now().trust is ClockTrust.UNTRUSTED


@pytest.mark.parametrize("source", [ClockSource.RTC, ClockSource.SYSTEM])
def test_a_clock_that_shows_a_time_before_one_that_has_passed_is_wrong(source: ClockSource, rtc: Path) -> None:
    clock = WallClock(source, rtc=rtc)
    clock.raise_floor(datetime.now(UTC) + timedelta(hours=1))
    assert clock.now().trust is ClockTrust.UNTRUSTED


def test_the_floor_forgives_as_much_as_two_clocks_may_differ() -> None:
    clock = WallClock(ClockSource.SYSTEM)
    clock.raise_floor(datetime.now(UTC) + timedelta(seconds=RTC_TOLERANCE_S - 1))
    assert clock.now().trust is ClockTrust.TRUSTED


def test_the_floor_is_never_lowered() -> None:
    clock = WallClock(ClockSource.SYSTEM)
    clock.raise_floor(datetime.now(UTC) + timedelta(hours=1))
    clock.raise_floor(datetime(2020, 1, 1, tzinfo=UTC))
    assert clock.now().trust is ClockTrust.UNTRUSTED


def test_now_is_utc() -> None:
    before, now, after = datetime.now(UTC), WallClock(ClockSource.NONE).now().utc, datetime.now(UTC)
    assert before <= now <= after
    assert now.tzinfo is UTC


def test_monotonic_time_never_goes_back() -> None:
    readings = [monotonic_ns() for _ in range(1000)]
    assert readings == sorted(readings)


def test_a_boot_has_one_name() -> None:
    assert boot_id() == boot_id()
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", boot_id())


# --- signed time -----------------------------------------------------------------------------------------------

TRUE = datetime(2027, 3, 1, 12, tzinfo=UTC)
TOLERANCE_S = RTC_TOLERANCE_S
LATER_S = 3600


@dataclass
class Machine:
    """Its clock shows ``off_s`` too much; ``passed_s`` have passed since it was true noon."""

    source: ClockSource = ClockSource.NONE
    off_s: float = 0.0
    passed_s: float = 0.0
    wall: WallClock = field(init=False)

    def __post_init__(self) -> None:
        self.wall = WallClock(self.source, system=self.shown, ticks=lambda: int(self.passed_s * NS))

    def shown(self) -> datetime:
        return self.true + timedelta(seconds=self.off_s)

    @property
    def true(self) -> datetime:
        return TRUE + timedelta(seconds=self.passed_s)

    def hear(self, utc: datetime | None = None, *, took_ns: int = 0) -> Verdict:
        """The recorder's answer comes: it is ``utc``, the truth if nothing else is said."""
        now_ns = int(self.passed_s * NS)
        return self.wall.take_signed(utc or self.true, asked_ns=now_ns - took_ns, answered_ns=now_ns)

    def off(self) -> tuple[float, ClockTrust]:
        """By how many seconds the time that is told is wrong, and its trust."""
        told = self.wall.now()
        return (told.utc - self.true).total_seconds(), told.trust


TRUSTED, UNTRUSTED = ClockTrust.TRUSTED, ClockTrust.UNTRUSTED


@pytest.mark.parametrize("off_s", [0, -86_400 * 365, 86_400 * 365])
def test_signed_time_is_believed_whatever_a_clock_shows_that_nothing_vouches_for(off_s: float) -> None:
    machine = Machine(off_s=off_s)
    assert machine.off() == (off_s, UNTRUSTED)
    assert machine.hear() is Verdict.TAKEN
    machine.passed_s += LATER_S
    assert machine.off() == (0, TRUSTED)


def test_signed_time_goes_on_by_the_monotonic_clock_when_the_machine_s_is_set_wrong() -> None:
    machine = Machine()
    machine.hear()
    machine.passed_s, machine.off_s = LATER_S, -86_400
    assert machine.off() == (0, TRUSTED)


def test_a_vouched_clock_that_agrees_is_told_as_before() -> None:
    machine = Machine(ClockSource.SYSTEM, off_s=2)
    assert (machine.hear(), machine.off()) == (Verdict.TAKEN, (2, TRUSTED))


def test_a_vouched_clock_that_is_behind_gives_way_and_that_is_told() -> None:
    machine = Machine(ClockSource.SYSTEM, off_s=-LATER_S)
    assert machine.off() == (-LATER_S, TRUSTED)
    assert machine.hear() is Verdict.DIFFERS
    assert machine.off() == (0, TRUSTED)


def test_nothing_is_trusted_until_the_true_time_has_caught_up_with_a_clock_that_ran_ahead() -> None:
    machine = Machine(ClockSource.SYSTEM, off_s=LATER_S)
    machine.off()
    assert machine.hear() is Verdict.DIFFERS
    assert machine.off() == (0, UNTRUSTED)
    machine.passed_s = LATER_S - TOLERANCE_S
    assert machine.off() == (TOLERANCE_S, TRUSTED)  # held where it was told last
    machine.passed_s = LATER_S
    assert machine.off() == (0, TRUSTED)


def test_the_answer_counts_for_the_middle_of_the_time_that_it_took() -> None:
    machine = Machine()
    assert machine.hear(took_ns=4 * NS) is Verdict.TAKEN
    assert machine.off() == (2, TRUSTED)


def test_an_answer_that_took_too_long_is_not_taken() -> None:
    machine = Machine()
    assert (machine.hear(took_ns=SIGNED_WITHIN_NS + 1), machine.off()) == (Verdict.TOO_SLOW, (0, UNTRUSTED))
    assert machine.hear(took_ns=SIGNED_WITHIN_NS) is Verdict.TAKEN


def test_signed_time_is_never_before_a_moment_that_has_passed() -> None:
    machine = Machine()
    machine.wall.raise_floor(TRUE + timedelta(days=1))
    assert (machine.hear(), machine.off()) == (Verdict.BEFORE_FLOOR, (0, UNTRUSTED))


def test_trusted_time_never_goes_back_when_signed_time_is_renewed() -> None:
    machine = Machine()
    machine.hear(machine.true + timedelta(seconds=3))
    before = machine.wall.now()
    assert machine.hear() is Verdict.TAKEN
    assert machine.wall.now() == before == Instant(TRUE + timedelta(seconds=3), TRUSTED)
    machine.passed_s = 10
    assert machine.off() == (0, TRUSTED)


SECOND = timedelta(seconds=1)


def test_a_recorder_whose_clock_is_wrong_moves_no_clock_that_is_believed_by_more_than_a_day() -> None:
    machine = Machine(ClockSource.SYSTEM)
    assert (machine.hear(TRUE + AHEAD_MAX + SECOND), machine.off()) == (Verdict.FAR_AHEAD, (0, TRUSTED))
    assert machine.hear(TRUE + AHEAD_MAX) is Verdict.DIFFERS


def test_nobody_signs_a_gate_into_the_future_by_many_steps() -> None:
    machine = Machine()
    assert [machine.hear(TRUE + days * AHEAD_MAX) for days in (0, 1, 2, 1)] == [Verdict.TAKEN, Verdict.TAKEN, Verdict.FAR_AHEAD, Verdict.TAKEN]


def test_signed_time_is_no_more_than_a_year_after_what_has_passed_where_there_was_anything() -> None:
    machine = Machine()
    machine.wall.raise_floor(TRUE - ABSENT_MAX)
    assert (machine.hear(TRUE + SECOND), machine.off()) == (Verdict.FAR_AHEAD, (0, UNTRUSTED))
    assert (machine.hear(TRUE), machine.off()) == (Verdict.TAKEN, (0, TRUSTED))


# --- a recorder that lies, over many starts --------------------------------------------------------------------------


@dataclass
class Shelved:
    """A machine with a battery clock that is right, whose process starts again and again; what it believed last is in its store."""

    rtc: Path
    passed_s: float = 0.0
    off_s: float = 0.0  # its own clock, since it was set from the battery clock
    floor: datetime = TRUE - timedelta(hours=1)

    @property
    def true(self) -> datetime:
        return TRUE + timedelta(seconds=self.passed_s)

    def start(self) -> WallClock:
        self.rtc.write_text(str(int(self.true.timestamp())), encoding="ascii")
        shown = self.true + timedelta(seconds=self.off_s)
        wall = WallClock(ClockSource.RTC, rtc=self.rtc, system=lambda: shown, ticks=lambda: int(self.passed_s * NS))
        wall.raise_floor(self.floor)
        return wall

    def hear(self, *lies: datetime) -> list[Verdict]:
        """A life in which these are signed; whatever is trusted after each is recorded."""
        wall, now_ns, verdicts = self.start(), int(self.passed_s * NS), []
        for utc in lies:
            verdicts.append(wall.take_signed(utc, asked_ns=now_ns, answered_ns=now_ns))
            self.keep(wall)
        return verdicts

    def keep(self, wall: WallClock) -> None:
        if (told := wall.now()).trust is TRUSTED:
            self.floor = max(self.floor, told.utc)


def lies(machine: Shelved) -> tuple[datetime, ...]:
    """From the boldest to what is hardly too much, counted from the truth and from what the last lie has left behind."""
    ahead = [timedelta(days=365), timedelta(days=2), AHEAD_MAX, timedelta(hours=23), SECOND]
    return tuple(begin + each for begin in (machine.floor, machine.true) for each in ahead)


@pytest.mark.parametrize("off_s", [0.0, 60.0, -60.0], ids=["as it was set", "a minute fast", "a minute slow"])
@pytest.mark.parametrize("apart_s", [1.0, 3600.0, 86_400.0 * 30])
def test_no_lie_takes_a_gate_whose_battery_clock_is_right_further_than_a_day_over_ten_restarts(rtc: Path, off_s: float, apart_s: float) -> None:
    machine = Shelved(rtc, off_s=off_s)
    for _ in range(11):
        machine.hear(*lies(machine))
        assert machine.floor <= machine.true + AHEAD_MAX + timedelta(seconds=max(off_s, 0))
        machine.passed_s += apart_s


def test_each_lie_after_a_restart_is_refused_as_far_ahead_and_the_truth_counts_again_when_it_has_caught_up(rtc: Path) -> None:
    machine = Shelved(rtc)
    assert machine.hear(TRUE + timedelta(hours=23)) == [Verdict.DIFFERS]
    for _ in range(10):
        assert machine.hear(machine.floor + timedelta(days=365), machine.floor + AHEAD_MAX, TRUE) == [*[Verdict.FAR_AHEAD] * 2, Verdict.BEFORE_FLOOR]
        assert machine.floor == TRUE + timedelta(hours=23)
    machine.passed_s = 23 * 3600
    assert (machine.hear(machine.true), machine.start().now()) == ([Verdict.TAKEN], Instant(machine.true, TRUSTED))


def test_a_battery_clock_that_wore_on_a_little_is_no_door_to_the_next_year(rtc: Path) -> None:
    """Signed time went on by another crystal, so it is a little more than a day ahead when the battery clock is asked again."""
    machine = Shelved(rtc, floor=TRUE + AHEAD_MAX + timedelta(hours=1))
    assert machine.hear(*lies(machine)) == [*[Verdict.FAR_AHEAD] * 7, *[Verdict.BEFORE_FLOOR] * 3]


def test_a_battery_clock_that_lost_days_is_corrected_up_to_a_day_after_what_has_passed(rtc: Path) -> None:
    machine = Shelved(rtc, floor=TRUE + timedelta(days=9))
    assert machine.hear(machine.floor + AHEAD_MAX + SECOND, machine.floor + AHEAD_MAX) == [Verdict.FAR_AHEAD, Verdict.TAKEN]


def test_a_battery_clock_that_began_anew_vouches_for_nothing_and_hinders_nothing(rtc: Path) -> None:
    """The machine's own clock does not start before this program was built, the battery clock does."""
    machine = Shelved(rtc, off_s=86_400 * 365)
    machine.floor = machine.true + timedelta(days=400)
    assert machine.hear(machine.floor + ABSENT_MAX + SECOND, machine.floor + ABSENT_MAX) == [Verdict.FAR_AHEAD, Verdict.TAKEN]
