"""Read ``gate.toml`` and ``site.toml``: a checked ``Settings``, or every mistake at once.

A key that nobody reads is an error (a typo must not hide), a value out of range is an error, and nothing is
guessed. Each mistake names file and line, what was expected and what was found.
"""

from __future__ import annotations

import difflib
import re
import tomllib
import types
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

from device import board, contradictions
from device.errors import SettingsError
from device.settings import (
    GATE_TABLES,
    ID_PATTERN,
    ID_WORDS,
    ISSUERS_TABLE,
    SITE_TABLES,
    Settings,
)

FILES: dict[str, dict[str, type]] = {"gate.toml": GATE_TABLES, "site.toml": SITE_TABLES}
PRINTABLE = r"[^\x00-\x1f\x7f]"
"""No path, port or host holds a control character; the kernel refuses a zero byte with another kind of error."""

Values = dict[str, dict[str, Any]]
"""Table -> key -> value: what is sound so far, defaults included."""


@dataclass(frozen=True, slots=True)
class Mistake:
    file: str
    line: int
    what: str
    hint: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}" + (f" ({self.hint})" if self.hint else "")


def load(folder: Path) -> Settings:
    """The settings in ``folder``; relative paths in them are taken from ``folder``.

    Raises:
        SettingsError: with every mistake of both files, one a line.
    """
    mistakes: list[Mistake] = []
    values: Values = {}
    files = {name: _File.read(folder / name, mistakes) for name in FILES}
    for name, file in files.items():
        others = {table: other for other, schema in FILES.items() if other != name for table in schema}
        values |= _read_tables(file, FILES[name], others, mistakes, folder=folder)
    issuers = _read_issuers(files["site.toml"], mistakes)
    if gate := files["gate.toml"]:
        mistakes += _contradictions(values, gate)
    if mistakes:
        raise _refusal(mistakes, hint="mend them; `qrgate doctor` checks again")
    tables = {table: kind(**values[table]) for schema in FILES.values() for table, kind in schema.items()}
    return Settings(folder=folder, issuers=issuers, **tables)


def load_tables(path: Path, schema: Mapping[str, type]) -> dict[str, Any]:
    """The tables of one other settings file, read as strictly; relative paths in it are taken from its folder.

    Raises:
        SettingsError: with every mistake of the file, one a line.
    """
    mistakes: list[Mistake] = []
    values = _read_tables(_File.read(path, mistakes), schema, {}, mistakes, folder=path.parent)
    if mistakes:
        raise _refusal(mistakes, hint="mend them and start again")
    return {table: kind(**values[table]) for table, kind in schema.items()}


