"""Old gates and new ones: what a consumer must be able to take, written out as it stood or may stand on the wire."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.contract import schemas
from tests.contract.examples import messages
from tests.contract.reading import violations

OF_BEFORE: dict[str, tuple[str, str]] = {
    "a birth without key, head and capabilities": (
        "qg/v1/p-999/s-999/g-998/state",
        '{"state":"ready","gate":"g-998","boot":"99999999-9999-4999-8999-999999999998","epoch":"9980000000000000","last_sequence":41,"version":"0.1.0"}',
    ),
    "its will": (
        "qg/v1/p-999/s-999/g-998/state",
        '{"state":"lost","gate":"g-998","boot":"99999999-9999-4999-8999-999999999998","epoch":"9980000000000000","last_sequence":41,"version":"0.1.0"}',
    ),
    "a health": ("qg/v1/p-999/s-999/g-998/health", '{"health":"degraded","troubles":[{"trouble":"broker_away"},{"trouble":"tamper","about":"x"}]}'),
    "a decision": (
        "qg/v1/p-999/s-999/g-998/event/decision",
        (
            '{"specversion":"1.0","id":"g-998-9980000000000000-00000000000000000042","source":"/gates/g-998","type":"qrgate.decision",'
            '"time":"2026-10-01T02:03:04.005Z","subject":"0badcafe-998","datacontenttype":"application/json","dataschema":"urn:qrgate:decision:1",'
            '"sequence":"00000000000000000042","epoch":"9980000000000000","bootid":"99999999-9999-4999-8999-999999999998","clockquality":"untrusted",'
            '"previoushash":"0000000000000000000000000000000000000000000000000000000000000998",'
            '"data":{"presentation":"0badcafe-998","direction":"entry","admit":false,"reason":"payment_code","shown":"payment","frame":998,'
            '"frame_ns":9980000000,"decoded_ns":9980400000,"stage":"half"}}'
        ),
    ),
    "an event about an event that was refused": (
        "qg/v1/p-999/s-999/g-998/event/alarm",
        (
            '{"specversion":"1.0","id":"g-998-9980000000000000-00000000000000000043","source":"/gates/g-998","type":"qrgate.alarm",'
            '"time":"2026-10-01T02:03:04.005Z","subject":"gate","datacontenttype":"application/json","dataschema":"urn:qrgate:alarm:1",'
            '"sequence":"00000000000000000043","epoch":"9980000000000000","bootid":"99999999-9999-4999-8999-999999999998","clockquality":"trusted",'
            '"previoushash":"0000000000000000000000000000000000000000000000000000000000000998",'
            '"data":{"what":"refused_by_broker","sequence":42,"code":153}}'
        ),
    ),
}
"""Messages of version 0.1, whose gates stand in lanes for years."""


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize(("topic", "body"), OF_BEFORE.values(), ids=OF_BEFORE.keys())
def test_what_a_gate_of_before_says_is_still_in_the_contract(topic: str, body: str, *, strict: bool) -> None:
    assert violations(topic, body.encode(), strict=strict) == []


def of_tomorrow(told: Any) -> Any:
    """The same, and more: a field in every table, an unknown word wherever words are known."""
    if isinstance(told, list):
        return [of_tomorrow(each) for each in told]
    return {name: of_tomorrow(each) for name, each in told.items()} | {"of_tomorrow": {"x": 1}} if isinstance(told, dict) else told


@pytest.mark.parametrize("name", messages())
def test_a_consumer_takes_what_a_newer_gate_adds(name: str) -> None:
    topic, body = messages()[name]
    newer = json.dumps(of_tomorrow(json.loads(body))).encode()
    assert violations(topic, newer, strict=False) == []
    assert violations(topic, newer) != []  # and a gate of this version does not add it


WORDS_OF_TOMORROW: dict[str, dict[str, Any]] = {
    "decision": {"reason": "of_tomorrow", "credential": "of_tomorrow", "proof": "of_tomorrow"},
    "passage": {"outcome": "of_tomorrow", "direction": "of_tomorrow"},
    "alarm": {"what": "of_tomorrow"},
    "command": {"what": "of_tomorrow", "outcome": "of_tomorrow"},
    "audit": {"what": "of_tomorrow"},
}


@pytest.mark.parametrize("name", WORDS_OF_TOMORROW)
def test_a_consumer_takes_words_that_it_does_not_know(name: str) -> None:
    topic, body = messages()[name]
    event = json.loads(body)
    assert violations(topic, json.dumps(event | {"data": event["data"] | WORDS_OF_TOMORROW[name]}).encode(), strict=False) == []


def test_a_consumer_takes_an_event_of_a_type_and_of_a_schema_that_it_does_not_know() -> None:
    _, body = messages()["audit"]
    weather = json.loads(body) | {"type": "qrgate.weather", "dataschema": "urn:qrgate:weather:3", "data": {"rain_mm": 1}}
    topic = "qg/v1/p-999/s-999/g-999/event/weather"
    assert violations(topic, json.dumps(weather).encode(), strict=False) == []
    assert violations(topic, json.dumps(weather).encode()) == [f"{topic}: urn:qrgate:weather:3 is not in the contract"]


def test_a_consumer_does_not_take_less_than_was_promised() -> None:
    for name, (topic, body) in messages().items():
        told = json.loads(body)
        required = schemas.schema("event" if "specversion" in told else name)["required"]
        for field in required:
            assert violations(topic, json.dumps({key: value for key, value in told.items() if key != field}).encode(), strict=False) != []
