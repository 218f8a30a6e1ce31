"""Health rules as a policy holds them: written out, or the files that hold them, or, once it is signed, one JSON text.

Rules are operators within operators, as deep as their authors liked. A bundle is shallow by its own rules, so the office puts
rules into it as text, and only what the gate goes by: descriptions in twenty languages stay in the office.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from device.admission.health_rules import HealthRules, read_health_rules
from device.errors import VerificationError

DOCUMENT, RULES_FILE, VALUE_SETS_FOLDER = "document", "rules_file", "value_sets_folder"
DOCUMENT_MAX = 512 * 1024
"""Characters; half of what a bundle may have. The published rules of a country have some tens of thousands."""
OF_A_RULE = (
    *("Identifier", "Type", "Country", "Region", "Version", "CertificateType", "ValidFrom", "ValidTo", "Logic"),
    *("Engine", "EngineVersion", "SchemaVersion"),
)
"""All that ``health_rule.read_rule`` looks at: what is left out here would be a limit that the gate does not know of."""

Fetch = Callable[[str], bytes]
"""A file's name, relative to the policy -> its bytes. Raises QrgateError."""
Names = Callable[[str], Iterable[str]]
"""A folder's name, relative to the policy -> the names of the JSON files in it, relative to the policy too. Raises QrgateError."""


def read(table: Mapping[str, Any]) -> HealthRules:
    """The rules of ``[health]`` in a policy; files must have been gathered before. Raises VerificationError."""
    if DOCUMENT not in table:
        return read_health_rules(table)
    text = table[DOCUMENT]
    if set(table) != {DOCUMENT} or not isinstance(text, str) or len(text) > DOCUMENT_MAX:
        raise VerificationError(f"{DOCUMENT} is a JSON text of at most {DOCUMENT_MAX} characters, and stands alone")
    return read_health_rules(_parsed(text, DOCUMENT))


def gathered(policy: Mapping[str, Any], fetch: Fetch, names: Names) -> dict[str, Any]:
    """``policy`` with every ``[health]`` in it as one text, files and all.

    Raises:
        VerificationError: a file holds no JSON, or both a file and its content are given.
        QrgateError: whatever ``fetch`` and ``names`` raise.
    """
    whole = dict(policy)
    if isinstance(health := whole.get("health"), Mapping) and DOCUMENT not in health:
        whole["health"] = {DOCUMENT: _text(health, fetch, names)}
    if isinstance(shadow := whole.get("shadow"), Mapping):
        whole["shadow"] = gathered(shadow, fetch, names)
    if isinstance(gates := whole.get("gates"), Mapping):
        whole["gates"] = {name: gathered(each, fetch, names) if isinstance(each, Mapping) else each for name, each in gates.items()}
    return whole


def _text(health: Mapping[str, Any], fetch: Fetch, names: Names) -> str:
    document = dict(health)
    if (name := document.pop(RULES_FILE, None)) is not None:
        _stands_alone(document, "rules", RULES_FILE, name)
        found = _parsed(fetch(name), name)
        if isinstance(found, Mapping) and document.get("country") is None:
            document["country"] = found.get("country")
        document["rules"] = found.get("rules") if isinstance(found, Mapping) else found
        if isinstance(found, Mapping) and "value_sets" in found:
            document["value_sets"] = found["value_sets"]
    if (name := document.pop(VALUE_SETS_FOLDER, None)) is not None:
        _stands_alone(document, "value_sets", VALUE_SETS_FOLDER, name)
        document["value_sets"] = dict(_value_set(file, _parsed(fetch(file), file)) for file in sorted(names(name)))
    if isinstance(rules := document.get("rules"), list):
        document["rules"] = [{key: each[key] for key in OF_A_RULE if key in each} if isinstance(each, Mapping) else each for each in rules]
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), sort_keys=True, default=str)


def _stands_alone(document: Mapping[str, Any], written: str, named: str, name: object) -> None:
    if written in document or not isinstance(name, str):
        raise VerificationError(f"health.{named} is the name of a file or folder, and {written} does not stand beside it")


def _value_set(file: str, found: object) -> tuple[str, list[str]]:
    """A set as the EU publishes it: its own name, and its codes without what they are called."""
    if isinstance(found, Mapping) and isinstance(found.get("valueSetValues"), Mapping):
        return str(found.get("valueSetId")), list(found["valueSetValues"])
    raise VerificationError(f"{file} is no value set", hint="one set a file, as the EU publishes it: valueSetId, valueSetValues")


def _parsed(text: str | bytes, name: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise VerificationError(f"{name} is no JSON") from None


def _no_number(text: str) -> None:
    raise ValueError(text)
