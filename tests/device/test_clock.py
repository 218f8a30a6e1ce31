from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from device.clock import RTC_TOLERANCE_S, WallClock, boot_id, monotonic_ns
from device.domain import ClockTrust
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
