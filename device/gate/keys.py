"""The gate's secrets on disk: the pseudonym keys of today and of days ahead, and the key that hides passes and codes in the store."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path
from typing import Any

from device.domain import ClockTrust, Instant
from device.errors import SettingsError, StoreError
from device.events.pseudonyms import KEY_BYTES, DayKey, HeldKeys, day_in_viet_nam, from_json, to_json

FINGERPRINT_BYTES = 16
FINGERPRINT_KEY_BYTES = 32
LOW_DAYS = 7
"""Fewer days of keys ahead are an alarm, each day: somebody must travel to a gate that is out of reach."""


class PseudonymKey:
    """The site's key of today, and those of the days ahead that the office handed over. Each is destroyed after its day.

    The set that the office handed over (``first``) is taken into the state folder and erased where it lay, since there nobody
    would destroy what is past. A later set replaces the one in use.
    """

    def __init__(self, state: Path, first: Path, site: str) -> None:
        """Raises SettingsError where there is no key of ``site``, or a file is none; StoreError where it cannot be kept."""
        self._path = state / "pseudonym.json"
        self._alarms: list[dict[str, Any]] = []
        kept = _read_held_keys(self._path) if self._path.exists() else None
        handed = _read_held_keys(first) if kept is None or first.exists() else None
        _must_be_of(site, *((first, handed) if handed is not None else (self._path, kept)))
        if kept is not None:
            self._held = kept
        if handed is not None:
            self._keep(handed if kept is None else kept.renewed(handed))
        self.left_behind = erase(first)

    def renew(self, handed: HeldKeys) -> None:
        """Take over another set from the office. Raises StoreError where it cannot be kept."""
        self._keep(self._held.renewed(handed))

    def today(self, now: Instant) -> DayKey:
        """The key for today's pseudonyms. Only a trusted clock destroys yesterday's, because that is not undone.

        Raises:
            StoreError: yesterday's is still on the disk, and cannot be replaced.
        """
        if now.trust is ClockTrust.TRUSTED:
            held = self._held.on(day_in_viet_nam(now), lambda: secrets.token_bytes(KEY_BYTES))
            if held is not self._held:
                self._keep(held)
                self._alarms += _alarms(held)
        return self._held.in_use

    def alarms(self) -> list[dict[str, Any]]:
        """What the office must be told, each told once: keys that run out, and a day on which this gate made its own."""
        told, self._alarms = self._alarms, []
        return told

    def _keep(self, held: HeldKeys) -> None:
        write_secret(self._path, to_json(held).encode())
        self._held = held


def _must_be_of(site: str, path: Path, held: HeldKeys | None) -> None:
    """Keys of another site would give a person the same number at two sites."""
    if held is not None and held.site != site:
        raise SettingsError(
            f"{path} holds the pseudonym keys of site {held.site}, not of {site}", hint="in the office: qrgate-provision keys; copy this gate's own"
        )


def _alarms(held: HeldKeys) -> list[dict[str, Any]]:
    if held.in_use.own:
        return [{"what": "pseudonym_key_own", "day": held.in_use.day.isoformat()}]
    left = len(held.ahead)
    return [{"what": "pseudonym_keys_low", "days_left": left}] if left < LOW_DAYS else []


def erase(path: Path) -> Path | None:
    """Delete ``path``; answers with it where that is not allowed. (Flash may keep the bytes a while: see the decision.)"""
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return path
    return None


class Fingerprints:
    """Keyed hashes for the store: the same bytes are recognised on this gate, and nowhere else."""

    def __init__(self, state: Path) -> None:
        """Raises StoreError where the key can be neither read nor made."""
        path = state / "fingerprint.key"
        if not path.exists():
            write_secret(path, secrets.token_bytes(FINGERPRINT_KEY_BYTES))
        try:
            self._key = path.read_bytes()
        except OSError as error:
            raise StoreError(f"{path} cannot be read: {error.strerror}", hint="it must belong to the gate's user") from None
        if len(self._key) != FINGERPRINT_KEY_BYTES:
            raise StoreError(
                f"{path} holds {len(self._key)} bytes instead of {FINGERPRINT_KEY_BYTES}", hint="it is damaged: take it away, and a new one is made"
            )

    def of(self, data: bytes) -> bytes:
        return hmac.digest(self._key, data, hashlib.sha256)[:FINGERPRINT_BYTES]


def write_secret(path: Path, content: bytes) -> None:
    """Replace ``path`` by ``content`` so that a power cut leaves the old or the new, never half. Raises StoreError."""
    new = path.with_suffix(".new")
    try:
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror}", hint="is the disk full or read-only?") from None


def sync_folder(path: Path) -> None:
    """Bring a folder's own list of names to disk: a new name is durable only then. Raises OSError."""
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _read_held_keys(path: Path) -> HeldKeys:
    hint = "`qrgate-provision init` makes it; copy it with the settings"
    try:
        return from_json(path.read_bytes())
    except OSError as error:
        raise SettingsError(f"no pseudonym key at {path}: {error.strerror}", hint=hint) from None
    except ValueError:
        raise SettingsError(f"{path} holds no pseudonym key", hint=hint) from None
