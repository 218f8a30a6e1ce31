"""How long ago something was, over restarts and with clocks that may not be believed; and when somebody inside is forgotten.

One exit that nobody recorded must not lock anybody out for ever: every night all count as having left. Where no clock may be
believed there is no night, so 24 hours of the monotonic clock stand for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from device.domain import ClockTrust, Instant
from device.events.pseudonyms import VIET_NAM

DAY_NS = 24 * 3600 * 1_000_000_000
MICROSECOND_NS = 1_000


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment by both clocks. The monotonic one counts from the machine's start, so it is told which start."""

    instant: Instant
    boot: str
    monotonic_ns: int


def age_ns(then: Moment, now: Moment) -> int:
    """Nanoseconds from ``then`` to ``now``, or the most that is certain: a machine that started since is at least up so long."""
    if then.boot == now.boot:
        return max(now.monotonic_ns - then.monotonic_ns, 0)
    if then.instant.trust is ClockTrust.TRUSTED and now.instant.trust is ClockTrust.TRUSTED:
        return max((now.instant.utc - then.instant.utc) // timedelta(microseconds=1) * MICROSECOND_NS, now.monotonic_ns)
    return now.monotonic_ns


def is_forgotten(entered: Moment, now: Moment, reset_minute: int) -> bool:
    """Has a night passed since somebody ``entered``? ``reset_minute`` is the minute of the day in Viet Nam."""
    age = age_ns(entered, now)
    if age >= DAY_NS:
        return True
    if now.instant.trust is not ClockTrust.TRUSTED:
        return False
    return now.instant.utc - timedelta(microseconds=age // MICROSECOND_NS) < last_reset(now.instant.utc, reset_minute)


def last_reset(utc: datetime, reset_minute: int) -> datetime:
    """The last moment before ``utc`` at which everybody counted as having left."""
    local = utc.astimezone(VIET_NAM)
    today = local.replace(hour=reset_minute // 60, minute=reset_minute % 60, second=0, microsecond=0)
    return today if today <= local else today - timedelta(days=1)
