"""Whoever puts something on a test's wire that the contract does not allow hears of it."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.brokers import Broker, Observer, make_authority, needs_mosquitto
from tests.contract.channels import channels
from tests.contract.examples import TOPICS, messages
from tests.contract.stand_ins import EVERYTHING, MADE_UP, made_up_by
from tests.contract.witness import Said, judged, report

HEALTH = b'{"health":"ok","troubles":[]}'


@needs_mosquitto
def test_a_broker_on_which_all_is_well_ends_without_a_word(tmp_path: Path) -> None:
    make_authority(tmp_path)
    with Broker(tmp_path) as broker, Observer(broker) as observer:
        for topic, body in (messages()[name] for name in ("decision", "passage", "audit", "reply")):
            observer.publish(topic, body)


@needs_mosquitto
def test_a_test_that_says_what_no_gate_says_fails(tmp_path: Path) -> None:
    make_authority(tmp_path)
    broker = Broker(tmp_path)
    with pytest.raises(AssertionError, match="g-999/event/decision: not JSON"), broker, Observer(broker) as observer:
        observer.publish(messages()["decision"][0], b"hello")


@needs_mosquitto
def test_what_was_said_before_a_restart_is_judged_too(tmp_path: Path) -> None:
    make_authority(tmp_path)
    broker = Broker(tmp_path)
    with pytest.raises(AssertionError, match="not in the contract"), broker:
        gossip(broker)


def gossip(broker: Broker) -> None:
    with Observer(broker) as observer:
        observer.publish("qg/v1/p-999/s-999/g-999/gossip", b"{}")
    broker.end(signal.SIGTERM)
    broker.start()


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        (Said(TOPICS.health, HEALTH, retained=True, content_type="application/json"), []),
        (Said(TOPICS.health, HEALTH, retained=True, content_type=None), []),  # MQTT 3.1.1 has none
        (Said(TOPICS.health, HEALTH, retained=False, content_type="application/json"), ["not retained"]),
        (Said(TOPICS.health, HEALTH, retained=True, content_type="text/plain"), ["content type text/plain"]),
        (Said(messages()["audit"][0], messages()["audit"][1], retained=True, content_type=None), ["retained"]),
        (Said(TOPICS.health, b"", retained=True, content_type=None), []),  # takes it back
    ],
)
def test_how_it_was_said_is_judged(said: Said, wrong: list[str]) -> None:
    assert judged(said) == [f"{said.topic}: {each}" for each in wrong]


def test_a_report_is_short_and_tells_what_to_do() -> None:
    lines = report([f"message {number}" for number in range(50)]).splitlines()
    assert (len(lines), lines[-2]) == (13, "and 40 more")
    assert "tests/contract/stand_ins.py" in lines[-1]


def test_what_tests_make_up_is_declared_for_channels_that_exist_and_tests_that_exist() -> None:
    root = Path(__file__).parents[2]
    assert {*channels(), "else"} == EVERYTHING
    assert [beginning for beginning in MADE_UP if not (root / beginning.partition("::")[0]).exists()] == []
    assert made_up_by("tests/contract/test_witness.py::test (call)") == frozenset()
