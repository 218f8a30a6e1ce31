"""The example policies and the page that explains them say what the reader of policies understands."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from device.admission import health_document, policy_document
from device.admission.health_rules import read_health_rules
from device.admission.policy import Place, Site
from device.admission.policy_document import DECLARATION_KEYS, GATE_KEYS, IDENTITY_KEYS, LISTS_KEYS, OPENING_KEYS, RULE_KEYS, SITE_KEYS, top_keys
from device.admission.policy_doubts import doubts
from device.admission.tables import Keys
from device.domain import ClockTrust, Credential, CredentialKind, Direction, Instant, Proof

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "provisioning/examples/policies").glob("*.toml"))
PAGE = (ROOT / "docs/policy.md").read_text(encoding="utf-8")

PAGE_TABLES: dict[str, Keys] = {
    "For the whole site": SITE_KEYS,
    "For the whole site, or one gate": GATE_KEYS,
    "Rules": {**RULE_KEYS, "health": top_keys()["health"]},
    "Other policies within": {name: top_keys()[name] for name in ("gates", "shadow")},
    "[[hours]]": OPENING_KEYS,
    "[declaration]": DECLARATION_KEYS,
    "[lists]": LISTS_KEYS,
    "[identity]": IDENTITY_KEYS,
}


def document(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def gates(path: Path) -> list[str]:
    """Those with keys of their own, and one without."""
    return [*document(path).get("gates", {}), "any-gate"]


# --- the examples ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("path", "gate"), [(path, gate) for path in EXAMPLES for gate in gates(path)], ids=lambda each: getattr(each, "stem", each))
def test_an_example_is_read_without_mistakes_and_raises_no_doubt(path: Path, gate: str) -> None:
    policy = policy_document.read(document(path), gate=gate, site="s1", zone="main", direction=Direction.BOTH, health_rules=read_health_rules)
    assert (policy.gate, doubts(policy)) == (gate, ())


def test_the_examples_are_of_as_many_kinds_of_places() -> None:
    known = {path.stem: (document(path)["place"], document(path).get("site_kind", "fixed")) for path in EXAMPLES}
    assert known == {
        "border": (Place.BORDER, Site.FIXED),
        "bus-station": (Place.STATION, Site.FIXED),
        "coach": (Place.VEHICLE, Site.MOBILE),
        "factory-shift": (Place.FACTORY, Site.FIXED),
        "lodging": (Place.LODGING, Site.FIXED),
        "market": (Place.MARKET, Site.FIXED),
        "office": (Place.OFFICE, Site.FIXED),
        "quarantine": (Place.QUARANTINE, Site.FIXED),
        "wedding": (Place.CEREMONY, Site.TEMPORARY),
    }


def test_every_key_of_a_policy_stands_in_an_example() -> None:
    tables = [table for path in EXAMPLES for table in (document(path), *document(path).get("gates", {}).values())]
    used = {name for table in tables for name in table}
    assert set(top_keys()) - used == set()


@pytest.mark.parametrize(
    ("health", "expected"),
    [
        ({"v": [{"co": "VN", "mp": "EU/1/20/1528", "dn": 2, "sd": 2}]}, ()),
        ({"v": [{"co": "VN", "mp": "EU/1/20/1528", "dn": 1, "sd": 2}]}, ("VR-VN-0001",)),
        ({"v": [{"co": "VN", "mp": "Sputnik-V", "dn": 2, "sd": 2}]}, ("VR-VN-0001",)),
        ({"t": [{"co": "VN", "tr": "260415000", "sc": "2022-01-07T07:00:00+07:00"}]}, ()),
        ({"t": [{"co": "VN", "tr": "260415000", "sc": "2022-01-07T06:59:59+07:00"}]}, ("TR-VN-0001",)),
        ({"t": [{"co": "VN", "tr": "260373001", "sc": "2022-01-09T07:00:00+07:00"}]}, ("TR-VN-0001",)),
    ],
)
def test_the_lodgings_rules_ask_for_every_dose_or_a_test_of_the_last_three_days(health: dict[str, Any], expected: tuple[str, ...]) -> None:
    rules = read_health_rules(document(ROOT / "provisioning/examples/policies/lodging.toml")["health"])
    certificate = Credential(CredentialKind.HC1, Proof.PROVEN, b"uvci:x", health=health)
    assert rules.failed(certificate, Instant(datetime(2022, 1, 10, tzinfo=UTC), ClockTrust.TRUSTED)) == expected


@pytest.mark.parametrize(
    ("health", "expected"),
    [
        ({"v": [{"dn": 2, "sd": 2, "dt": "2021-12-27"}]}, ()),
        ({"v": [{"dn": 2, "sd": 2, "dt": "2021-12-28"}]}, ("VR-VN-0002",)),
        ({"v": [{"dn": 1, "sd": 2, "dt": "2021-12-27"}]}, ("VR-VN-0001",)),
        ({"t": [{"tr": "260415000", "sc": "2022-01-07T07:00:01+07:00"}]}, ()),
        ({"t": [{"tr": "260415000", "sc": "2022-01-07T07:00:00+07:00"}]}, ("TR-VN-0002",)),
        ({"t": [{"tr": "260373001", "sc": "2022-01-09T07:00:00+07:00"}]}, ("TR-VN-0001",)),
        ({"r": [{"fr": "2021-07-14"}]}, ()),
        ({"r": [{"fr": "2021-07-13"}]}, ("RR-VN-0001",)),
    ],
)
def test_the_rules_in_a_file_say_what_the_page_says_of_them(health: dict[str, Any], expected: tuple[str, ...]) -> None:
    named = {"health": {"country": "VN", "rules_file": "health-rules.json"}}
    folder = ROOT / "provisioning/examples/policies"
    rules = health_document.read(health_document.gathered(named, lambda name: (folder / name).read_bytes(), lambda _folder: ())["health"])
    certificate = Credential(CredentialKind.HC1, Proof.PROVEN, b"uvci:x", health={"ver": "1.3.0", **health})
    assert rules.failed(certificate, Instant(datetime(2022, 1, 10, tzinfo=UTC), ClockTrust.TRUSTED)) == expected


def test_no_example_names_a_person_or_a_real_vehicle() -> None:
    plates = [found for path in EXAMPLES for found in re.findall(r"[0-9]{2}[A-Z]-[0-9.]+", path.read_text(encoding="utf-8"))]
    assert plates == ["61B-999.99"]


# --- the page --------------------------------------------------------------------------------------------------


def page_rows() -> Iterator[tuple[str, list[str]]]:
    """Every row of the page: its section, its cells."""
    section = ""
    for line in PAGE.splitlines():
        if line.startswith("## "):
            section = line.removeprefix("## ")
        elif line.startswith("| `"):
            yield section, [cell.strip() for cell in line.strip("|").split("|")]


def test_the_page_explains_every_key_as_the_reader_understands_it() -> None:
    told = {(section, cells[0].strip("`")): cells[1:3] for section, cells in page_rows()}
    assert told == {(section, str(name)): [key.about, key.kind.expects] for section, keys in PAGE_TABLES.items() for name, key in keys.items()}


def test_the_page_says_of_every_key_what_it_means_to_leave_it_out() -> None:
    mistakes = {cells[0].strip("`") for _, cells in page_rows() if cells[3].startswith("a mistake")}
    needed = {name for keys in PAGE_TABLES.values() for name, key in keys.items() if key.needed}
    assert (all(cells[3] for _, cells in page_rows()), mistakes) == (True, needed | {"recipient", "retention_days"})


def test_the_tables_of_the_page_are_all_keys_of_a_policy() -> None:
    top = {name for section, keys in PAGE_TABLES.items() if not section.startswith("[") for name in keys}
    assert top == set(top_keys())
