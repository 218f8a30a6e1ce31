"""The JSON Schemas of ``docs/schemas``, in two readings.

*Open* is a consumer's: unknown fields and unknown words are there to be ignored, so that a newer gate is not refused.
*Strict* is ours: a gate of this version writes no field and no word that the contract does not name. ``x-words`` holds the
words that are known, each with its meaning. An object is closed where its fields are all named in one place; where they
depend on a word (``allOf``), each of those places is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend

DOCS = Path(__file__).parents[2] / "docs"
FOLDER = DOCS / "schemas"
OF_OTHERS = Path(__file__).parent
"""What is not ours to publish: Home Assistant's schema, written from its documentation."""
SUFFIX = ".schema.json"
FOUND_MAX = 20
"""Violations told of one message."""


def names() -> list[str]:
    return sorted(path.name.removesuffix(SUFFIX) for path in FOLDER.glob(f"*{SUFFIX}"))


@cache
def schema(name: str) -> dict[str, Any]:
    folder = FOLDER if (FOLDER / f"{name}{SUFFIX}").exists() else OF_OTHERS
    read: dict[str, Any] = json.loads((folder / f"{name}{SUFFIX}").read_text(encoding="utf-8"))
    return read


def of_urn(urn: str) -> str | None:
    """The schema that ``dataschema`` names, or ``None`` where this version does not have it."""
    return next((name for name in names() if schema(name)["$id"] == urn), None)


def violations(name: str, instance: Any, *, strict: bool) -> list[str]:
    """Where ``instance`` breaks the schema, each a place and a sentence."""
    errors = islice(_validator(name, strict=strict).iter_errors(instance), FOUND_MAX)
    return [f"{name}{''.join(f'.{step}' for step in error.absolute_path)}: {error.message[:200]}" for error in errors]


@cache
def _validator(name: str, *, strict: bool) -> Validator:
    made: Validator = (_Strict if strict else Draft202012Validator)(schema(name))
    return made


def _known_words(_validator: Validator, words: dict[str, str], instance: object, _schema: dict[str, Any]) -> Iterator[ValidationError]:
    if isinstance(instance, str) and instance not in words:
        yield ValidationError(f"{instance!r} is not among the known words")


def _known_fields(validator: Validator, fields: dict[str, Any], instance: object, schema: dict[str, Any]) -> Iterator[ValidationError]:
    yield from Draft202012Validator.VALIDATORS["properties"](validator, fields, instance, schema)
    if isinstance(instance, dict) and schema.get("type") == "object" and not {"allOf", "additionalProperties"} & schema.keys():
        for unknown in sorted(instance.keys() - fields.keys()):
            yield ValidationError(f"the field {unknown!r} is not in the contract")


_Strict: Any = extend(Draft202012Validator, {"x-words": _known_words, "properties": _known_fields})  # type: ignore[no-untyped-call]
