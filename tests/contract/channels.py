"""``docs/asyncapi.yaml`` as values: which topic carries which messages, who writes it, who reads it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import PurePosixPath
from typing import Any

import yaml

from tests.contract.schemas import DOCS, SUFFIX

FILE = DOCS / "asyncapi.yaml"


@dataclass(frozen=True, slots=True)
class Message:
    """``schema`` names the file in ``docs/schemas`` that the payload follows (an event's ``data``), or is empty for CBOR."""

    name: str
    content_type: str
    schema: str
    is_event: bool
    payload_format: int | None
    about: str


@dataclass(frozen=True, slots=True)
class Channel:
    """``writers`` and ``readers`` are sides: gate, recorder, commander, watcher. ``qos`` and ``retained`` are one for all of them."""

    name: str
    title: str
    about: str
    address: str
    parameters: dict[str, Any]
    messages: dict[str, Message]
    writers: tuple[str, ...]
    readers: tuple[str, ...]
    qos: int
    retained: bool

    @property
    def pattern(self) -> re.Pattern[str]:
        """Each parameter is one level of the topic."""
        return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/+#]+)", re.escape(self.address)))


@cache
def document() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return read


def resolved(node: dict[str, Any]) -> dict[str, Any]:
    """What ``node`` stands for, if it is a reference into this document. Raises LookupError where that leads nowhere."""
    target: Any = node
    while "$ref" in target and target["$ref"].startswith("#/"):
        path = target["$ref"].removeprefix("#/").split("/")
        target = document()
        for step in path:
            target = target[step]
    found: dict[str, Any] = target
    return found


@cache
def channels() -> dict[str, Channel]:
    return {name: _channel(name, resolved(node)) for name, node in document()["channels"].items()}


def channel_of(topic: str) -> tuple[Channel, dict[str, str]] | None:
    """The channel of ``topic``, and its parameters; ``None`` where the contract does not know the topic."""
    for channel in channels().values():
        if found := channel.pattern.fullmatch(topic):
            return channel, found.groupdict()
    return None


def _channel(name: str, node: dict[str, Any]) -> Channel:
    operations = [each for each in document()["operations"].values() if each["channel"]["$ref"] == f"#/channels/{name}"]
    bindings = {(each["bindings"]["mqtt"]["qos"], each["bindings"]["mqtt"]["retain"]) for each in operations}
    ((qos, retained),) = bindings
    return Channel(
        name=name,
        title=node["title"],
        about=node["description"],
        address=node["address"],
        parameters=node["parameters"],
        messages={each: _message(each, resolved(message)) for each, message in node["messages"].items()},
        writers=tuple(each["x-side"] for each in operations if each["action"] == "send"),
        readers=tuple(each["x-side"] for each in operations if each["action"] == "receive"),
        qos=qos,
        retained=retained,
    )


def _message(name: str, node: dict[str, Any]) -> Message:
    for trait in node.get("traits", ()):
        node = resolved(trait) | node
    payload = node["payload"]
    is_event = "allOf" in payload
    reference = payload["allOf"][1]["properties"]["data"] if is_event else payload
    return Message(
        name=name,
        content_type=node["contentType"],
        schema=PurePosixPath(reference.get("$ref", "")).name.removesuffix(SUFFIX),
        is_event=is_event,
        payload_format=node.get("bindings", {}).get("mqtt", {}).get("payloadFormatIndicator"),
        about=node.get("description", ""),
    )
