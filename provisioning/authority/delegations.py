"""Who may order what, as the office writes it down: one table for each holder of a key, in TOML.

[holders.op-1]                   an opaque id, for the office alone
key = "5f…c1"                    what `qrgate-provision command-key` has printed
roles = ["operator"]
gates = ["gb-01", "gb-02"]       perhaps; and sites
until = 2027-12-31               perhaps; the last day, to its end in Viet Nam
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from device.bundles.delegations import ALONE_MAX, Delegation, Role, delegations_content, is_limited, read_delegations
from device.commands.deeds import ROLES, Verb
from device.errors import SettingsError, VerificationError
from device.settings import ID_PATTERN
from provisioning.authority import passes
from provisioning.authority.bundles import read_document

KEY = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Holders:
    """The document of a bundle, and what may be allowed and is hardly meant."""

    content: dict[str, Any]
    doubts: tuple[str, ...]


def read(path: Path) -> Holders:
    """Raises SettingsError with the first mistake in ``path``."""
    document = read_document(path)
    holders = document.get("holders")
    if set(document) != {"holders"} or not isinstance(holders, Mapping):
        raise SettingsError(f"{path}: there is one table for each holder, [holders.ID], and nothing else", hint="ids are opaque: no names of people")
    entries = [_entry(path, name, table) for name, table in holders.items()]
    try:
        delegations = read_delegations({"holders": entries})  # the gate's own reader has the last word
    except VerificationError as error:
        raise SettingsError(f"{path}: {error.what}", hint="holders are counted from 0, as they stand there") from None
    return Holders(delegations_content(delegations), tuple(_doubts(tuple(holders), delegations)))


def _entry(path: Path, name: str, table: Any) -> dict[str, Any]:
    if not re.fullmatch(ID_PATTERN, name) or not isinstance(table, Mapping):
        raise SettingsError(f"{path}: [holders.{name}] is no holder", hint="an id of lower-case letters, digits and hyphens")
    key = table.get("key")
    if not isinstance(key, str) or not KEY.fullmatch(key):
        raise SettingsError(f"{path}: holders.{name}.key is no key", hint="64 hex digits, as `qrgate-provision command-key` prints them")
    entry = {**table, "key": bytes.fromhex(key)}
    return entry if "until" not in table else entry | {"until": _end(path, name, table["until"])}


def _end(path: Path, name: str, text: object) -> int:
    try:
        return math.floor(passes.last_moment(date.fromisoformat(str(text))).timestamp())
    except (ValueError, OverflowError):
        raise SettingsError(f"{path}: holders.{name}.until is no day", hint="such as 2027-12-31") from None


def _doubts(names: tuple[str, ...], delegations: tuple[Delegation, ...]) -> Iterator[str]:
    may_free = ROLES[Verb.MODE] | ROLES[Verb.DRILL]
    for name, each in zip(names, delegations, strict=True):
        if each.until_s is None:
            yield f"{name} has no end: a key that is lost counts until the next bundle comes"
        of_the_key = [other for other in delegations if other.key == each.key]
        if may_free & each.roles and all(is_limited(of_the_key, role) for role in may_free & each.roles):
            yield f"{name} may free and lock its gates alone, since they are no more than {ALONE_MAX}"
    operators = {each.key for each in delegations if Role.OPERATOR in each.roles}
    if len(operators) == 1:
        yield "there is one operator's key: nobody can sign with it to free or lock more gates"
