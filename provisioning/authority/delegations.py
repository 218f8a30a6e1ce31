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
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from device.bundles.delegations import ALONE_MAX, HOLDERS_MAX, Delegation, Role, delegations_content, is_limited, read_delegations
from device.commands.deeds import ROLES, Verb
from device.config import Mistake
from device.errors import SettingsError, VerificationError
from device.settings import ID_PATTERN, ID_WORDS
from provisioning.authority import passes
from provisioning.authority.bundles import read_document

KEY = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Holders:
    """The document of a bundle, and what may be allowed and is hardly meant."""

    content: dict[str, Any]
    doubts: tuple[str, ...]


def read(path: Path) -> Holders:
    """Raises SettingsError with every mistake in ``path``, each with its line, or where it is no TOML."""
    document = read_document(path)
    holders, lines = document.get("holders", {}), _Lines(path)
    others = set(document) - {"holders"}
    mistakes = [Mistake(str(path), lines.of(name), f"{name!r} is no holder", "a holder is a table [holders.ID]") for name in others]
    if "holders" not in document or not isinstance(holders, Mapping):
        mistakes.append(Mistake(str(path), lines.of("holders"), "there are no holders", "one table for each, [holders.ID]"))
        holders = {}
    entries = []
    for name, table in holders.items():
        entry, wrong = _entry(name, table)
        entries.append(entry)
        mistakes += [Mistake(str(path), lines.of("holders", name, key), what, hint) for key, what, hint in wrong]
    if mistakes:
        raise _refusal(path, mistakes)
    try:
        delegations = read_delegations({"holders": entries})
    except VerificationError as error:  # of all holders together: each has been judged
        raise SettingsError(f"{path}: {error.what}", hint=f"a bundle holds {HOLDERS_MAX} holders at most") from None
    return Holders(delegations_content(delegations), tuple(_doubts(tuple(holders), delegations)))


def must_not_add_up(path: Path, holders: Holders, beside: Mapping[Path, Holders]) -> None:
    """Gates know one bundle each: a key that may act alone at four gates in each of several may do so at all of them.

    Raises:
        SettingsError: a key of ``holders``, which were read from ``path``, is such a one together with those ``beside`` it.
    """
    may_free = ROLES[Verb.MODE] | ROLES[Verb.DRILL]
    own = read_delegations(holders.content)
    for key in {each.key for each in own}:
        each_of = {path: own} | {other: read_delegations(read.content) for other, read in beside.items()}
        named = {where: [one for one in found if one.key == key and not one.roles.isdisjoint(may_free)] for where, found in each_of.items()}
        alone = [where for where, found in named.items() if found and is_limited(found, *may_free)]
        gates = {gate for where in alone for one in named[where] for gate in one.gates}
        if path in alone and len(gates) > ALONE_MAX:
            files = " and ".join(str(where) for where in alone)
            raise SettingsError(
                f"the key {key.hex()[:16]}… could free and lock {len(gates)} gates alone: {ALONE_MAX} at most are in each of {files}",
                hint="name the key in one file for all its gates, or give each place a key of its own",
            )


def _refusal(path: Path, mistakes: list[Mistake]) -> SettingsError:
    count = "1 mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
    listing = "\n".join(f"  {each}" for each in sorted(mistakes, key=lambda each: each.line))
    return SettingsError(f"{count} in {path}:\n{listing}", hint="mend them, and check again")


def _entry(name: str, table: Any) -> tuple[dict[str, Any], list[tuple[str, str, str]]]:
    """One holder as a bundle has him, and each of his mistakes: key, what is wrong, what to do."""
    where = f"holders.{name}"
    if not isinstance(table, Mapping):
        return {}, [("", f"{where} is no table", "a holder is a table [holders.ID]")]
    wrong = [] if re.fullmatch(ID_PATTERN, name) else [("", f"{where!r} holds no id", f"{ID_WORDS}; no name of a person")]
    entry = {key: _READ[key](value) if key in _READ else value for key, value in table.items()}
    for key in dict.fromkeys((*_SOUND, *entry)):
        if not _is_sound(key, entry):
            what, hint = _WORDS.get(key, ("is a key that nobody knows", f"known: {', '.join(_WORDS)}"))
            wrong.append((key, f"{where}.{key} {what}", hint))
    return entry, wrong


def _is_sound(key: str, entry: Mapping[str, Any]) -> bool:
    """The gate's own reader has the word: is ``key`` of ``entry`` good in a holder that is good otherwise?"""
    trial = {name: value for name, value in _SOUND.items() if name != key} | ({key: entry[key]} if key in entry else {})
    try:
        read_delegations({"holders": [trial]})
    except VerificationError:
        return False
    return True


def _key(text: object) -> object:
    return bytes.fromhex(text) if isinstance(text, str) and KEY.fullmatch(text) else text


def _end(text: object) -> object:
    try:
        return math.floor(passes.last_moment(date.fromisoformat(str(text))).timestamp())
    except (ValueError, OverflowError):
        return str(text)  # a number too: what a gate takes for seconds is no day that somebody wrote


_READ: dict[str, Callable[[object], object]] = {"key": _key, "until": _end}
_SOUND: dict[str, Any] = {"key": bytes(32), "roles": [Role.OPERATOR.value]}
_PLACES = ("is no list of ids", 'such as ["gb-01"]; where it is left out, all are meant')
_WORDS = {
    "key": ("is no key", "64 hex digits, as `qrgate-provision command-key` prints them"),
    "roles": ("names no role, one twice, or one that nobody knows", f"a list of some of {', '.join(Role)}"),
    "sites": _PLACES,
    "gates": _PLACES,
    "until": ("is no day", "such as 2027-12-31"),
}


class _Lines:
    """Where tables and keys stand in a TOML file; tomllib does not tell."""

    def __init__(self, path: Path) -> None:
        self._lines: dict[tuple[str, ...], int] = {}
        table: tuple[str, ...] = ()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            if header := re.match(r"\s*\[([^\[\]]+)\]", line):
                table = _parts(header[1])
                self._lines.setdefault(table, number)
            elif key := re.match(r"\s*([\w.\"'-]+)\s*=", line):
                self._lines.setdefault((*table, *_parts(key[1])), number)

    def of(self, *parts: str) -> int:
        """The line of the last of ``parts``, or of what it is in."""
        return next((self._lines[parts[:end]] for end in range(len(parts), 0, -1) if parts[:end] in self._lines), 1)


def _parts(name: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in name.split("."))


def _doubts(names: tuple[str, ...], delegations: tuple[Delegation, ...]) -> Iterator[str]:
    may_free = ROLES[Verb.MODE] | ROLES[Verb.DRILL]
    for name, each in zip(names, delegations, strict=True):
        if each.until_s is None:
            yield f"{name} has no end: a key that is lost counts until the next bundle comes"
        of_the_key = [other for other in delegations if other.key == each.key]
        if may_free & each.roles and is_limited(of_the_key, *may_free):
            yield f"{name} may free and lock its gates alone, since they are no more than {ALONE_MAX}"
    operators = {each.key for each in delegations if Role.OPERATOR in each.roles}
    if len(operators) == 1:
        yield "there is one operator's key: nobody can sign with it to free or lock more gates"
