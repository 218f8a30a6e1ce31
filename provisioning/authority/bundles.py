"""Sign bundles, each with a number above all before it, and show what is in one without its secrets."""

from __future__ import annotations

import hashlib
import json
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from device.bundles.envelope import BUNDLE_MAX, Audience, Bundle, Kind, Refused, read_bundle, sign_bundle
from device.errors import SettingsError, VerificationError
from provisioning import files
from provisioning.authority.office import Office

NUMBERS = "bundles.json"
SECRET_TABLES = frozenset({"days", "secret"})
"""What stands under these names is never shown: keys of days, and what rotating passes are made from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Whom a bundle is for and when it ends; no sites and no gates: the whole province."""

    sites: tuple[str, ...] = ()
    gates: tuple[str, ...] = ()
    until: datetime | None = None


def sign(chief: Office, kind: Kind, content: Mapping[str, Any], order: Order, *, now: datetime) -> bytes:
    """A bundle of ``content``, signed by the office.

    Raises:
        VerificationError: no gate would take it, or the office's key or numbers are damaged.
        StoreError: the number cannot be kept.
    """
    number = _next_number(chief.folder / NUMBERS, kind, now)
    return sign_bundle(
        chief.bundle_key(),
        kind,
        Audience(chief.root.province, order.sites, order.gates),
        content,
        seq=number,
        issued_s=math.floor(now.timestamp()),
        expires_s=None if order.until is None else math.floor(order.until.timestamp()),
    )


def _next_number(path: Path, kind: Kind, now: datetime) -> int:
    """Above the last one, and no less than the seconds since 1970: an office restored from an old copy still goes forward."""
    try:
        numbers: dict[str, int] = json.loads(path.read_bytes()) if path.exists() else {}
        number = max(int(numbers.get(kind, 0)) + 1, math.floor(now.timestamp()))
    except (OSError, ValueError, TypeError, AttributeError):
        raise VerificationError(f"{path} is damaged", hint="delete it: numbers then go on from the time, which must be right") from None
    files.write(path, json.dumps(numbers | {kind: number}) + "\n")
    return number


def read_document(path: Path) -> dict[str, Any]:
    """A TOML file as a bundle may carry it: dates and times become texts as they were written (ISO 8601).

    Raises:
        SettingsError: the file cannot be read, or is no TOML.
    """
    try:
        document: dict[str, Any] = _without_dates(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}", hint="is the name right?") from None
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"{path} is no TOML: {error}", hint="texts need quotes, tables are [in brackets]") from None
    return document


def _without_dates(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_dates(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_without_dates(each) for each in value]
    return value.isoformat() if isinstance(value, (date, time)) else value


# --- looking ---------------------------------------------------------------------------------------------------


def look(path: Path, key: Ed25519PublicKey) -> Bundle:
    """The bundle in ``path``, proven by ``key``, whomever it is for. Raises VerificationError where it is none."""
    try:
        with path.open("rb") as file:
            found = read_bundle(file.read(BUNDLE_MAX + 1), key)
    except OSError as error:
        raise VerificationError(f"{path} cannot be read: {error.strerror}", hint="is the name right?") from None
    if isinstance(found, Refused):
        raise VerificationError(f"{path}: {found.why}", hint="forged: another office's, or changed on its way; not_a_bundle: another kind of file")
    return found


def described(bundle: Bundle) -> dict[str, Any]:
    """All of it for a person's eyes; secrets are left out, and long bytes are told by their length and SHA-256."""
    return {
        "kind": str(bundle.kind),
        "seq": bundle.version.seq,
        "sha256": bundle.version.digest.hex(),
        "province": bundle.audience.province,
        "sites": list(bundle.audience.sites),
        "gates": list(bundle.audience.gates),
        "issued": _moment(bundle.issued_s),
        "expires": None if bundle.expires_s is None else _moment(bundle.expires_s),
        "content": _masked(bundle.content),
    }


def _moment(seconds: int) -> str | int:
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat()
    except (ValueError, OverflowError):  # beyond the year 9999
        return seconds


def _masked(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _hidden(each) if name in SECRET_TABLES else _masked(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_masked(each) for each in value]
    if isinstance(value, bytes):
        return value.hex() if len(value) <= 65 else f"{len(value)} bytes, SHA-256 {hashlib.sha256(value).hexdigest()}"
    return value


def _hidden(value: Any) -> Any:
    return dict.fromkeys(value, "(hidden)") if isinstance(value, dict) else "(hidden)"
