"""The EU's schema 1.3 of a health certificate (DCC.combined-schema.json, 1.3.3), in our own words.

What is a value of a list (vaccine, disease, country) is a matter of rules, not of form: the schema takes any text there, so
a vaccine of next year is no broken certificate. What some issuers write, and official test cases count as valid, is taken
for what it means: ``null`` for a missing field, 1.0 for 1, a day with its midnight for the day.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from device.credentials.hc1.broken import BrokenError
from device.credentials.trust import HealthUse

TEXT_MAX = 80
VERSION = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+")
BIRTH = re.compile(r"(?:(?:19|20)[0-9]{2}(?:-[0-9]{2}){0,2})?")  # of some people only the year or the month is known, or nothing
MIDNIGHT = re.compile(r"(?<=-[0-9]{2})T00:00:00(?:\.0+)?(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\Z")
MACHINE_NAME = re.compile(r"[A-Z<]*")
COUNTRY = re.compile(r"[A-Z]{1,10}")
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?)")


@dataclass(frozen=True, slots=True)
class Record:
    """What of a certificate may be looked at: its kind, its own number (UVCI), its country, and all but the name."""

    use: HealthUse
    uvci: str
    country: str
    health: Mapping[str, Any]


def read(certificate: Mapping[Any, Any]) -> Record:
    """The record in ``certificate``: exactly one vaccination, test or recovery. The name is checked for its form and dropped.

    Raises:
        BrokenError: it is not as the schema wants it; the words say which field.
    """
    present = _without_nulls(certificate)
    if not _is_name(present.get("nam")):
        raise BrokenError("nam is not as the schema wants it")
    uses = [use for use in HealthUse if use.value in present]
    if len(uses) != 1:
        raise BrokenError("not exactly one of v, t and r")
    (use,) = uses
    entries = present[use.value]
    if type(entries) is not list or len(entries) != 1 or type(entries[0]) is not dict:
        raise BrokenError(f"{use.value} does not hold exactly one entry")
    entry = _fields(_without_nulls(entries[0]), ENTRIES[use])
    health = _fields(present, HEAD) | {use.value: [entry]}
    return Record(use, entry["ci"], entry["co"], health)


def _without_nulls(members: Mapping[Any, Any]) -> dict[Any, Any]:
    return {key: value for key, value in members.items() if value is not None}


def _is_name(name: object) -> bool:
    if type(name) is not dict:
        return False
    name = _without_nulls(name)
    return (
        ("fnt" in name or "gnt" in name)
        and all(_text(name.get(part, "")) is not None for part in ("fn", "gn", "fnt", "gnt"))
        and all(MACHINE_NAME.fullmatch(name.get(part, "")) is not None for part in ("fnt", "gnt"))
    )


def _fields(members: Mapping[Any, Any], wanted: Mapping[str, Field]) -> dict[str, Any]:
    """The fields that the schema knows; what else an issuer added is dropped."""
    fields = {}
    for name, field in wanted.items():
        if field.optional and name not in members:
            continue
        value = field.read(members.get(name))
        if value is None:
            raise BrokenError(f"{name} is not as the schema wants it")
        fields[name] = value
    return fields


# --- one field: its value as the rules want it, or None --------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Field:
    read: Callable[[object], str | int | None]
    optional: bool = False


def _code(value: object) -> str | None:
    return value if type(value) is str else None


def _text(value: object) -> str | None:
    return value if type(value) is str and len(value) <= TEXT_MAX else None


def _uvci(value: object) -> str | None:
    return _text(value) or None  # an empty one would make all its bearers one person


def _version(value: object) -> str | None:
    return _shaped(value, VERSION)


def _country(value: object) -> str | None:
    return _shaped(value, COUNTRY)


def _shaped(value: object, shape: re.Pattern[str]) -> str | None:
    return value if type(value) is str and shape.fullmatch(value) else None


def _count(value: object) -> int | None:
    if type(value) is float and value.is_integer():
        value = int(value)
    return value if type(value) is int and value >= 1 else None


def _birth(value: object) -> str | None:
    return _shaped(_without_midnight(value), BIRTH)


def _day(value: object) -> str | None:
    return _in_calendar(date.fromisoformat, _shaped(_without_midnight(value), DAY))


def _moment(value: object) -> str | None:
    return _in_calendar(datetime.fromisoformat, _shaped(value, MOMENT))


def _without_midnight(value: object) -> object:
    return MIDNIGHT.sub("", value) if type(value) is str else value


def _in_calendar(read_date: Callable[[str], object], value: str | None) -> str | None:
    try:
        return value if value is not None and read_date(value) else None
    except ValueError:
        return None


HEAD = {"ver": Field(_version), "dob": Field(_birth)}
OF_ALL = {"tg": Field(_code), "co": Field(_country), "is": Field(_text), "ci": Field(_uvci)}
ENTRIES = {
    HealthUse.VACCINATION: OF_ALL
    | {"vp": Field(_code), "mp": Field(_code), "ma": Field(_code), "dn": Field(_count), "sd": Field(_count), "dt": Field(_day)},
    HealthUse.TEST: OF_ALL
    | {"tt": Field(_code), "sc": Field(_moment), "tr": Field(_code)}
    | {"nm": Field(_text, optional=True), "ma": Field(_code, optional=True), "tc": Field(_text, optional=True)},
    HealthUse.RECOVERY: OF_ALL | {"fr": Field(_day), "df": Field(_day), "du": Field(_day)},
}
