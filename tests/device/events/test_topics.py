from __future__ import annotations

import pytest

from device.domain import EventType
from device.events.topics import EVENTS_OF_ALL, STATES_OF_ALL, Topics, parse_event_topic

GATE = Topics("p1", "s1", "g1")


def covers(pattern: str, topic: str) -> bool:
    """MQTT's ``+``: any one level."""
    levels, own = pattern.split("/"), topic.split("/")
    return len(levels) == len(own) and all(level in ("+", name) for level, name in zip(levels, own, strict=True))


def test_a_gate_has_these_topics() -> None:
    topics = (GATE.state, GATE.health, GATE.confirmation, GATE.commands)
    assert topics == ("qg/v1/p1/s1/g1/state", "qg/v1/p1/s1/g1/health", "qg/v1/p1/s1/g1/ack", "qg/v1/p1/s1/g1/cmd/+")


@pytest.mark.parametrize("kind", EventType)
def test_an_events_topic_tells_whose_it_is(kind: EventType) -> None:
    topic = GATE.event(kind)
    assert (topic, parse_event_topic(topic), covers(EVENTS_OF_ALL, topic)) == (f"qg/v1/p1/s1/g1/event/{kind.value}", (GATE, kind.value), True)


def test_the_states_of_all_gates_and_nothing_else_are_covered_by_their_pattern() -> None:
    topics = (GATE.state, GATE.health, GATE.confirmation, GATE.commands, GATE.event(EventType.DECISION))
    assert [covers(STATES_OF_ALL, topic) for topic in topics] == [True, False, False, False, False]


STRANGE = [
    "",
    "/",
    "qg/v1/p1/s1/g1/event",
    "qg/v1/p1/s1/g1/event/",
    "qg/v1/p1/s1/g1/event/decision/more",
    "/qg/v1/p1/s1/g1/event/decision",
    "qg/v2/p1/s1/g1/event/decision",
    "QG/v1/p1/s1/g1/event/decision",
    "qg/v1/s1/g1/event/decision",
    "qg/v1//s1/g1/event/decision",
    "qg/v1/p1//g1/event/decision",
    "qg/v1/p1/s1//event/decision",
    "qg/v1/////decision",
    *(GATE.state, GATE.health, GATE.confirmation, GATE.commands),
]


@pytest.mark.parametrize("topic", STRANGE)
def test_other_topics_are_nobodys_event(topic: str) -> None:
    assert parse_event_topic(topic) is None


def test_a_kind_that_only_newer_gates_know_is_a_kind() -> None:
    assert parse_event_topic("qg/v1/p1/s1/g1/event/weather") == (GATE, "weather")
