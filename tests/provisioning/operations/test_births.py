from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.events.topics import Topics
from provisioning.operations.arrivals import Ignored
from provisioning.operations.births import Birth, read
from tests.provisioning.live import PROVINCE, SITE
from tests.provisioning.operations.played import Card

TOPIC = f"qg/v1/{PROVINCE}/{SITE}/g-a/state"
OLD = {"state": "ready", "gate": "g-a", "boot": "boot-1", "epoch": "e1", "last_sequence": 7, "version": "0.1"}


def test_a_birth_tells_boot_epoch_key_and_head() -> None:
    card = Card()
    card.decide()
    found = read(TOPIC, card.birth_body(capabilities=["void"], later={"more": 1}), province=PROVINCE, fresh=True)
    assert isinstance(found, Birth)
    assert (found.boot, found.epoch, found.last_sequence, found.key, len(found.head) > 64) == ("boot-1", "e1", 1, card.public, True)
    assert found.capabilities == {"void"}


def test_a_gate_of_before_has_neither_key_nor_head() -> None:
    expected = Birth(Topics(PROVINCE, SITE, "g-a"), "boot-1", "e1", 7, b"", b"", fresh=False)
    assert read(TOPIC, json.dumps(OLD).encode(), province=PROVINCE, fresh=False) == expected


@pytest.mark.parametrize("told", [None, "commands", {"commands": 1}, [["commands"], 7, None]])
def test_capabilities_that_are_no_words_are_none(told: object) -> None:
    found = read(TOPIC, json.dumps(OLD | {"capabilities": told}).encode(), province=PROVINCE, fresh=True)
    assert isinstance(found, Birth)
    assert found.capabilities == frozenset()


@pytest.mark.parametrize("state", ["disconnected", "lost", "asleep"])
def test_a_farewell_is_no_birth(state: str) -> None:
    assert read(TOPIC, json.dumps(OLD | {"state": state}).encode(), province=PROVINCE, fresh=True) is None


@pytest.mark.parametrize(
    "changes",
    [{"gate": "g-b"}, {"boot": "a b"}, {"boot": 1}, {"epoch": "\ud800"}, {"last_sequence": -1}, {"last_sequence": True}, {"last_sequence": 2**63}],
)
def test_what_does_not_say_where_it_stands_is_ignored(changes: dict[str, Any]) -> None:
    assert read(TOPIC, json.dumps(OLD | changes).encode(), province=PROVINCE, fresh=True) == Ignored("not a birth message")


@given(st.text(), st.binary())
def test_any_bytes_on_any_topic_give_an_answer(topic: str, body: bytes) -> None:
    assert isinstance(read(topic, body, province=PROVINCE, fresh=True), Ignored)
    assert not isinstance(read(TOPIC, body, province=PROVINCE, fresh=True), Birth)  # an object without a state is no birth, and nothing to be told
    assert isinstance(read(TOPIC.replace(PROVINCE, "p-998"), body, province=PROVINCE, fresh=True), Ignored)
