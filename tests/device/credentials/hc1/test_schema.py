from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from device.credentials.hc1 import schema
from device.credentials.hc1.broken import BrokenError
from device.credentials.hc1.schema import Record
from device.credentials.trust import HealthUse
from tests.device.credentials.hc1.issuer import ENTRIES, NAME, TEST, certificate
from tests.device.credentials.hc1.public import DCC, needs_public_cases

SCHEMA = DCC / "schema"
USES = {"v": HealthUse.VACCINATION, "t": HealthUse.TEST, "r": HealthUse.RECOVERY}


def holds(record: Any) -> bool:
    try:
        schema.read(record)
    except BrokenError:
        return False
    return True


# --- the EU's own examples -------------------------------------------------------------------------------------


@needs_public_cases
def test_the_schemas_own_examples_are_judged_as_they_are_meant() -> None:
    files = [*SCHEMA.glob("test/*/*.json"), *SCHEMA.glob("examples/*/*.json")]
    judged = {path.relative_to(SCHEMA).as_posix(): holds(json.loads(path.read_text(encoding="utf-8"))) for path in files}
    meant = {name: "invalid" not in Path(name).parts for name in judged}
    assert judged == meant
    assert (len(meant), sum(meant.values())) == (46, 40)


@needs_public_cases
def test_every_field_that_the_schema_knows_is_read_and_those_it_wants_are_wanted() -> None:
    """The schema's file against our table: no field forgotten, none too many."""
    definitions = json.loads((SCHEMA / "DCC.combined-schema.json").read_text(encoding="utf-8"))["$defs"]
    theirs = {
        use: {field: field in definitions[name]["required"] for field in definitions[name]["properties"]}
        for use, name in zip(HealthUse, ("vaccination_entry", "test_entry", "recovery_entry"), strict=True)
    }
    assert {use: {name: not field.optional for name, field in fields.items()} for use, fields in schema.ENTRIES.items()} == theirs


# --- what is read ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("group", ["v", "t", "r"])
def test_a_certificate_is_read_without_its_name(group: str) -> None:
    entry = ENTRIES[group]
    expected = Record(USES[group], str(entry["ci"]), "VN", {"ver": "1.3.0", "dob": "1990-02-01", group: [entry]})
    assert schema.read(certificate(group)) == expected


def test_what_an_issuer_added_is_dropped_with_the_name() -> None:
    record = certificate("t", passport="B9990001", dr="2022-04-01T12:00:00Z") | {"photo": b"999", 1: "x", "nam": NAME | {"pn": "999"}}
    assert schema.read(record).health == {"ver": "1.3.0", "dob": "1990-02-01", "t": [TEST]}


MEANT: dict[str, tuple[dict[str, Any], str, Any, Any]] = {
    "a whole number as a fraction": (certificate("v", dn=2.0), "v", "dn", 2),
    "a day with its midnight": (certificate("v", dt="2022-04-01T00:00:00"), "v", "dt", "2022-04-01"),
    "a day with its midnight somewhere": (certificate("r", du="2022-06-30T00:00:00.000+07:00"), "r", "du", "2022-06-30"),
    "more doses than planned": (certificate("v", dn=4), "v", "dn", 4),
    "a vaccine that no list knows": (certificate("v", mp="EU/1/99/999"), "v", "mp", "EU/1/99/999"),
    "a country's long code": (certificate("r", co="UNHCR"), "r", "co", "UNHCR"),
    "a moment in a short zone": (certificate("t", sc="2022-04-01T10:00:00+07"), "t", "sc", "2022-04-01T10:00:00+07"),
    "a moment of parts of a second": (certificate("t", sc="2022-04-01T10:00:00.1234567Z"), "t", "sc", "2022-04-01T10:00:00.1234567Z"),
    "an issuer of 80 letters": (certificate("r", **{"is": "ế" * 80}), "r", "is", "ế" * 80),
}


@pytest.mark.parametrize(("record", "group", "field", "value"), MEANT.values(), ids=MEANT.keys())
def test_a_value_is_what_its_issuer_meant(record: dict[str, Any], group: str, field: str, value: Any) -> None:
    read = schema.read(record).health[group][0][field]
    assert (read, type(read)) == (value, type(value))


BIRTHS = {"1990-02-01": "1990-02-01", "1990-02": "1990-02", "1990": "1990", "": "", "2099": "2099", "1990-02-01T00:00:00": "1990-02-01"}


@pytest.mark.parametrize(("written", "meant"), BIRTHS.items())
def test_a_birth_date_may_be_known_in_part(written: str, meant: str) -> None:
    assert schema.read(certificate() | {"dob": written}).health["dob"] == meant


HOLDING: dict[str, dict[str, Any]] = {
    "only a standardised surname": certificate() | {"nam": {"fnt": "THU"}},
    "only a standardised forename": certificate() | {"nam": {"gnt": "MAU"}},
    "a name that is written out as nothing": certificate() | {"nam": {"fnt": "THU", "gn": None, "gnt": None}},
    "the other kinds written out as nothing": certificate() | {"t": None, "r": None},
    "a test without what it may lack": certificate("t", nm=None, tc=None),
    "a test whose maker is an empty text": certificate("t", ma=""),
    "version 1.0.0": certificate() | {"ver": "1.0.0"},
}


