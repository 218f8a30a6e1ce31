from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest

from device.admission import health_document
from device.admission.health_document import DOCUMENT_MAX
from device.admission.health_rules import read_health_rules
from device.bundles import strict
from device.errors import VerificationError
from tests.device.admission.test_health_rules import rule

FILES = {
    "rules.json": json.dumps([rule()]).encode(),
    "whole.json": json.dumps({"country": "AT", "rules": [rule()], "value_sets": {"colours": ["red"]}}).encode(),
    "sets/a.json": json.dumps({"valueSetId": "vaccines", "valueSetValues": {"A": {"display": "a"}, "B": {}}}).encode(),
    "bad.json": b"{",
    "deep.json": b"[" * 100_000,
    "nan.json": b"[NaN]",
}


def fetch(name: str) -> bytes:
    return FILES[name]


def names(folder: str) -> Iterable[str]:
    return (name for name in FILES if name.startswith(f"{folder}/"))


def gathered(**health: Any) -> dict[str, Any]:
    return health_document.gathered({"mode": "verify", "health": health}, fetch, names)


def test_rules_from_files_are_the_rules_that_stand_in_the_policy() -> None:
    of_files = gathered(country="VN", rules_file="rules.json", value_sets_folder="sets")
    written = gathered(country="VN", rules=[rule()], value_sets={"vaccines": ["A", "B"]})
    assert of_files == written
    read = health_document.read(of_files["health"])
    assert read == read_health_rules({"country": "VN", "rules": [rule()], "value_sets": {"vaccines": ["A", "B"]}})


def test_a_file_may_name_country_and_value_sets_and_the_policy_may_name_another_country() -> None:
    of_file, changed = (health_document.read(gathered(rules_file="whole.json", **more)["health"]) for more in ({}, {"country": "VN"}))
    assert (of_file.country, of_file.value_sets, changed.country) == ("AT", {"colours": ("red",)}, "VN")


def test_rules_in_shadows_and_of_single_gates_are_gathered_too() -> None:
    health = {"country": "VN", "rules_file": "rules.json"}
    told = health_document.gathered(
        {"shadow": {"health": health}, "gates": {"g1": {"health": health, "shadow": {"health": health}}, "g2": 7}}, fetch, names
    )
    one = gathered(**health)["health"]
    assert told == {"shadow": {"health": one}, "gates": {"g1": {"health": one, "shadow": {"health": one}}, "g2": 7}}


def test_rules_however_deep_fit_a_bundle_once_they_are_gathered() -> None:
    logic: Any = True
    for _ in range(20):
        logic = {"and": [logic, True]}
    policy = {"health": {"country": "VN", "rules": [rule(Logic=logic)]}}
    with pytest.raises(VerificationError):
        strict.decode(strict.encode(policy))
    whole = health_document.gathered(policy, fetch, names)
    assert strict.decode(strict.encode(whole)) == whole
    assert len(health_document.read(whole["health"]).rules) == 1


@pytest.mark.parametrize("name", ["bad.json", "deep.json", "nan.json"])
def test_a_file_that_holds_no_json_is_named(name: str) -> None:
    with pytest.raises(VerificationError, match=f"{name} is no JSON"):
        gathered(country="VN", rules_file=name)


def test_a_file_that_is_no_value_set_is_named() -> None:
    with pytest.raises(VerificationError, match=r"rules\.json is no value set"):
        health_document.gathered({"health": {"value_sets_folder": "x"}}, fetch, lambda _folder: ["rules.json"])


@pytest.mark.parametrize("health", [{"rules": [], "rules_file": "rules.json"}, {"rules_file": 7}, {"value_sets": {}, "value_sets_folder": "sets"}])
def test_a_file_and_its_content_do_not_stand_beside_each_other(health: dict[str, Any]) -> None:
    with pytest.raises(VerificationError, match="does not stand beside it"):
        gathered(**health)


@pytest.mark.parametrize("table", [{"document": 7}, {"document": "{}", "country": "VN"}, {"document": " " * (DOCUMENT_MAX + 1)}])
def test_a_document_that_is_no_text_or_not_alone_or_too_long_is_refused(table: dict[str, Any]) -> None:
    with pytest.raises(VerificationError, match="stands alone"):
        health_document.read(table)


@pytest.mark.parametrize("text", ["[" * 100_000, "nothing", "[1e999]", "7"])
def test_a_document_that_holds_no_rules_is_refused(text: str) -> None:
    with pytest.raises(VerificationError):
        health_document.read({"document": text})


def test_rules_that_are_written_out_are_read_as_they_stand() -> None:
    table = {"country": "VN", "rules": [rule()]}
    assert health_document.read(table) == read_health_rules(table)


def test_rules_that_are_no_list_are_gathered_as_they_are_and_refused_when_they_are_read() -> None:
    whole = gathered(country="VN", rules="VR-VN-0001")
    with pytest.raises(VerificationError, match="a list of at most 200 is expected"):
        health_document.read(whole["health"])