def load_bench(path: Path, usual: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The tables of a ``gate.toml`` that need not be whole, such as a file of hardware/boards; those it lacks are as in ``usual``.

    Raises:
        SettingsError: with every mistake of the file, one a line.
    """
    mistakes: list[Mistake] = []
    values: Values = {}
    if file := _File.read(path, mistakes):
        whole = replace(file, content={**{table: usual[table] for table in GATE_TABLES if table in usual}, **file.content})
        values = _read_tables(whole, GATE_TABLES, dict.fromkeys(SITE_TABLES, "site.toml"), mistakes, folder=path.parent)
        mistakes += _contradictions(values, whole)
    if mistakes:
        raise _refusal(mistakes, hint="mend them and start again")
    return {table: kind(**values[table]) for table, kind in GATE_TABLES.items()}


def _refusal(mistakes: list[Mistake], *, hint: str) -> SettingsError:
    count = f"{len(mistakes)} mistake{'s' if len(mistakes) > 1 else ''}"
    listing = "\n".join(f"  {mistake}" for mistake in mistakes)
    return SettingsError(f"{count} in the settings:\n{listing}", hint=hint)


# --- one file --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _File:
    name: str
    content: Mapping[str, Any]
    lines: Mapping[tuple[str, str], int]  # (table, key) -> line; key "" is the table's own line

    @classmethod
    def read(cls, path: Path, mistakes: list[Mistake]) -> _File | None:
        """The file, or ``None`` and one more mistake: then nothing in it is judged."""
        name = str(path)
        try:
            text = path.read_text(encoding="utf-8")
            return cls(name, tomllib.loads(text), _line_numbers(text))
        except FileNotFoundError:
            mistakes.append(Mistake(name, 1, "no such file", "`qrgate-provision init` makes one"))
        except PermissionError:
            mistakes.append(Mistake(name, 1, "may not be read by you", "root may, and members of the group qrgate: sudo"))
        except (OSError, UnicodeDecodeError) as error:
            mistakes.append(Mistake(name, 1, f"cannot be read: {error}", "it must be a text file in UTF-8"))
        except (ValueError, RecursionError) as error:  # also a number of thousands of digits, and brackets in brackets without end
            found = re.search(r"line (\d+)", str(error))
            mistakes.append(Mistake(name, int(found[1]) if found else 1, f"not TOML: {error}", "texts need quotes, tables are [in brackets]"))
        return None

    def line(self, table: str, key: str = "") -> int:
        return self.lines.get((table, key)) or self.lines.get((table, "")) or self.lines.get(("", table)) or 1


def _line_numbers(text: str) -> dict[tuple[str, str], int]:
    """Where each table and key stands; tomllib does not tell. The first place wins, as TOML allows only one."""
    lines: dict[tuple[str, str], int] = {}
    table = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if header := re.match(r"\s*\[{1,2}\s*([^\[\]]+?)\s*\]", line):
            table = header[1].strip('"')
            lines.setdefault((table, ""), number)
        elif key := re.match(r"\s*\"?([A-Za-z0-9_-]+)\"?\s*=", line):
            lines.setdefault((table, key[1]), number)
    return lines


def _read_tables(file: _File | None, schema: Mapping[str, type], others: Mapping[str, str], mistakes: list[Mistake], *, folder: Path) -> Values:
    if file is None:
        return {}
    known = [*schema, ISSUERS_TABLE] if schema is SITE_TABLES else [*schema]
    for table in file.content:
        if table in others:
            mistakes.append(Mistake(file.name, file.line(table), f"[{table}] belongs in {others[table]}", "a table stands in one file only"))
        elif table not in known:
            mistakes.append(Mistake(file.name, file.line(table), f"unknown {table!r}", _nearest(table, known)))
    values = {}
    for table, kind in schema.items():
        content = file.content.get(table, {})
        if not isinstance(content, dict):
            mistakes.append(Mistake(file.name, file.line(table), f"{table!r} is a table", f"write [{table}] on a line of its own"))
            continue
        values[table] = _read_keys(file, table, kind, content, mistakes, folder=folder)
    return values


def _read_keys(file: _File, table: str, kind: type, content: Mapping[str, Any], mistakes: list[Mistake], *, folder: Path) -> dict[str, Any]:
    hints = get_type_hints(kind)
    known = {each.name: each for each in fields(kind)}
    unknown = [name for name in content if name not in known]
    meant = {near for name in unknown for near in difflib.get_close_matches(name, known, n=1)}
    mistakes += [Mistake(file.name, file.line(table, name), f"unknown key {name!r} in [{table}]", _nearest(name, known)) for name in unknown]
    values = {}
    for name, each in known.items():
        if name not in content:
            if each.default is MISSING:
                mistakes.append(Mistake(file.name, file.line(table), f"[{table}] lacks {name!r}", each.metadata["about"]))
            elif name not in meant:  # where it is misspelt, its default says nothing
                values[name] = each.default
            continue
        try:
            values[name] = _value(content[name], hints[name], each.metadata, folder)
        except ValueError as error:
            mistakes.append(Mistake(file.name, file.line(table, name), f"{table}.{name}: {error}", each.metadata["about"]))
    return values


def _value(raw: Any, kind: Any, limits: Mapping[str, Any], folder: Path) -> Any:  # noqa: PLR0911 - one return a type
    """``raw`` as ``kind`` within ``limits``. Raises ValueError that says what was expected and what was found."""
    if get_origin(kind) in (Union, types.UnionType):
        kind = next(each for each in get_args(kind) if each is not type(None))
    if kind is bool:
        return _typed(raw, bool, "true or false")
    if kind is int:
        return _bounded(_typed(raw, int, "a whole number"), limits)
    if kind is float:
        return float(_bounded(_typed(raw, (int, float), "a number"), limits))
    if kind is str:
        return _matching(_typed(raw, str, "a text in quotes"), limits["pattern"] or f"{PRINTABLE}*")
    if kind is Path:
        return folder / _matching(_typed(raw, str, "a path in quotes"), f"{PRINTABLE}+")
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        choices = [each.value for each in kind]
        if raw not in choices:
            raise ValueError(f"expected one of {', '.join(choices)}, found {raw!r}")
        return kind(raw)
    if get_origin(kind) is tuple:
        return _list(_typed(raw, list, "a list"), get_args(kind)[0], limits, folder)
    raise TypeError(f"no reader for {kind}")


def _list(raw: list[Any], kind: Any, limits: Mapping[str, Any], folder: Path) -> tuple[Any, ...]:
    low = limits["low"] or 0
    if len(raw) < low:
        raise ValueError(f"expected a list of at least {low}, found {raw!r}")
    return tuple(_value(each, kind, limits, folder) for each in raw)


def _typed(raw: Any, kind: type | tuple[type, ...], wanted: str) -> Any:
    if not isinstance(raw, kind) or (isinstance(raw, bool) and kind is not bool):
        raise ValueError(f"expected {wanted}, found {raw!r}")
    return raw


def _bounded(number: Any, limits: Mapping[str, Any]) -> Any:
    low, high = limits["low"], limits["high"]
    if not ((low is None or number >= low) and (high is None or number <= high)):
        bounds = f"{low} to {high}" if low is not None and high is not None else f"at least {low}" if high is None else f"at most {high}"
        raise ValueError(f"expected {bounds}, found {number}")
    return number


def _matching(text: str, pattern: str) -> str:
    if not re.fullmatch(pattern, text):
        raise ValueError(f"expected {ID_WORDS}, found {text!r}" if pattern == ID_PATTERN else f"{text!r} does not have the form {pattern}")
    return text


def _read_issuers(file: _File | None, mistakes: list[Mistake]) -> dict[str, str]:
    content = file.content.get(ISSUERS_TABLE, {}) if file else {}
    if file and not isinstance(content, dict):
        mistakes.append(Mistake(file.name, file.line(ISSUERS_TABLE), "'issuers' is a table", "write [issuers] on a line of its own"))
        return {}
    for key_id, public_key in content.items():
        if file and not (re.fullmatch(r"[0-9a-f]{16}", key_id) and isinstance(public_key, str) and re.fullmatch(r"[0-9a-f]{64}", public_key)):
            mistakes.append(
                Mistake(file.name, file.line(ISSUERS_TABLE, key_id), f"issuers.{key_id} is no key", "16 hex digits = 64 hex digits in quotes")
            )
    return dict(content)


def _nearest(name: str, known: Any) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"


# --- keys that must agree --------------------------------------------------------------------------------------


def _contradictions(values: Values, gate: _File) -> list[Mistake]:
    mistakes: list[Mistake] = []
    contradictions.tell(values, lambda table, key, what, hint: mistakes.append(Mistake(gate.name, gate.line(table, key), what, hint)))
    return mistakes


def pins(settings: Settings) -> list[board.Use]:
    """Every pin in use: table, key, BCM number."""
    return board.uses(lambda table, key: getattr(getattr(settings, table), key))
