"""Persons as keyed pseudonyms: the same person is the same number at one site on one day, and no longer.

A citizen's number has some 10^10 values, so a plain hash is undone in minutes; hence HMAC with a secret key. The office
makes one key for each site and day and hands over those of the days ahead; the gate destroys each after its day. A stolen
gate tells nothing of past days, nor of days beyond those it holds (``docs/decisions/0011-keys-held-ahead.md``).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta, timezone
from typing import Any

from device.domain import Instant

VIET_NAM = timezone(timedelta(hours=7), "Asia/Ho_Chi_Minh")  # no summer time since 1975
PSEUDONYM_BYTES = 16
KEY_BYTES = 32
DAYS_MAX = 400
"""Keys in one set: more than a year ahead is no longer a limit to what a thief learns."""
SITE = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class DayKey:
    """The key for one day in Viet Nam. ``own`` is one that this gate made, because the office's had run out: no other has it."""

    day: date
    key: bytes = field(repr=False)
    own: bool = False

    def pseudonym(self, person_key: bytes) -> str:
        """32 hex digits that stand for the person, on that day, at this site."""
        return hmac.digest(self.key, person_key, hashlib.sha256)[:PSEUDONYM_BYTES].hex()


@dataclass(frozen=True, slots=True)
class HeldKeys:
    """What a gate of ``site`` holds: the key in use, and the office's for later days in their order. Nothing of days before."""

    site: str
    in_use: DayKey
    ahead: tuple[DayKey, ...] = ()

    @property
    def last_day(self) -> date:
        return self.ahead[-1].day if self.ahead else self.in_use.day

    def on(self, day: date, fresh: Callable[[], bytes]) -> HeldKeys:
        """What is held once ``day`` has come; where the office's keys do not cover it, ``fresh`` gives one of this gate's own.

        A day before that of an office's key in use changes nothing: clocks go back a little, and what was destroyed is gone.
        """
        if day == self.in_use.day or (day < self.in_use.day and not self.in_use.own):
            return self
        ahead = tuple(each for each in self.ahead if each.day >= day)
        if ahead and ahead[0].day == day:
            return HeldKeys(self.site, ahead[0], ahead[1:])
        return HeldKeys(self.site, DayKey(day, fresh(), own=True), ahead)

    def renewed(self, handed: HeldKeys) -> HeldKeys:
        """What is held once the office has handed over another set, which replaces all before: also after a theft.

        A set begins with the day on which it was made, so that day has come. Days before the one in use stay past, unless
        that one is of another site, or the gate's own: then a clock may have run ahead, and the office's word counts.
        """
        later = tuple(each for each in (handed.in_use, *handed.ahead) if each.day >= self.in_use.day)
        if handed.site == self.site and later:
            return HeldKeys(self.site, later[0], later[1:])
        return handed if handed.site != self.site or self.in_use.own else self


def day_in_viet_nam(now: Instant) -> date:
    return now.utc.astimezone(VIET_NAM).date()


# --- as a file -------------------------------------------------------------------------------------------------


def to_json(held: HeldKeys) -> str:
    """``{"site": …, "days": {day: 64 hex digits}}``; ``"own": true`` where the first key is the gate's own."""
    days = {each.day.isoformat(): each.key.hex() for each in (held.in_use, *held.ahead)}
    return json.dumps({"site": held.site, "days": days} | ({"own": True} if held.in_use.own else {}))


def from_json(data: bytes) -> HeldKeys:
    """Raises ValueError where ``data`` is no set of day keys."""
    try:
        content = json.loads(data)
        days = {day: bytes.fromhex(key) for day, key in content["days"].items()}
        return from_table({**content, "days": days})
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise ValueError("no set of day keys") from None


def from_table(content: Mapping[str, Any]) -> HeldKeys:
    """The same with bytes for keys, as a bundle has it. Raises ValueError where it is no set of day keys."""
    own = content.get("own", False)
    if set(content) - {"own"} != {"site", "days"} or type(own) is not bool or not (type(content["site"]) is str and SITE.fullmatch(content["site"])):
        raise ValueError("no set of day keys")
    days = content["days"]
    if type(days) is not dict or not 1 <= len(days) <= DAYS_MAX:
        raise ValueError(f"not 1 to {DAYS_MAX} days")
    if any(type(key) is not bytes or len(key) != KEY_BYTES for key in days.values()):
        raise ValueError(f"a key has not {KEY_BYTES} bytes")
    keys = sorted((_day(day), key) for day, key in days.items())
    first, *ahead = (DayKey(day, key) for day, key in keys)
    return HeldKeys(content["site"], DayKey(first.day, first.key, own=own), tuple(ahead))


def _day(text: object) -> date:
    """One spelling only: two would be two keys of one day."""
    if type(text) is not str or not re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
        raise ValueError("no day")
    return date.fromisoformat(text)
