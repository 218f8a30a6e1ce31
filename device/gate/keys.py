"""The gate's secrets on disk: the day's pseudonym key, and the key that hides passes and codes in the store."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from datetime import date
from pathlib import Path

from device.domain import ClockTrust, Instant
from device.errors import SettingsError, StoreError
from device.events.pseudonyms import DayKey, day_in_viet_nam

FINGERPRINT_BYTES = 16
FINGERPRINT_KEY_BYTES = 32


class PseudonymKey:
    """The site's key of today. Turning it overwrites yesterday's: what was is gone.

    The key that the office handed over (``first``) is taken into the state folder and erased where it lay, since whoever
    finds it there can turn it to every day after. One of another site, or after a theft, replaces the key in use.
    """

    def __init__(self, state: Path, first: Path) -> None:
        """Raises SettingsError where there is no key, or a file is none; StoreError where it cannot be kept."""
        self._path = state / "pseudonym.json"
        kept = _read_day_key(self._path) if self._path.exists() else None
        handed = _read_day_key(first) if kept is None or first.exists() else None
        if handed is not None and (kept is None or not _same_line(kept, handed)):
            self._keep(handed)
        elif kept is not None:
            self._key = kept
        self.left_behind = _erase(first)

    def _keep(self, key: DayKey) -> None:
        write_secret(self._path, json.dumps({"date": key.day.isoformat(), "key": key.key.hex()}).encode())
        self._key = key

    def today(self, now: Instant) -> DayKey:
        """The key for today's pseudonyms. Only a trusted clock may turn it, because turning is not undone."""
        if now.trust is ClockTrust.TRUSTED:
            turned = self._key.on(day_in_viet_nam(now))
            if turned is not self._key:
                self._keep(turned)
        return self._key


def _same_line(one: DayKey, other: DayKey) -> bool:
    """Does one of them turn into the other?"""
    day = max(one.day, other.day)
    return one.on(day) == other.on(day)


def _erase(path: Path) -> Path | None:
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
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror}", hint="is the disk full or read-only?") from None


def _read_day_key(path: Path) -> DayKey:
    hint = "`qrgate-provision init` makes it; copy it with the settings"
    try:
        content = json.loads(path.read_text(encoding="ascii"))
        key = DayKey(date.fromisoformat(content["date"]), bytes.fromhex(content["key"]))
    except OSError as error:
        raise SettingsError(f"no pseudonym key at {path}: {error.strerror}", hint=hint) from None
    except (ValueError, KeyError, TypeError):
        raise SettingsError(f"{path} holds no pseudonym key", hint=hint) from None
    if len(key.key) != hashlib.sha256().digest_size:
        raise SettingsError(f"{path} holds a key of {len(key.key)} bytes instead of 32", hint=hint)
    return key
