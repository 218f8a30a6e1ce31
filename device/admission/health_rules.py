"""Rules of a health certificate's content: which of them apply, and which do not hold.

As the EU's apps select them (dgc-certlogic-android, DefaultGetRulesUseCase): acceptance rules are those of the country where
the certificate is shown, invalidation rules those of the country that issued it; of each rule the highest version counts
that is in force at the moment; it applies to every certificate (``General``) or to one kind. A rule is in force up to
``ValidTo`` and no longer (eu-dcc-business-rules, how-to: "until (exclusive)"; the apps' databases count that moment in).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from device.admission.health_rule import COUNTRY, NAME, HealthRule, Version, read_rule, read_version
from device.credentials.trust import HealthUse
from device.domain import Credential, Instant
from device.errors import VerificationError

RULES_MAX = 200
SETS_MAX = 100
VALUES_MAX = 1_000
MISTAKES_MAX = 100
CODE_MAX = 80
"""Characters of a code, as many as a certificate's own texts have."""
HINT = "each rule as the EU's gateway publishes it: Identifier, Type, Country, Version, CertificateType, ValidFrom, ValidTo, Logic"


@dataclass(frozen=True, slots=True)
class HealthRules:
    """``country`` is where the gate stands; ``value_sets`` are the codes that rules may ask for, by the name of their set."""

    country: str
    rules: tuple[HealthRule, ...]
    value_sets: Mapping[str, tuple[str, ...]] = field(repr=False)

    def failed(self, credential: Credential, now: Instant) -> tuple[str, ...]:
        """The ids of the rules that do not hold for ``credential`` at ``now``, in order; none for what is no health certificate."""
        payload = credential.health
        if payload is None:
            return ()
        use, issuer = _kind_of(payload)
        schema = read_version(payload.get("ver"))
        data = {"payload": payload, "external": self._external(credential, now, issuer)}
        return tuple(rule.identifier for rule in self._selected(use, issuer, now.utc) if not rule.holds(data, schema))

    def _selected(self, use: HealthUse | None, issuer: str, utc: datetime) -> list[HealthRule]:
        newest: dict[tuple[str, bool], HealthRule] = {}
        for rule in self.rules:
            applies = rule.use in (None, use) and rule.country == (issuer if rule.invalidates else self.country)
            known = newest.get((rule.identifier, rule.invalidates))
            if applies and rule.valid_from <= utc < rule.valid_until and (known is None or known.version < rule.version):
                newest[rule.identifier, rule.invalidates] = rule
        return [newest[name] for name in sorted(newest)]

    def _external(self, credential: Credential, now: Instant, issuer: str) -> dict[str, Any]:
        return {
            "validationClock": _text(now.utc),
            "valueSets": self.value_sets,
            "countryCode": self.country,
            "issuerCountryCode": issuer,
            "iat": _text_of_seconds(credential.valid_from_s),
            "exp": _text_of_seconds(credential.valid_until_s and credential.valid_until_s - 1),  # a credential is over after its last second
        }


def _kind_of(payload: Mapping[str, Any]) -> tuple[HealthUse | None, str]:
    """Which kind of certificate it is, and the country that issued it."""
    for use in HealthUse:
        match payload.get(use.value):
            case [{"co": str(country)}, *_]:
                return use, country
            case [_, *_]:
                return use, ""
    return None, ""


def _text(utc: datetime) -> str:
    return utc.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _text_of_seconds(seconds: int | None) -> str | None:
    try:
        return None if seconds is None else _text(datetime.fromtimestamp(seconds, UTC))
    except (OverflowError, ValueError, OSError):
        return None


# --- reading ---------------------------------------------------------------------------------------------------


def read_health_rules(document: object) -> HealthRules:
    """``{"country": "VN", "rules": [...], "value_sets": {name: [code, ...]}}``; a value set may also be in the EU's own form.

    Raises:
        VerificationError: with every mistake, one a line, or the first ``MISTAKES_MAX`` and how many there are.
    """
    if not isinstance(document, Mapping):
        raise VerificationError("health rules are a table of country, rules and value_sets", hint=HINT)
    mistakes = [f"unknown key {str(key)[:64]!r}" for key in document if key not in ("country", "rules", "value_sets")]
    country = document.get("country")
    if not (isinstance(country, str) and COUNTRY.fullmatch(country)):
        mistakes.append("country: two capital letters are expected")
    rules = _read_rules(document.get("rules"), mistakes)
    value_sets = _read_value_sets(document.get("value_sets", {}), mistakes)
    named = document["value_sets"] if isinstance(document.get("value_sets"), Mapping) else {}
    mistakes += [f"rule {rule.identifier}: no value set {name[:64]!r}" for rule in rules for name in sorted(rule.value_sets) if name not in named]
    if mistakes:
        listing = "\n".join(f"  {mistake}" for mistake in mistakes[:MISTAKES_MAX])
        raise VerificationError(f"{len(mistakes)} mistake{'s' if len(mistakes) > 1 else ''} in the health rules:\n{listing}", hint=HINT)
    return HealthRules(str(country), tuple(rules), value_sets)


def _read_rules(documents: object, mistakes: list[str]) -> list[HealthRule]:
    if not isinstance(documents, list) or len(documents) > RULES_MAX:
        mistakes.append(f"rules: a list of at most {RULES_MAX} is expected")
        return []
    rules: dict[tuple[str, str, bool, Version], HealthRule] = {}
    for number, document in enumerate(documents, 1):
        try:
            rule = read_rule(document)
        except VerificationError as error:
            mistakes.append(f"rule {number}: {error.what}")
            continue
        name = rule.identifier, rule.country, rule.invalidates, rule.version
        if name in rules:
            mistakes.append(f"rule {number}: {rule.identifier} is there twice in one version")
        rules[name] = rule
    return list(rules.values())


def _read_value_sets(documents: object, mistakes: list[str]) -> dict[str, tuple[str, ...]]:
    if not isinstance(documents, Mapping) or len(documents) > SETS_MAX:
        mistakes.append(f"value_sets: a table of at most {SETS_MAX} names is expected")
        return {}
    sets = {}
    for name, document in documents.items():
        codes = _codes(document)
        if not (isinstance(name, str) and NAME.fullmatch(name)) or codes is None:
            mistakes.append(f"value set {str(name)[:64]!r}: at most {VALUES_MAX} codes are expected, as a list or in the EU's form")
        elif isinstance(document, Mapping) and document.get("valueSetId") != name:
            mistakes.append(f"value set {name!r}: it calls itself {str(document.get('valueSetId'))[:64]!r}")
        else:
            sets[name] = codes
    return sets


def _codes(document: object) -> tuple[str, ...] | None:
    """The codes of a set: a list of them, or the EU's form with ``valueSetValues``.

    Codes that are no longer active count as well: certificates that were issued with them are still shown. The EU's own
    "compressed" sets (dgc-business-rules-testdata, valueSets.json) have them too.
    """
    if isinstance(document, Mapping):
        values = document.get("valueSetValues")
        document = list(values) if isinstance(values, Mapping) else None
    if not isinstance(document, Sequence) or isinstance(document, str) or len(document) > VALUES_MAX:
        return None
    return tuple(document) if all(isinstance(each, str) and len(each) <= CODE_MAX for each in document) else None
