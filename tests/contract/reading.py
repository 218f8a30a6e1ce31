"""One message held against the contract: topic, payload, and, where they were seen, what came beside it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import cbor2

from device.commands import asking, chunk, order, signed_time
from device.errors import VerificationError
from device.events import confirmation
from device.events.cloudevents import event_id
from tests.contract import schemas
from tests.contract.channels import Channel, channel_of

ENVELOPE = "event"
HOME_ASSISTANT = "home-assistant"


def violations(topic: str, payload: bytes, *, strict: bool = True) -> list[str]:
    """What breaks the contract, in sentences that name the topic; none where all is well.

    ``strict`` is how a gate of this version may write; without it, what a consumer must be able to take.
    """
    found = channel_of(topic)
    if found is None:
        return [f"{topic}: not in the contract"] if strict else []
    channel, parameters = found
    if channel.name == "event":
        wrong = _event(parameters, payload, strict=strict)
    elif channel.name in CBOR:
        wrong = _cbor(channel, parameters, payload)
    else:
        (message,) = channel.messages.values()
        wrong = _json(message.schema or HOME_ASSISTANT, payload, strict=strict)
    return [f"{topic}: {each}" for each in wrong]


def _event(parameters: dict[str, str], payload: bytes, *, strict: bool) -> list[str]:
    event = _object(payload)
    if isinstance(event, str):
        return [event]
    wrong = schemas.violations(ENVELOPE, event, strict=strict)
    if wrong:
        return wrong
    if event["type"] != f"qrgate.{parameters['type']}":
        wrong.append("type and topic differ")
    if event["source"] != f"/gates/{parameters['gate']}":
        wrong.append("source and topic name different gates")
    if event["id"] != event_id(parameters["gate"], event["epoch"], int(event["sequence"])):
        wrong.append("id and sequence differ")
    if bool(event["previoushash"]) == (int(event["sequence"]) == 1):
        wrong.append("only the first event of an epoch has none before it")
    if (name := schemas.of_urn(event["dataschema"])) is not None:
        wrong += schemas.violations(name, event["data"], strict=strict)
    elif strict:
        wrong.append(f"{event['dataschema']} is not in the contract")
    return wrong


def _confirmation(payload: bytes) -> str:
    return confirmation.decode(cbor2.loads(payload).value[2]).gate


def _order(payload: bytes) -> str:
    return order.decode(order.unproven(order.read_message(payload)[0])).gate


def _time(payload: bytes) -> str:
    return signed_time.decode(payload).gate


def _for_anybody(decode: Callable[[bytes], object]) -> Callable[[bytes], None]:
    def read(payload: bytes) -> None:
        decode(payload)

    return read


UNSIGNED: dict[str, Callable[[bytes], str | None]] = {asking.CHALLENGE: _for_anybody(asking.decode_ask), chunk.VERB: _for_anybody(chunk.decode)}
CBOR: dict[str, Callable[[str], Callable[[bytes], str | None]]] = {
    "confirmation": lambda _verb: _confirmation,
    "command": lambda verb: UNSIGNED.get(verb, _order),
    "time": lambda _verb: _time,
}
"""Channel -> what reads its messages: the gate for which each is, ``None`` where it does not say. Whether a signature holds is
for those to judge who have the key."""


def _cbor(channel: Channel, parameters: dict[str, str], payload: bytes) -> list[str]:
    try:
        gate = CBOR[channel.name](parameters.get("verb", ""))(payload)
    except (cbor2.CBORError, VerificationError, AttributeError, TypeError, LookupError, ValueError) as error:
        return [f"no {channel.name}: {error}"]
    return [] if gate in {None, parameters["gate"]} else ["for another gate than the topic says"]


def _json(name: str, payload: bytes, *, strict: bool) -> list[str]:
    content = _object(payload)
    return [content] if isinstance(content, str) else schemas.violations(name, content, strict=strict)


def _object(payload: bytes) -> dict[str, Any] | str:
    """A JSON object, or what is wrong with it."""
    try:
        content = json.loads(payload)
    except (ValueError, RecursionError):
        return "not JSON"
    return content if isinstance(content, dict) else "not a JSON object"
