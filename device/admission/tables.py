"""Plain documents (as TOML or CBOR give them) read strictly: every mistake at once, each with its path, nothing guessed.

A ``Kind`` says what one value must be; a ``Key`` names one in a table. What a kind expects in words is told by the mistake
and by the page for the province (``docs/policy.md``) alike.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any

SHOWN_MAX = 60  # characters of a wrong value that a mistake repeats
KEYS_MAX = 100  # in one table: finding what each of thousands of unknown keys was meant to be would take minutes


@dataclass(frozen=True, slots=True)
class Mistake:
    """``path`` leads to the value: ``gates.g2.hours[0].from``."""

    path: str
    what: str
    hint: str = ""

    def under(self, parent: str) -> Mistake:
        dot = "." if self.path and not self.path.startswith("[") else ""
        return replace(self, path=f"{parent}{dot}{self.path}")

    def __str__(self) -> str:
        return f"{self.path}: {self.what}" + (f" ({self.hint})" if self.hint else "")


class WrongValueError(ValueError):
    """All that is wrong within one value. It does not leave the reader: the whole document's mistakes become one error."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("; ".join(map(str, self.mistakes)))


@dataclass(frozen=True, slots=True)
class Kind:
    """``expects`` in words, and how it is read. ``read`` raises ValueError, or WrongValueError where it knows better what is wrong."""

    expects: str
    read: Callable[[Any], Any]

    def value(self, raw: Any) -> Any:
        """The value. Raises WrongValueError."""
        try:
            return self.read(raw)
        except WrongValueError:
            raise
        except ValueError as error:
            raise WrongValueError([Mistake("", f"expected {self.expects}, found {shown(raw)}")]) from error


@dataclass(frozen=True, slots=True)
class Key:
    about: str
    kind: Kind
    needed: bool = False


Keys = Mapping[str, Key]


def shown(raw: Any) -> str:
    """A wrong value as a mistake repeats it: short, on one line, and never the inside of a list or table."""
    if isinstance(raw, Mapping):
        return "a table"
    if isinstance(raw, list | tuple):
        return f"a list of {len(raw)}"
    if isinstance(raw, date):
        return raw.isoformat()
    if isinstance(raw, int) and raw.bit_length() > 64:  # Python refuses to write thousands of digits
        return "a number beyond 64 bits"
    text = repr(raw[:SHOWN_MAX] if isinstance(raw, str | bytes) else raw)
    return text if len(text) <= SHOWN_MAX else f"{text[:SHOWN_MAX]}…"


# --- kinds of values -------------------------------------------------------------------------------------------


def _sure(holds: bool, value: Any) -> Any:  # noqa: FBT001 - reads as a condition
    if not holds:
        raise ValueError
    return value


def flag() -> Kind:
    return Kind("true or false", lambda raw: _sure(isinstance(raw, bool), raw))


def whole(low: int, high: int) -> Kind:
    return Kind(f"a whole number, {low} to {high}", lambda raw: _sure(isinstance(raw, int) and not isinstance(raw, bool) and low <= raw <= high, raw))


def choice(words: type[StrEnum]) -> Kind:
    return Kind(f"one of {', '.join(words)}", lambda raw: words(_sure(isinstance(raw, str), raw)))


def text(pattern: str, expects: str) -> Kind:
    return Kind(expects, lambda raw: _sure(isinstance(raw, str) and re.fullmatch(pattern, raw) is not None, raw))