@pytest.mark.parametrize("record", HOLDING.values(), ids=HOLDING.keys())
def test_what_may_be_left_out_may_be_left_out(record: dict[str, Any]) -> None:
    assert holds(record)


# --- what breaks the schema ------------------------------------------------------------------------------------


def without(record: dict[str, Any], field: str) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key != field}


def entry_without(group: str, field: str) -> dict[str, Any]:
    return certificate(group) | {group: [without(ENTRIES[group], field)]}


WANTED = {"v": "tg vp mp ma dn sd dt co is ci", "t": "tg tt sc tr co is ci", "r": "tg fr co is df du ci"}


@pytest.mark.parametrize(("group", "field"), [(group, field) for group, fields in WANTED.items() for field in fields.split()])
def test_a_field_that_is_wanted_may_not_lack_or_be_another_kind_of_value(group: str, field: str) -> None:
    others: list[Any] = [None, True, -1, 1.5, [], {}, b"999"] + ([] if field in {"dn", "sd"} else [1])
    records = [entry_without(group, field), *(certificate(group, **{field: other}) for other in others)]
    assert [record for record in records if holds(record)] == []


def test_the_words_say_which_field_and_not_what_stood_there() -> None:
    with pytest.raises(BrokenError) as caught:
        schema.read(certificate("v", dt="999"))
    assert caught.value.what == "dt is not as the schema wants it"


BROKEN: dict[str, dict[str, Any]] = {
    "nothing": {},
    "no version": without(certificate(), "ver"),
    "a version of two numbers": certificate() | {"ver": "1.3"},
    "a version of words": certificate() | {"ver": "1.3.x"},
    "no birth date": without(certificate(), "dob"),
    "a birth date that is nothing": certificate() | {"dob": None},
    "a birth date of another century": certificate() | {"dob": "1899-12-31"},
    "a birth date written as here": certificate() | {"dob": "01/02/1990"},
    "a birth date with its hour": certificate() | {"dob": "1990-02-01T07:00:00"},
    "a birth year with a midnight": certificate() | {"dob": "1990T00:00:00"},
    "a birth date with a line end": certificate() | {"dob": "1990\n"},
    "a birth date in other digits": certificate() | {"dob": "\uff11\uff19\uff19\uff10"},
    "no name": without(certificate(), "nam"),
    "a name that is a text": certificate() | {"nam": "THU"},
    "a name without its standardised form": certificate() | {"nam": {"fn": "Thử", "gn": "Mẫu"}},
    "a standardised name with accents": certificate() | {"nam": {"fnt": "THỬ"}},
    "a standardised name in small letters": certificate() | {"nam": {"fnt": "THU", "gnt": "mau"}},
    "a name of 81 letters": certificate() | {"nam": {"fnt": "THU", "fn": "T" * 81}},
    "a name that is a number": certificate() | {"nam": {"fnt": "THU", "gn": 999}},
    "no kind at all": without(certificate(), "v"),
    "two kinds": certificate() | certificate("t"),
    "a kind and an empty one": certificate() | {"t": []},
    "an empty kind": certificate() | {"v": []},
    "two entries": certificate() | {"v": [ENTRIES["v"]] * 2},
    "an entry that is no map": certificate() | {"v": ["999"]},
    "entries that are no list": certificate() | {"v": ENTRIES["v"]},
    "no dose": certificate("v", dn=0),
    "half a dose": certificate("v", dn=1.5),
    "a dose in words": certificate("v", dn="2"),
    "a day that is none": certificate("v", dt="2022-02-30"),
    "a day of another order": certificate("v", dt="01-04-2022"),
    "a day without strokes": certificate("v", dt="20220401"),
    "a week": certificate("v", dt="2022-W13-5"),
    "a day with its hour": certificate("v", dt="2022-04-01T10:00:00Z"),
    "a moment without a zone": certificate("t", sc="2022-04-01T10:00:00"),
    "a moment without seconds": certificate("t", sc="2022-04-01T10:00Z"),
    "a moment that is a day": certificate("t", sc="2022-04-01"),
    "the 25th hour": certificate("t", sc="2022-04-01T25:00:00Z"),
    "a country in small letters": certificate("v", co="vn"),
    "a country's name": certificate("v", co="Viet Nam"),
    "no country": certificate("v", co=""),
    "an issuer of 81 letters": certificate("v", **{"is": "i" * 81}),
    "a number of 81 letters": certificate("v", ci="9" * 81),
    "an empty number": certificate("v", ci=""),
    "a test centre of 81 letters": certificate("t", tc="c" * 81),
}


@pytest.mark.parametrize("record", BROKEN.values(), ids=BROKEN.keys())
def test_what_breaks_the_schema_is_refused(record: dict[str, Any]) -> None:
    assert not holds(record)
