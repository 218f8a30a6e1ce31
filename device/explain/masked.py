"""What a credential says, with everything that names a person masked. Names and addresses were dropped unread before."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from device.domain import Credential, Direction

SHOWN_AT_THE_END = 2
BIRTH_DATE = "dob"
UVCI = "ci"  # may hold a passport number


def masked_name(name: bytes) -> str:
    """``cccd:999090000001`` as ``cccd:**********01``: which kind of name it is, how long, and its last two characters."""
    kind, _, value = name.partition(b":")
    text = value.decode("ascii") if value.isascii() and value.decode("ascii").isprintable() else value.hex()
    return f"{kind.decode('ascii', 'replace')}:{masked(text)}"


def masked(text: str) -> str:
    shown = SHOWN_AT_THE_END if len(text) > 2 * SHOWN_AT_THE_END else 0
    return "*" * (len(text) - shown) + text[len(text) - shown :]


def facts(credential: Credential) -> dict[str, Any]:
    """Everything that is set, in the order a reader asks."""
    told: dict[str, Any] = {"bearer": masked_name(credential.person_key)}
    if credential.also:
        told["also"] = [masked_name(name) for name in credential.also]
    told |= {"valid_from": _moment(credential.valid_from_s), "valid_until": _moment(credential.valid_until_s)}
    told |= {"zones": list(credential.zones), "uses": credential.uses, "counted_at": credential.counted_at}
    if credential.direction is not Direction.BOTH:
        told["direction"] = credential.direction.value
    if credential.party > 1:
        told["party"] = credential.party
    if credential.health is not None:
        told["health"] = _health(credential.health)
    return {name: value for name, value in told.items() if value not in (None, [], ())}


def _health(payload: Mapping[str, Any]) -> dict[str, Any]:
    """A certificate's content: of the birth date the year only, of its number the end only."""
    return {name: _entry(name, value) for name, value in payload.items()}


def _entry(name: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return {inner: _entry(inner, each) for inner, each in value.items()}
    if isinstance(value, list | tuple):
        return [_entry(name, each) for each in value]
    if name == BIRTH_DATE and isinstance(value, str):
        return value[:4] + "-**-**" if value else ""
    return masked(value) if name == UVCI and isinstance(value, str) else value


def _moment(seconds: int | None) -> str | None:
    if seconds is None:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
    except (OverflowError, ValueError, OSError):
        return f"{seconds} s after 1970"
