"""``docs/mqtt.md``: the contract as a page, from the same files that judge the messages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.contract import examples, schemas
from tests.contract.channels import Channel, Message, channels, document

PAGE = schemas.DOCS / "mqtt.md"
TEMPLATE = Path(__file__).parent / "mqtt.template.md"
CDDL = schemas.FOLDER / "messages.cddl"
ROOT = "qg/v1/{province}/{site}/{gate}/"
SHORT = {"string": "text", "integer": "whole number", "boolean": "true or false", "array": "list", "object": "table", "null": "null"}


def page() -> str:
    text = TEMPLATE.read_text(encoding="utf-8")
    parts = {"topics": topics(), "connection": connection(), "messages": messages(), "cddl": CDDL.read_text(encoding="utf-8")}
    for name, part in parts.items():
        text = text.replace(f"<!-- {name} -->\n", part)
    return text


def topics() -> str:
    rows = ["| topic | written by | read by | kept by the broker | what |", "|---|---|---|---|---|"]
    for channel in channels().values():
        topic, readers = channel.address.removeprefix(ROOT), ", ".join(channel.readers) or "Home Assistant"
        rows.append(f"| `{topic}` | {', '.join(channel.writers)} | {readers} | {'yes' if channel.retained else 'no'} | {channel.about} |")
    return "\n".join(rows) + "\n"


def connection() -> str:
    """How a gate connects, by the bindings of the server."""
    told = document()["servers"]["broker"]["bindings"]["mqtt"]
    session_h, packet_kib = told["sessionExpiryInterval"] // 3600, told["maximumPacketSize"] // 1024
    window, keepalive_s, will_s = told["x-receive-maximum"], told["keepAlive"], told["x-will-delay-s"]
    return (
        f"A gate's session outlives it by {session_h} hours (clean start off). It takes {window} messages at a time and packets of at most\n"
        f"{packet_kib} KiB, says something every {keepalive_s} s at least, and leaves a will that the broker publishes when it has been gone\n"
        f"for {will_s} s.\n"
    )


def messages() -> str:
    parts = [envelope()]
    for channel in channels().values():
        parts += [message(channel, each) for each in channel.messages.values()]
    return "\n".join(parts)


def envelope() -> str:
    schema = schemas.schema("event")
    return "\n".join([f"### {schema['title']}", "", schema["description"], "", *fields(schema), "", *words(schema)])


def message(channel: Channel, told: Message) -> str:
    """One message: what it is, its fields, its words, and an example."""
    topic = channel.address.removeprefix(ROOT).replace("{type}", told.name)
    lines = [f"### `{topic}`: {told.name}", ""]
    if not told.schema:
        return "\n".join([*lines, f"{told.about} Content: `{told.content_type}`.", ""])
    schema = schemas.schema(told.schema)
    lines += [f"{schema['title']}. {schema['description']} Content: `{told.content_type}`, [schema](schemas/{told.schema}{schemas.SUFFIX}).", ""]
    lines += facts(schema) if "allOf" in schema else [*fields(schema), "", *words(schema)]
    return "\n".join([*lines, *example(told)])


def facts(schema: dict[str, Any]) -> list[str]:
    """Fields that depend on ``what``: a table of the words, and one of the fields of each group."""
    meanings = schema["properties"]["what"]["x-words"]
    lines = ["| `what` | it means |", "|---|---|", *(f"| `{word}` | {meaning} |" for word, meaning in meanings.items()), ""]
    for branch in schema["allOf"]:
        group = schema["$defs"][branch["then"]["$ref"].removeprefix("#/$defs/")]
        named = ", ".join(f"`{word}`" for word in branch["if"]["properties"]["what"]["enum"])
        own = {"required": group["required"], "properties": {name: each for name, each in group["properties"].items() if name != "what"}}
        if own["properties"]:
            lines += [f"{named}: {group['title'][0].lower()}{group['title'][1:]}.", "", *fields(own), "", *words(own)]
    return lines


def fields(schema: dict[str, Any]) -> list[str]:
    rows = ["| field | form | always | meaning |", "|---|---|---|---|"]
    for name, each, always in _flat(schema, ""):
        rows.append(f"| `{name}` | {_form(each)} | {'yes' if always else ''} | {each['description']} |")
    return rows


def words(schema: dict[str, Any]) -> list[str]:
    """The known words of each field that has some, with their meanings."""
    lines = [
        f"* `{name}`: " + "; ".join(f"`{word}` {meaning.replace('; ', ', ')}" for word, meaning in each["x-words"].items())
        for name, each, _ in _flat(schema, "")
        if "x-words" in each
    ]
    return [*lines, ""] if lines else []


def example(told: Message) -> list[str]:
    found = examples.messages().get(told.name)
    if found is None:
        return []
    topic, body = found
    shown = json.dumps(json.loads(body), ensure_ascii=False, indent=2)
    return [f"On `{topic}`:", "", "```json", shown, "```", ""]


def _flat(schema: dict[str, Any], prefix: str) -> Iterator[tuple[str, dict[str, Any], bool]]:
    """Every field with its path: ``timing.opened_ns``, ``troubles[].trouble``."""
    for name, each in schema["properties"].items():
        yield f"{prefix}{name}", each, name in schema.get("required", ())
        inner, step = (each["items"], "[].") if each.get("type") == "array" else (each, ".")
        if "properties" in inner:
            yield from _flat(inner, f"{prefix}{name}{step}")


def _form(field: dict[str, Any]) -> str:
    if "const" in field:
        return f"`{json.dumps(field['const'])}`"
    kinds = field["type"] if isinstance(field["type"], list) else [field["type"]]
    return " or ".join("word" if kind == "string" and "x-words" in field else SHORT[kind] for kind in kinds)
