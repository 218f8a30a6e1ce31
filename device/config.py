"""Read ``gate.toml`` and ``site.toml``: a checked ``Settings``, or every mistake at once.

A key that nobody reads is an error (a typo must not hide), a value out of range is an error, and nothing is
guessed. Each mistake names file and line, what was expected and what was found.
"""

from __future__ import annotations

import difflib
import math
import re
import tomllib
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

from device.errors import SettingsError
from device.settings import (
    GATE_TABLES,
    ID_PATTERN,
    ID_WORDS,
    ISSUERS_TABLE,
    SITE_TABLES,
    RelayKind,
    ScannerModel,
    ScannerTrigger,
    Settings,
    SourceKind,
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
    """What each key of ``gate`` allows by itself and all of them together do not.

    A key that is wrong itself is not in ``values``, and what is put in its place contradicts nothing.
    """
    mistakes: list[Mistake] = []

    def wrong(table: str, key: str, what: str, hint: str) -> None:
        mistakes.append(Mistake(gate.name, gate.line(table, key), what, hint))

    relay, reader = values.get("relay", {}), values.get("reader", {})
    if relay.get("kind") is RelayKind.GPIO and relay.get("pin", 0) is None:
        wrong("relay", "kind", "relay.kind gpio needs relay.pin", "the BCM number of the relay's pin")
    if relay.get("kind") is RelayKind.LCUS and relay.get("port") == "":
        wrong("relay", "kind", "relay.kind lcus needs relay.port", "the serial port's name, best under /dev/serial/by-id")
    pulse_s, max_on_s = relay.get("pulse_s", 0), relay.get("max_on_s", math.inf)
    if pulse_s > max_on_s:
        wrong("relay", "pulse_s", f"relay.pulse_s {pulse_s} is longer than relay.max_on_s {max_on_s}", "the maximum is a limit, not the pulse")
    users: dict[int, str] = {}
    for table, key, pin in _pins(lambda table, key: values.get(table, {}).get(key)):
        if pin in users:
            wrong(table, key, f"{table}.{key} {pin} is also {users[pin]}", "one pin, one use")
        users.setdefault(pin, f"{table}.{key}")
    source = reader.get("source", SourceKind.PICAMERA2)
    if source not in (SourceKind.PICAMERA2, SourceKind.SCANNER) and reader.get("path") == "":
        wrong("reader", "source", f"reader.source {source} needs reader.path", "the device, file or folder")
    if source is SourceKind.SCANNER:
        _scanner_contradictions(values.get("scanner", {}), wrong)
    return mistakes


def _scanner_contradictions(scanner: Mapping[str, Any], wrong: Callable[[str, str, str, str], None]) -> None:
    if scanner.get("port") == "":
        wrong("reader", "source", "reader.source scanner needs scanner.port", "the serial port's name, best under /dev/serial/by-id")
    if scanner.get("model", 0) is None:
        wrong("reader", "source", "reader.source scanner needs scanner.model", f"one of {', '.join(ScannerModel)}")
    if (scanner.get("model"), scanner.get("trigger")) == (ScannerModel.TERMINATED, ScannerTrigger.HOST):
        wrong("scanner", "trigger", "scanner.model terminated takes no commands, so the gate cannot trigger it", 'trigger = "continuous"')


def pins(settings: Settings) -> list[tuple[str, str, int]]:
    """Every pin in use: table, key, BCM number."""
    return _pins(lambda table, key: getattr(getattr(settings, table), key))


def _pins(value: Callable[[str, str], Any]) -> list[tuple[str, str, int]]:
    named = [("lamps", "green_pin"), ("lamps", "red_pin"), ("buzzer", "pin"), ("passage", "pin")]
    if value("relay", "kind") is RelayKind.GPIO:
        named.insert(0, ("relay", "pin"))
    return [(table, key, pin) for table, key in named if (pin := value(table, key)) is not None]
