"""The office's tables of persons and credentials (CSV), checked line by line and turned into names as credentials bear them.

The first line names the columns: ``type`` and ``value``, and ``state`` for lists that say more than *is listed*. Other
columns are left unread. A line that is wrong is told by its number; what stands in it is never repeated in full.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from device.admission.lists import DECLARED, MUST_STAY, NOT_DECLARED, RELEASED, ListKind
from device.credentials import kd1
from device.domain import Credential
from device.errors import SettingsError, StoreError

FAULTS_SHOWN = 20
PROGRESS_LINES = 100_000
VALUE_MAX = 512
SHOWN_TAIL = 3

STATES: Mapping[ListKind, Mapping[str, int]] = {
    ListKind.DECLARED: {"declared": DECLARED, "not": NOT_DECLARED},
    ListKind.EXPECTED: {"stay": MUST_STAY, "released": RELEASED},
}
"""What ``state`` may say. The other kinds say no more than that somebody is listed."""


@dataclass(frozen=True, slots=True)
class NameType:
    """One kind of name. ``take`` gives the bytes after ``prefix`` for a value of the right form."""

    prefix: bytes
    form: re.Pattern[str]
    words: str
    take: Callable[[str], bytes] = field(default=lambda value: value.encode())


def _pass(value: str) -> bytes:
    """Key id and pass id: from the pass itself, or written in hex."""
    if not value.startswith("KD1."):
        return bytes.fromhex(value)
    credential = kd1.read(value.encode(), {})
    return (isinstance(credential, Credential) and credential.pass_key) or b""


_PASS = re.compile(r"(?:[0-9a-f]{2}){16,24}|KD1\.[!-~]+")  # key id of 8 bytes and pass id of 8 to 16
TYPES: Mapping[str, NameType] = {
    "cccd": NameType(b"cccd:", re.compile(r"[0-9]{12}"), "12 digits"),
    "cmnd": NameType(b"cmnd:", re.compile(r"[0-9]{9}"), "9 digits"),
    "bhxh": NameType(
        b"bhxh:", re.compile(r"(?:[A-Z]{2}[0-9]{3})?[0-9]{10}"), "10 digits, or a card's 15 characters", lambda value: value[-10:].encode()
    ),
    "passport": NameType(b"passport:", re.compile(r"(?=.*[A-Z])[A-Z0-9]{6,15}"), "6 to 15 capitals and digits"),
    "qid": NameType(b"qid:", re.compile(r"[0-9A-Za-z_-]{1,64}"), "1 to 64 letters, digits, _ and -"),
    "uvci": NameType(b"uvci:", re.compile(r"[!-~]{5,80}"), "a certificate's own identifier, 5 to 80 characters"),
    "certificate": NameType(b"certificate:", re.compile(r"[A-Z]{3}:[!-~]{1,64}"), "country and number of a seal, such as VNM:…"),
    "card": NameType(b"card:", re.compile(r"[!-~]{3,128}"), "signer and revocation id of a SMART Health Card, joined by a colon"),
    "pass": NameType(b"pass:", _PASS, "the pass itself (KD1.…), or key id and pass id in hex", _pass),
    "kd2": NameType(b"pass:", re.compile(r"[!-~]{1,64}"), "the id of a rotating pass, as printed in it"),
    "key": NameType(b"signer:", re.compile(r"[0-9a-f]{16}"), "a signer's key id, 16 hex digits", bytes.fromhex),
    "signer": NameType(b"signer:", re.compile(r"[!-~]{1,128}"), "a signer's key id that is text"),
    "vehicle": NameType(b"vehicle:", re.compile(r"(?:luong_xanh|tkvt):[!-~]{1,128}"), "luong_xanh: or tkvt: and the number in its code"),
}


@dataclass
class Rows:
    """What a table gave. ``doubled`` lines said again what another line says."""

    names: dict[bytes, int]
    doubled: int = 0


def read(path: Path, kind: ListKind, hashed: Callable[[bytes], bytes], progress: Callable[[str], None]) -> Rows:
    """Hash -> value of every line of ``path``.

    Raises:
        StoreError: it cannot be read.
        SettingsError: all that is wrong in it, by line.
    """
    rows, faults = Rows({}), _Faults()
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:  # spreadsheets write a byte order mark
            for line, columns in _lines(file, path, kind):
                _add(rows, faults, line, columns, kind, hashed)
                if line % PROGRESS_LINES == 0:
                    progress(f"{line} lines read")
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}", hint="give a CSV file") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{path} is not UTF-8", hint="save it as CSV UTF-8") from None
    except csv.Error as error:
        raise SettingsError(f"{path} is no CSV: {error}", hint="save it as CSV UTF-8, a line for each person") from None
    faults.raise_if_any(path)
    return rows


def _lines(file: Iterator[str], path: Path, kind: ListKind) -> Iterator[tuple[int, tuple[str, str, str]]]:
    """Number, type, value and state of each line that is not empty."""
    first = next(file, "")
    reader = csv.reader(file, delimiter=";" if ";" in first else ",")  # what spreadsheets take for a comma depends on their country
    names = [name.strip().lower() for name in next(csv.reader([first], delimiter=reader.dialect.delimiter), [])]
    wanted = ["type", "value", *(["state"] if kind in STATES else [])]
    if missing := [name for name in wanted if name not in names]:
        raise SettingsError(f"{path} has no column {' and '.join(missing)}", hint=f"its first line must name the columns: {','.join(wanted)}")
    at = [names.index(name) for name in wanted]
    for row in reader:
        if any(row):
            cells = [row[each].strip() if each < len(row) else "" for each in at]
            yield reader.line_num + 1, (cells[0].lower(), cells[1], cells[2].lower() if len(cells) > 2 else "")


def _add(rows: Rows, faults: _Faults, line: int, columns: tuple[str, str, str], kind: ListKind, hashed: Callable[[bytes], bytes]) -> None:
    type_name, value, state = columns
    name_type = TYPES.get(type_name)
    if name_type is None:
        faults.add(line, f"type {_masked(type_name)!r} is none of {', '.join(TYPES)}")
        return
    name = name_type.take(value) if len(value) <= VALUE_MAX and name_type.form.fullmatch(value) else b""
    if not name:
        faults.add(line, f"{type_name} {_masked(value)!r} is not {name_type.words}")
        return
    states = STATES.get(kind, {"": 0})
    if state not in states:
        faults.add(line, f"state {_masked(state)!r} is none of {', '.join(states)}")
        return
    key = hashed(name_type.prefix + name)
    known = rows.names.get(key)
    if known is None:
        rows.names[key] = states[state]
    elif known == states[state]:
        rows.doubled += 1
    else:
        faults.add(line, f"{type_name} {_masked(value)!r} has another state in an earlier line")


@dataclass
class _Faults:
    first: list[str] = field(default_factory=list)
    count: int = 0

    def add(self, line: int, what: str) -> None:
        self.count += 1
        if self.count <= FAULTS_SHOWN:
            self.first.append(f"line {line}: {what}")

    def raise_if_any(self, path: Path) -> None:
        if self.count:
            more = [f"and {self.count - FAULTS_SHOWN} more"] if self.count > FAULTS_SHOWN else []
            raise SettingsError(f"{path}:\n  " + "\n  ".join([*self.first, *more]), hint="nothing was written; mend these lines")


def _masked(value: str) -> str:
    """Enough to find it in one's own table, too little to know somebody by."""
    shown = value[-SHOWN_TAIL:] if len(value) > 2 * SHOWN_TAIL else ""
    return "*" * min(len(value) - len(shown), 20) + shown
