"""The pseudonym keys of a site: a master that never leaves the office, and from it one key for each day.

The master turns by a one-way step every day and the former one is overwritten: whoever takes the office's folder learns
today's key and later ones, and none of days before. The gates get keys of days, from which no other day follows.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from device.errors import UsageError, VerificationError
from device.events.pseudonyms import DAYS_MAX, KEY_BYTES, DayKey, HeldKeys, to_json
from provisioning import files

TURN = b"qrgate-site-master-next-day-v1"
DAY_KEY = b"qrgate-site-day-key-v1"
TURNS_MAX = 3660
"""Ten years: a clock that claims more is wrong, and turning is not undone."""
DAYS_AHEAD = 60
"""A gate may be out of reach for a season; more days are more that a thief learns."""


@dataclass(frozen=True, slots=True)
class Master:
    """A site's secret, as it is on ``day``."""

    day: date
    key: bytes = field(repr=False)

    def on(self, day: date) -> Master:
        """Turned forward to ``day``. Raises UsageError where that has passed by the office's own record, or is years away."""
        if not 0 <= (day - self.day).days <= TURNS_MAX:
            raise UsageError(
                f"this machine's date is {day}, and this site's keys were last made on {self.day}", hint="set the clock right, then again"
            )
        key = self.key
        for _ in range((day - self.day).days):
            key = hmac.digest(key, TURN, hashlib.sha256)
        return Master(day, key)

    def day_key(self) -> DayKey:
        return DayKey(self.day, hmac.digest(self.key, DAY_KEY + self.day.isoformat().encode(), hashlib.sha256))


def check_days(days_ahead: int) -> None:
    """Raises UsageError where no gate would take a set of so many days."""
    if not 0 <= days_ahead < DAYS_MAX:
        raise UsageError(f"{days_ahead} days ahead are no number for this", hint=f"0 to {DAYS_MAX - 1}; a thief of a gate learns as many")


def hand_over(folder: Path, site: str, today: date, days_ahead: int = DAYS_AHEAD) -> HeldKeys:
    """The keys of ``site`` for today and ``days_ahead`` further days; its master in ``folder`` is turned to today.

    Raises:
        UsageError: the date is impossible, or there are too many days.
        VerificationError: the master is damaged.
        StoreError: it cannot be written.
    """
    check_days(days_ahead)
    path = files.make_folder(folder) / f"{site}.master.json"
    master = read(path).on(today) if path.exists() else Master(today, secrets.token_bytes(KEY_BYTES))
    write(path, master)
    (folder / f"{site}.json").unlink(missing_ok=True)  # of before decision 0011: a secret that nothing needs any more
    first, *ahead = (master.on(today + timedelta(days)).day_key() for days in range(days_ahead + 1))
    return HeldKeys(site, first, tuple(ahead))


def write(path: Path, master: Master) -> None:
    files.write(path, json.dumps({"date": master.day.isoformat(), "key": master.key.hex()}) + "\n", mode=files.PRIVATE)


def read(path: Path) -> Master:
    """Raises VerificationError where ``path`` holds no master."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if re.fullmatch(r"[0-9a-f]{64}", content["key"]):
            return Master(date.fromisoformat(content["date"]), bytes.fromhex(content["key"]))
    except (OSError, ValueError, LookupError, TypeError):
        pass
    raise VerificationError(f"{path} is no master of a site's keys, or a damaged one", hint="restore it from the province office's copy")


def write_keys(path: Path, held: HeldKeys) -> None:
    """What a gate takes over at its next start."""
    files.write(path, to_json(held) + "\n", mode=files.PRIVATE)
