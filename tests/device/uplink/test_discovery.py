from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from device.events.topics import Topics
from device.settings import Broker
from device.uplink import discovery

TOPICS = Topics("p1", "s1", "g1")
BROKER = Broker(host="h", ca_file=Path("c"), certificate_file=Path("g"), key_file=Path("k"), discovery_prefix="ha")
NOW = datetime(2026, 1, 2, tzinfo=UTC)


def described() -> dict[str, Any]:
    topic, body = discovery.message(TOPICS, BROKER, "1.2")
    assert topic == "ha/device/g1/config"
    content: dict[str, Any] = json.loads(body)
    return content


def rendered(template: str, payload: object) -> str:
    """As Home Assistant does it, which has Jinja2 and some functions more."""
    environment = pytest.importorskip("jinja2", reason="Home Assistant's templates need jinja2").Environment()
    environment.globals |= {"now": lambda: NOW, "as_datetime": datetime.fromisoformat}
    environment.filters["to_json"] = json.dumps
    return str(environment.from_string(template).render(value_json=payload))


def test_one_device_has_its_parts_under_ids_of_its_own() -> None:
    content = described()
    assert content["device"] == {"identifiers": ["qrgate_g1"], "name": "g1", "model": "qrgate", "sw_version": "1.2"}
    assert content["origin"] == {"name": "qrgate", "sw_version": "1.2"}
    assert {name: (each["platform"], each["unique_id"], each["state_topic"]) for name, each in content["components"].items()} == {
        "connection": ("binary_sensor", "qrgate_g1_connection", TOPICS.state),
        "problem": ("binary_sensor", "qrgate_g1_problem", TOPICS.health),
        "decision": ("event", "qrgate_g1_decision", "qg/v1/p1/s1/g1/event/decision"),
    }


@pytest.mark.parametrize(
    ("state", "connection", "availability"), [("ready", "ON", "online"), ("lost", "OFF", "offline"), ("disconnected", "OFF", "offline")]
)
def test_what_a_gate_says_stands_while_it_is_ready(state: str, connection: str, availability: str) -> None:
    parts = described()["components"]
    (on,) = parts["problem"]["availability"]
    assert on == parts["decision"]["availability"][0]
    assert (on["topic"], rendered(on["value_template"], {"state": state})) == (TOPICS.state, availability)
    assert rendered(parts["connection"]["value_template"], {"state": state}) == connection


@pytest.mark.parametrize(("health", "problem"), [("ok", "OFF"), ("degraded", "ON"), ("free", "ON"), ("out_of_order", "ON")])
def test_every_health_but_a_good_one_is_a_problem(health: str, problem: str) -> None:
    assert rendered(described()["components"]["problem"]["value_template"], {"health": health, "troubles": []}) == problem


@pytest.mark.parametrize(("admit", "kind"), [(True, "admitted"), (False, "refused")])
def test_a_decision_of_now_is_an_event_with_its_reason_and_without_the_person(admit: bool, kind: str) -> None:
    template = described()["components"]["decision"]["value_template"]
    data = {"admit": admit, "reason": "why", "person": "5a" * 16}
    fresh, late = ({"time": (NOW - timedelta(seconds=age_s)).isoformat(), "data": data} for age_s in (1, 60))
    assert json.loads(rendered(template, fresh)) == {"event_type": kind, "reason": "why"}
    assert rendered(template, late) == ""