def day() -> Kind:
    def read(raw: Any) -> date:
        if isinstance(raw, date) and not isinstance(raw, datetime):
            return raw
        return date.fromisoformat(_sure(isinstance(raw, str) and re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", raw) is not None, raw))

    return Kind("a day such as 2026-11-20", read)


def minute_of_day(*, with_end: bool = False) -> Kind:
    """A time such as "06:00" as minutes since midnight; ``with_end`` allows 24:00."""

    def read(raw: Any) -> int:
        known = isinstance(raw, str) and (re.fullmatch("([01][0-9]|2[0-3]):[0-5][0-9]", raw) is not None or (with_end and raw == "24:00"))
        hour, minute = _sure(known, raw).split(":")
        return int(hour) * 60 + int(minute)

    return Kind(f'a time such as "06:00", up to {"24:00" if with_end else "23:59"}', read)


def list_of(item: Kind, most: int, least: int = 0) -> Kind:
    """A list without repetitions, as a tuple. A list that is too long is not read at all."""

    def read(raw: Any) -> tuple[Any, ...]:
        _sure(isinstance(raw, list | tuple) and least <= len(raw) <= most, raw)
        values: list[Any] = []
        mistakes: list[Mistake] = []
        for number, each in enumerate(raw):
            try:
                value = item.value(each)
            except WrongValueError as wrong:
                mistakes += [mistake.under(f"[{number}]") for mistake in wrong.mistakes]
                continue
            if value in values:
                mistakes.append(Mistake(f"[{number}]", "stands there twice"))
            values.append(value)
        if mistakes:
            raise WrongValueError(mistakes)
        return tuple(values)

    return Kind(f"a list of {least} to {most}, each {item.expects}", read)


def table_of(
    keys: Keys, make: Callable[[Mapping[str, Any]], Any] = dict, *, agree: Callable[[Mapping[str, Any]], Iterable[Mistake]] | None = None
) -> Kind:
    """A table of ``keys``, given to ``make`` once nothing is wrong with it; ``agree`` tells what its keys together do not allow."""

    def read(raw: Any) -> Any:
        values, mistakes = read_table(raw, keys)
        told = {mistake.path for mistake in mistakes}
        mistakes += [mistake for mistake in (agree(values) if agree else ()) if mistake.path not in told]
        if mistakes:
            raise WrongValueError(mistakes)
        return make(values)

    return Kind("a table", read)


def tables_by_name(name: Kind, each: Kind, most: int) -> Kind:
    """A table of like tables, each under a name of its own."""

    def read(raw: Any) -> dict[str, Any]:
        _sure(isinstance(raw, Mapping) and len(raw) <= most, raw)
        keys: dict[str, Key] = {}
        mistakes: list[Mistake] = []
        for one in raw:
            try:
                keys[name.value(one)] = Key("", each)
            except WrongValueError as wrong:
                mistakes += [mistake.under(shown(one)) for mistake in wrong.mistakes]
        values, within = read_table({one: raw[one] for one in keys}, keys)
        if mistakes + within:
            raise WrongValueError(mistakes + within)
        return values

    return Kind(f"at most {most} tables, each under {name.expects}", read)


# --- tables ----------------------------------------------------------------------------------------------------


def read_table(raw: Any, keys: Keys) -> tuple[dict[str, Any], list[Mistake]]:
    """What is sound in ``raw``, and all that is not. A key that is misspelt is not also missed."""
    if not isinstance(raw, Mapping):
        return {}, [Mistake("", f"expected a table, found {shown(raw)}")]
    if len(raw) > KEYS_MAX:
        return {}, [Mistake("", f"expected at most {KEYS_MAX} keys, found {len(raw)}")]
    unknown = [name for name in raw if not isinstance(name, str) or name not in keys]
    mistakes = [Mistake(_path(name), "unknown key", nearest(name, keys)) for name in unknown]
    meant = {near for name in unknown for near in _near(name, keys)}
    values = {}
    for name, key in keys.items():
        if name in raw:
            try:
                values[name] = key.kind.value(raw[name])
            except WrongValueError as wrong:
                mistakes += [mistake.under(name) for mistake in wrong.mistakes]
        elif key.needed and name not in meant:
            mistakes.append(Mistake(name, f"is missing: {key.kind.expects}", key.about))
    return values, mistakes


def nearest(name: Any, known: Iterable[str]) -> str:
    known = list(known)
    near = _near(name, known)
    return f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"


def _near(name: Any, known: Iterable[str]) -> list[str]:
    return difflib.get_close_matches(name[:SHOWN_MAX], list(known), n=1) if isinstance(name, str) else []


def _path(name: Any) -> str:
    return name if isinstance(name, str) and re.fullmatch("[A-Za-z0-9_-]{1,60}", name) else shown(name)
