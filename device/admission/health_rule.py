"""One rule of a health certificate's content, as the EU's gateway publishes it (dgc-gateway, validation-rule.schema.json)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from device.admission.certlogic import EvaluationError, Expression, ExpressionError, compile_expression
from device.admission.certlogic.moments import read_moment
from device.credentials.trust import HealthUse
from device.errors import VerificationError

Version = tuple[int, int, int]

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
COUNTRY = re.compile(r"[A-Z]{2}")
VERSION = re.compile(r"([0-9]{1,6})\.([0-9]{1,6})\.([0-9]{1,6})")
USE_OF_TYPE = {"Vaccination": HealthUse.VACCINATION, "Test": HealthUse.TEST, "Recovery": HealthUse.RECOVERY, "General": None}
ACCEPTANCE, INVALIDATION = "Acceptance", "Invalidation"
ENGINE = "CERTLOGIC"
ENGINE_VERSION: Version = (1, 3, 2)
VALUE_SETS = ("external", "valueSets")


@dataclass(frozen=True, slots=True)
class HealthRule:
    """One rule. ``use`` is the kind of certificate that it is for, ``None`` for all.

    It is in force from ``valid_from`` until before ``valid_until``. ``schema`` is the oldest form of certificates that it
    was written for, ``None`` for any. ``value_sets`` are the names of those that its logic asks for.
    """

    identifier: str
    invalidates: bool
    country: str
    version: Version
    use: HealthUse | None
    valid_from: datetime
    valid_until: datetime
    schema: Version | None
    value_sets: frozenset[str]
    logic: Expression = field(repr=False, compare=False)

    def holds(self, data: Mapping[str, Any], schema: Version | None) -> bool:
        """Does it hold for a certificate of the form ``schema``? Only true counts.

        The EU's engine (DefaultCertLogicEngine) leaves a rule open for a certificate of an older form, or of another main
        version, and where it cannot be evaluated; somebody then looks. Nobody stands at this gate: it does not hold.
        """
        if self.schema is not None and (schema is None or schema[0] != self.schema[0] or schema < self.schema):
            return False
        try:
            return self.logic(data) is True
        except EvaluationError:
            return False


def read_version(text: object) -> Version | None:
    """``1.2.3`` as three numbers, ``None`` where it is something else."""
    found = VERSION.fullmatch(text) if isinstance(text, str) else None
    return (int(found[1]), int(found[2]), int(found[3])) if found else None


def read_rule(document: object) -> HealthRule:
    """One rule in the EU's form. ``Engine``, ``EngineVersion`` and ``SchemaVersion`` may be missing; texts for people are not read.

    Raises:
        VerificationError: with everything that is wrong.
    """
    if not isinstance(document, Mapping):
        raise VerificationError("not a table")
    mistakes: list[str] = []
    fields = _Fields(document, mistakes)
    engine = fields.version("EngineVersion") if "EngineVersion" in document else ENGINE_VERSION
    rule = HealthRule(
        identifier=fields.text("Identifier", NAME, "up to 64 letters, digits, - and _"),
        invalidates=fields.choice("Type", {ACCEPTANCE: False, INVALIDATION: True}),
        country=fields.text("Country", COUNTRY, "two capital letters"),
        version=fields.version("Version"),
        use=fields.choice("CertificateType", USE_OF_TYPE),
        valid_from=fields.moment("ValidFrom"),
        valid_until=fields.moment("ValidTo"),
        schema=fields.version("SchemaVersion") if "SchemaVersion" in document else None,
        value_sets=frozenset(_value_sets(document.get("Logic"))),
        logic=fields.logic("Logic"),
    )
    if document.get("Engine", ENGINE) != ENGINE or engine > ENGINE_VERSION:
        mistakes.append("Engine: not CERTLOGIC up to 1.3.2")
    if "Region" in document:
        mistakes.append("Region: rules for a part of a country are not known here")
    if not mistakes and rule.valid_from >= rule.valid_until:
        mistakes.append("ValidTo: not after ValidFrom")
    if mistakes:
        raise VerificationError("; ".join(mistakes))
    return rule


@dataclass(frozen=True, slots=True)
class _Fields:
    """A rule's fields; each mistake is noted, and something takes its place so that the others are looked at as well."""

    document: Mapping[Any, Any]
    mistakes: list[str]

    def text(self, name: str, form: re.Pattern[str], expected: str) -> str:
        value = self.document.get(name)
        if isinstance(value, str) and form.fullmatch(value):
            return value
        self.mistakes.append(f"{name}: {expected} are expected")
        return ""

    def choice(self, name: str, values: Mapping[str, Any]) -> Any:
        value = self.document.get(name)
        if isinstance(value, str) and value in values:
            return values[value]
        self.mistakes.append(f"{name}: one of {', '.join(values)} is expected")
        return None

    def version(self, name: str) -> Version:
        version = read_version(self.document.get(name))
        if version is None:
            self.mistakes.append(f"{name}: three numbers such as 1.0.0 are expected")
        return version or (0, 0, 0)

    def moment(self, name: str) -> datetime:
        try:
            return read_moment(self.document.get(name))
        except EvaluationError as error:
            self.mistakes.append(f"{name}: {error.what}")
            return datetime.min.replace(tzinfo=UTC)

    def logic(self, name: str) -> Expression:
        try:
            return compile_expression(self.document.get(name))
        except ExpressionError as error:
            self.mistakes.append(f"{name}: {error.what}")
            return bool


def _value_sets(logic: object) -> set[str]:
    """The names of the value sets in ``logic``, which may be anything."""
    names, waiting = set(), [logic]
    while waiting:
        part = waiting.pop()
        if isinstance(part, list):
            waiting += part
        elif isinstance(part, dict):
            waiting += part.values()
            path = part.get("var")
            if isinstance(path, str) and tuple((steps := path.split("."))[:2]) == VALUE_SETS and len(steps) > 2:
                names.add(steps[2])
    return names
