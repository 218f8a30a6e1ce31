from __future__ import annotations

from datetime import UTC, datetime

import pytest

from device.admission.presence import Moment
from device.domain import ClockTrust, Instant
from device.gate.moments import UNKNOWN, columns, moment

AT = Moment(Instant(datetime(2026, 7, 1, tzinfo=UTC), ClockTrust.TRUSTED), "boot-1", 5)


def test_a_moment_is_what_was_written() -> None:
    assert moment(*columns(AT)) == AT


@pytest.mark.parametrize(("utc", "trust"), [("2026-07-0q", "trusted"), ("2026-07-01T00:00:00+00:00", "trustee"), ("", "")])
def test_a_moment_that_a_disk_has_made_unreadable_is_of_unknown_age(utc: str, trust: str) -> None:
    assert moment(utc, trust, "boot-1", 5) == Moment(Instant(UNKNOWN, ClockTrust.UNTRUSTED), "boot-1", 5)
