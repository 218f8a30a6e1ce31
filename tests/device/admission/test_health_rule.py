from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from device.admission.health_rule import HealthRule, read_rule, read_version
from device.credentials.trust import HealthUse
from device.errors import VerificationError

PUBLISHED: dict[str, Any] = {
    "Identifier": "VR-AT-0001",
    "Type": "Acceptance",
    "Country": "AT",
    "Version": "1.2.3",
    "SchemaVersion": "1.3.0",
    "Engine": "CERTLOGIC",
    "EngineVersion": "1.3.2",
    "CertificateType": "Vaccination",
    "Description": [{"lang": "en", "desc": "Only vaccines of the value set."}],
    "ValidFrom": "2021-06-01T00:00:00Z",
    "ValidTo": "2030-06-01T00:00:00+02:00",
    "AffectedFields": ["v.0.mp"],
    "Logic": {"in": [{"var": "payload.v.0.mp"}, {"var": "external.valueSets.vaccines-covid-19-names"}]},
}
READ = HealthRule(
    identifier="VR-AT-0001",
    invalidates=False,
    country="AT",
    version=(1, 2, 3),
    use=HealthUse.VACCINATION,
    valid_from=datetime(2021, 6, 1, tzinfo=UTC),
    valid_until=datetime(2030, 5, 31, 22, tzinfo=UTC),
    schema=(1, 3, 0),
    value_sets=frozenset({"vaccines-covid-19-names"}),
    logic=bool,
)


def rule(**changes: Any) -> dict[str, Any]:
    return PUBLISHED | changes


def refusal(document: object) -> str:
    with pytest.raises(VerificationError) as caught:
        read_rule(document)
    return caught.value.what


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (PUBLISHED, READ),
        (rule(Type="Invalidation"), replace(READ, invalidates=True)),
        (rule(CertificateType="Test"), replace(READ, use=HealthUse.TEST)),
        (rule(CertificateType="Recovery"), replace(READ, use=HealthUse.RECOVERY)),
        (rule(CertificateType="General"), replace(READ, use=None)),
        (rule(Identifier="x" * 64), replace(READ, identifier="x" * 64)),
        (rule(Version="999999.0.10"), replace(READ, version=(999999, 0, 10))),
        (rule(EngineVersion="0.7.5"), READ),
        ({key: each for key, each in PUBLISHED.items() if key not in {"Engine", "EngineVersion", "SchemaVersion"}}, replace(READ, schema=None)),
        (rule(Logic=True), replace(READ, value_sets=frozenset())),
    ],
)
def test_a_rule_is_read_as_it_is_written(document: object, expected: HealthRule) -> None:
    assert read_rule(document) == expected


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["external.valueSets.a", "external.valueSets.b.0", "external.valueSets.a.1"], {"a", "b"}),
        (["external.valueSets", "external", "", "payload.valueSets.a", "external.validationClock.a", "valueSets.a"], set()),
    ],
)
def test_the_value_sets_that_a_rule_asks_for_are_known(paths: list[str], expected: set[str]) -> None:
    nested = [{"if": [True, [{"!": [{"var": path}]}], 1]} for path in paths]
    assert read_rule(rule(Logic=nested)).value_sets == expected


