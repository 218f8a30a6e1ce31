"""Settings files for people: every key stands there, with a comment above it that comes from the schema itself."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from enum import StrEnum
from typing import Any, get_type_hints

from device.errors import UsageError

COMMENT_COLUMNS = 118

Values = Mapping[str, Mapping[str, Any]]
"""Table -> key -> value. A key that is not here keeps its default and stands in the file as a comment."""


def render(tables: Mapping[str, type], values: Values, *, head: str) -> str:
    """The text of one settings file: ``head`` as its first comment, then every table and every key."""
    parts = [_comment(head)]
    for table, kind in tables.items():
        hints = get_type_hints(kind)
        given = values.get(table, {})
        keys = [_key_text(each, hints[each.name], given) for each in fields(kind)]
        parts.append("\n".join([f"\n[{table}]", *keys]))
    return "\n".join(parts) + "\n"


def value_text(value: Any) -> str:
    """``value`` as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(value_text(each) for each in value)}]"
    return _quoted(str(value))


def _quoted(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise UsageError(f"{text!r} is not UTF-8", hint="settings files are UTF-8; rename the file or folder") from error
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")  # JSON's escapes are TOML's, but for DEL


def _key_text(each: Field[Any], hint: Any, given: Mapping[str, Any]) -> str:
    about = _comment(". ".join(part for part in (each.metadata["about"], _bounds(each, hint)) if part))
    if each.name in given:
        return f"{about}\n{each.name} = {value_text(given[each.name])}"
    if each.default is None or each.default is MISSING:
        return f"{about}\n#{each.name} ="
    return f"{about}\n#{each.name} = {value_text(each.default)}"


def _bounds(each: Field[Any], hint: Any) -> str:
    low, high = each.metadata["low"], each.metadata["high"]
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return f"One of {', '.join(choice.value for choice in hint)}"
    if low is not None and high is not None:
        return f"{low} to {high}"
    return ""


def _comment(text: str) -> str:
    lines = [line for paragraph in text.splitlines() for line in textwrap.wrap(paragraph, COMMENT_COLUMNS) or [""]]
    return "\n".join(f"# {line}".rstrip() for line in lines)
