"""What Home Assistant is told about this gate, where the settings ask for it: one retained message describes the whole device.

Its form is Home Assistant's "MQTT discovery" for devices (documentation of its MQTT integration; since 2024.11). The templates
run there, over the messages that the gate sends anyway; of a decision they show the outcome and its reason, and of whom nothing.
"""

from __future__ import annotations

import json
from typing import Any

from device.domain import EventType
from device.events.topics import Topics
from device.settings import Broker
from device.uplink.presence import State

FRESH_S = 60
"""Home Assistant gives an event the time of its arrival, so one that comes out of a backlog must not look like a person at the gate."""


def message(topics: Topics, broker: Broker, version: str) -> tuple[str, bytes]:
    """Topic and body, UTF-8 JSON; ``version`` is the gate's own."""
    device = f"qrgate_{topics.gate}"
    content = {
        "device": {"identifiers": [device], "name": topics.gate, "model": "qrgate", "sw_version": version},
        "origin": {"name": "qrgate", "sw_version": version},
        "qos": 1,
        "components": {name: {"unique_id": f"{device}_{name}"} | each for name, each in _components(topics).items()},
    }
    return f"{broker.discovery_prefix}/device/{topics.gate}/config", json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()


def _components(topics: Topics) -> dict[str, dict[str, Any]]:
    ready = f"value_json.state == '{State.READY}'"
    while_ready = {"availability": [{"topic": topics.state, "value_template": f"{{{{ 'online' if {ready} else 'offline' }}}}"}]}
    return {
        "connection": {
            "platform": "binary_sensor",
            "name": "Connection",
            "device_class": "connectivity",
            "entity_category": "diagnostic",
            "state_topic": topics.state,
            "value_template": f"{{{{ 'ON' if {ready} else 'OFF' }}}}",
        },
        "problem": {
            "platform": "binary_sensor",
            "name": "Problem",
            "device_class": "problem",
            "state_topic": topics.health,
            "value_template": "{{ 'OFF' if value_json.health == 'ok' else 'ON' }}",
            "json_attributes_topic": topics.health,
        }
        | while_ready,
        "decision": {
            "platform": "event",
            "name": "Decision",
            "event_types": ["admitted", "refused"],
            "state_topic": topics.event(EventType.DECISION),
            "value_template": f"{{% if (now() - as_datetime(value_json.time)).total_seconds() < {FRESH_S} %}}"
            "{{ {'event_type': 'admitted' if value_json.data.admit else 'refused', 'reason': value_json.data.reason} | to_json }}"
            "{% endif %}",
        }
        | while_ready,
    }
