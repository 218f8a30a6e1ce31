"""Every fact that the gate writes is in the contract: words are looked for in its source and in its enumerations."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest

from device.admission.list_file import Unfit
from device.admission.lists import ListKind
from device.bundles.envelope import Kind, Refusal
from device.degraded import Health, Trouble
from device.domain import Alert, ClockTrust, CredentialKind, CrossingKind, Direction, EventType, Misread, PassageOutcome, Proof, Reason
from device.gate.condition import TOLD_BY_THE_EYES, TOLD_BY_THE_LANE
from device.gate.crossings import ALARM_OF
from device.gate.eyes import NO_READER
from device.links import EyesState
from device.turnstile.actions import Mishap
from device.uplink.presence import State
from provisioning.operations.alarms import What
from tests.contract.schemas import schema

DEVICE = Path(__file__).parents[2] / "device"
FACTS = ("alarm", "audit")
NAMED = ("alarm", "audit", "command")


def at(name: str, *path: str) -> dict[str, Any]:
    node: Any = schema(name)
    for step in path:
        node = node[step]
    words: dict[str, Any] = node
    return words


def field(name: str, *path: str) -> set[str]:
    """The known words of one field."""
    return set(at(name, *path)["x-words"])


WORDS: dict[str, tuple[set[str], Iterable[str]]] = {
    "decision reason": (field("decision", "properties", "reason"), Reason),
    "decision credential": (field("decision", "properties", "credential"), CredentialKind),
    "decision proof": (field("decision", "properties", "proof"), Proof),
    "decision shown": (field("decision", "properties", "shown"), Misread),
    "decision alert": (field("decision", "properties", "alert"), Alert),
    "decision direction": (field("decision", "properties", "direction"), Direction),
    "passage outcome": (field("passage", "properties", "outcome"), [*PassageOutcome, *CrossingKind]),
    "passage direction": (field("passage", "properties", "direction"), Direction),
    "clock": (field("event", "properties", "clockquality"), ClockTrust),
    "state": (field("state", "properties", "state"), State),
    "health": (field("health", "properties", "health"), Health),
    "trouble": (field("health", "properties", "troubles", "items", "properties", "trouble"), Trouble),
    "note": (field("note", "properties", "alarms", "items", "properties", "what"), What),
    "camera": (field("alarm", "$defs", "camera", "properties", "state"), [*EyesState, NO_READER]),
    "bundle": (field("alarm", "$defs", "bundle", "properties", "bundle"), Kind),
    "bundle refused": (field("alarm", "$defs", "bundle_refused", "properties", "why"), [*Refusal, "no_key"]),
    "list refused": (field("alarm", "$defs", "list_refused", "properties", "why"), Unfit),
    "list": (field("alarm", "$defs", "list_refused", "properties", "list"), ListKind),
}


@pytest.mark.parametrize(("known", "written"), WORDS.values(), ids=WORDS.keys())
def test_the_contract_knows_the_words_that_the_gate_has_and_no_others(known: set[str], written: Iterable[StrEnum]) -> None:
    assert known == {str(each) for each in written}


def test_each_type_of_event_has_a_schema_of_its_own() -> None:
    assert {kind: schema(kind)["$id"] for kind in EventType} == {kind: f"urn:qrgate:{kind}:1" for kind in EventType}


def test_every_word_of_the_gate_s_own_alarms_is_known() -> None:
    told = {str(each) for each in Trouble if each not in TOLD_BY_THE_LANE | TOLD_BY_THE_EYES}
    assert {*map(str, Alert), *map(str, Mishap), *ALARM_OF.values(), *told} - field("alarm", "properties", "what") == set()


def test_every_fact_that_the_source_writes_is_known() -> None:
    """``{"what": "…"}``, wherever in the device it stands: a new one belongs into the schema of its event."""
    known = {word for name in NAMED for word in field(name, "properties", "what")}
    assert {f"{path.relative_to(DEVICE)}: {word}" for path, word in written_facts() if word not in known} == set()


@pytest.mark.parametrize("name", FACTS)
def test_every_known_word_has_its_fields_in_one_place(name: str) -> None:
    branches = [branch["if"]["properties"]["what"]["enum"] for branch in at(name)["allOf"]]
    assert sorted(word for branch in branches for word in branch) == sorted(field(name, "properties", "what"))


def written_facts() -> Iterator[tuple[Path, str]]:
    for path in DEVICE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Dict):
                for key, value in zip(node.keys, node.values, strict=True):
                    if isinstance(key, ast.Constant) and key.value == "what" and isinstance(value, ast.Constant):
                        yield path, str(value.value)