@pytest.mark.parametrize(
    ("document", "what"),
    [
        (None, "not a table"),
        ([], "not a table"),
        (rule(Identifier="a b"), "Identifier: up to 64 letters, digits, - and _ are expected"),
        (rule(Identifier="x" * 65), "Identifier: up to 64 letters, digits, - and _ are expected"),
        (rule(Identifier="é"), "Identifier: up to 64 letters, digits, - and _ are expected"),
        (rule(Country="vn"), "Country: two capital letters are expected"),
        (rule(Country=5), "Country: two capital letters are expected"),
        (rule(Type="Advice"), "Type: one of Acceptance, Invalidation is expected"),
        (rule(CertificateType="Booster"), "CertificateType: one of Vaccination, Test, Recovery, General is expected"),
        (rule(CertificateType=["Test"]), "CertificateType: one of Vaccination, Test, Recovery, General is expected"),
        (rule(Version="1.0"), "Version: three numbers such as 1.0.0 are expected"),
        (rule(Version="1.0.0.0"), "Version: three numbers such as 1.0.0 are expected"),
        (rule(Version="1000000.0.0"), "Version: three numbers such as 1.0.0 are expected"),
        (rule(SchemaVersion=None), "SchemaVersion: three numbers such as 1.0.0 are expected"),
        (rule(EngineVersion="new"), "EngineVersion: three numbers such as 1.0.0 are expected"),
        (rule(EngineVersion="1.3.3"), "Engine: not CERTLOGIC up to 1.3.2"),
        (rule(Engine="REGO"), "Engine: not CERTLOGIC up to 1.3.2"),
        (rule(Region="9"), "Region: rules for a part of a country are not known here"),
        (rule(ValidFrom="soon"), "ValidFrom: a date was expected"),
        (rule(ValidTo=None), "ValidTo: a date was expected"),
        (rule(ValidTo="2021-02-30"), "ValidTo: no such date"),
        (rule(ValidTo=PUBLISHED["ValidFrom"]), "ValidTo: not after ValidFrom"),
        (rule(Logic=None), "Logic: the expression: null is no expression"),
        (rule(Logic={"xor": [1]}), "Logic: .xor: no such operation"),
        (
            {"EngineVersion": "2", "Engine": 1},
            (
                "EngineVersion: three numbers such as 1.0.0 are expected; Identifier: up to 64 letters, digits, - and _ are expected; "
                "Type: one of Acceptance, Invalidation is expected; Country: two capital letters are expected; "
                "Version: three numbers such as 1.0.0 are expected; "
                "CertificateType: one of Vaccination, Test, Recovery, General is expected; ValidFrom: a date was expected; "
                "ValidTo: a date was expected; Logic: the expression: null is no expression; Engine: not CERTLOGIC up to 1.3.2"
            ),
        ),
    ],
)
def test_a_rule_that_is_wrong_is_refused_with_everything_that_is_wrong(document: object, what: str) -> None:
    assert refusal(document) == what


def test_a_rule_is_told_without_its_logic() -> None:
    assert "logic" not in repr(read_rule(PUBLISHED))


def test_a_rule_is_in_force_for_a_moment_at_least() -> None:
    assert read_rule(rule(ValidTo="2021-06-01T00:00:00.001Z")).valid_until == datetime(2021, 6, 1, 0, 0, 0, 1000, UTC)


def test_only_true_holds() -> None:
    answers = [read_rule(rule(Logic={"var": "x"})).holds({"x": value}, (1, 3, 0)) for value in (True, 1, "true", [True], None, False)]
    assert answers == [True, False, False, False, False, False]


def test_what_cannot_be_evaluated_does_not_hold() -> None:
    assert read_rule(rule(Logic={"!": [{"after": [1, 2]}]})).holds({}, (1, 3, 0)) is False


@pytest.mark.parametrize(
    ("schema", "expected"),
    [((1, 3, 0), True), ((1, 3, 1), True), ((1, 10, 0), True), ((1, 2, 9), False), ((2, 3, 0), False), ((0, 9, 9), False), (None, False)],
)
def test_a_rule_holds_for_certificates_of_the_form_it_was_written_for(schema: tuple[int, int, int] | None, expected: bool) -> None:
    anything = {key: each for key, each in rule(Logic=True).items() if key != "SchemaVersion"}
    assert (read_rule(rule(Logic=True)).holds({}, schema), read_rule(anything).holds({}, schema)) == (expected, True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1.2.3", (1, 2, 3)), ("0.10.0", (0, 10, 0)), ("1.2", None), ("1.2.3 ", None), ("v1.2.3", None), ("१.2.3", None), (1, None), (None, None)],
)
def test_a_version_is_three_numbers(text: object, expected: tuple[int, int, int] | None) -> None:
    assert read_version(text) == expected
