"""``--set TABLE.KEY=VALUE``: one key of a gate's settings, named as the settings themselves name it."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import fields
from enum import StrEnum
from pathlib import Path
from typing import Any, get_origin, get_type_hints

from device.errors import UsageError
from device.settings import GATE_TABLES, SITE_TABLES

TABLES: dict[str, type] = {**GATE_TABLES, **SITE_TABLES}


def apply(options: Iterable[str], values: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """``values`` with every option put in; an empty VALUE takes the key out, so that its default holds.

    Values are judged later, by ``device.config``: here only their spelling counts.

    Raises:
        UsageError: options that are not ``TABLE.KEY=VALUE``, or name no key there is; all of them at once.
    """
    changed = {table: dict(keys) for table, keys in values.items()}
    errors = []
    for option in options:
        try:
            _put(option, changed)
        except UsageError as error:
            errors.append(error)
    if len(errors) == 1:
        raise errors[0]
    if errors:
        listing = "\n".join(f"  {error.what} ({error.hint})" for error in errors)
        raise UsageError(f"{len(errors)} options are wrong:\n{listing}", hint="mend them and try again")
    return changed


def _put(option: str, changed: dict[str, dict[str, Any]]) -> None:
    name, equals, text = option.partition("=")
    table, dot, key = name.partition(".")
    if not (equals and dot):
        raise UsageError(f"--set {option}: expected TABLE.KEY=VALUE", hint="for example --set reader.source=webcam --set reader.path=/dev/video0")
    hint = _hint_of(table, key)
    keys = changed.setdefault(table, {})
    keys.pop(key, None)
    if text:
        keys[key] = _value(option, text, hint)


def _hint_of(table: str, key: str) -> Any:
    if table not in TABLES:
        raise UsageError(f"--set: there is no table {table!r}", hint=_nearest(table, TABLES))
    names = [each.name for each in fields(TABLES[table])]
    if key not in names:
        raise UsageError(f"--set: [{table}] has no key {key!r}", hint=_nearest(key, names))
    return get_type_hints(TABLES[table])[key]


def _value(option: str, text: str, hint: Any) -> Any:
    """Texts need no quotes here and lists no brackets: a shell would eat them."""
    if get_origin(hint) is tuple:
        return tuple(text.split(","))
    if isinstance(hint, type) and issubclass(hint, (str, StrEnum, Path)):
        return text
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        raise UsageError(f"--set {option}: {text!r} is no value for this key", hint="a number, or true or false") from None


def _nearest(name: str, known: Iterable[str]) -> str:
    known = list(known)
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
