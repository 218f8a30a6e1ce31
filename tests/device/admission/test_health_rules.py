from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from device.admission.health_rules import CODE_MAX, MISTAKES_MAX, RULES_MAX, SETS_MAX, VALUES_MAX, HealthRules, read_health_rules
from device.domain import ClockTrust, Credential, CredentialKind, Instant, Proof
from device.errors import VerificationError

DATA = Path(__file__).parents[4] / "shared/data/dcc"
NOW = datetime(2021, 7, 1, tzinfo=UTC)
VACCINATED: dict[str, Any] = {"ver": "1.3.0", "dob": "1990-02-01", "v": [{"co": "AT", "dn": 2, "sd": 2, "mp": "EU/1/20/1528", "dt": "2021-05-01"}]}
TESTED: dict[str, Any] = {"ver": "1.3.0", "dob": "1990-02-01", "t": [{"co": "DE", "tr": "260415000"}]}


def rule(identifier: str = "VR-VN-0001", **changes: Any) -> dict[str, Any]:
    return {
        "Identifier": identifier,
        "Type": "Acceptance",
        "Country": "VN",
        "Version": "1.0.0",
        "SchemaVersion": "1.0.0",
        "Engine": "CERTLOGIC",
        "EngineVersion": "0.7.5",
        "CertificateType": "Vaccination",
        "Description": [{"lang": "en", "desc": "complete"}],
        "ValidFrom": "2021-06-01T00:00:00Z",
        "ValidTo": "2030-06-01T00:00:00Z",
        "AffectedFields": ["v.0"],
        "Logic": {">=": [{"var": "payload.v.0.dn"}, {"var": "payload.v.0.sd"}]},
    } | changes


def rules(*documents: dict[str, Any], value_sets: Any = None) -> HealthRules:
    return read_health_rules({"country": "VN", "rules": list(documents), "value_sets": value_sets or {}})


def failed(of: HealthRules, payload: dict[str, Any] | None, now: datetime = NOW, **more: Any) -> tuple[str, ...]:
    credential = Credential(CredentialKind.HC1, Proof.PROVEN, b"uvci:x", health=payload, **more)
    return of.failed(credential, Instant(now, ClockTrust.TRUSTED))


NEVER = {"!": [True]}


def test_a_rule_that_holds_fails_nobody_and_one_that_does_not_is_named() -> None:
    complete = rules(rule())
    half = {**VACCINATED, "v": [{**VACCINATED["v"][0], "dn": 1}]}
    assert (failed(complete, VACCINATED), failed(complete, half), failed(complete, None)) == ((), ("VR-VN-0001",), ())


def test_rules_are_named_in_the_order_of_their_ids() -> None:
    assert failed(rules(rule("B", Logic=NEVER), rule("C"), rule("A", Logic=NEVER)), VACCINATED) == ("A", "B")


@pytest.mark.parametrize(("kind", "expected"), [("General", ("X",)), ("Vaccination", ("X",)), ("Test", ()), ("Recovery", ())])
def test_a_rule_is_for_every_certificate_or_for_one_kind(kind: str, expected: tuple[str, ...]) -> None:
    assert failed(rules(rule("X", CertificateType=kind, Logic=NEVER)), VACCINATED) == expected


def test_a_certificate_without_entries_meets_the_general_rules() -> None:
    every = rules(rule("G", CertificateType="General", Logic=NEVER), rule("V", Logic=NEVER))
    assert (failed(every, {"v": []}), failed(every, {}), failed(every, {"v": [{}]})) == (("G",), ("G",), ("G", "V"))
    assert failed(every, {"v": [], "t": [{}]}) == ("G",)


def test_acceptance_is_the_gates_country_and_invalidation_the_issuers() -> None:
    both = rules(
        rule("A-VN", Logic=NEVER),
        rule("A-AT", Country="AT", Logic=NEVER),
        rule("I-AT", Type="Invalidation", Country="AT", Logic=NEVER),
        rule("I-VN", Type="Invalidation", Logic=NEVER),
    )
    assert failed(both, VACCINATED) == ("A-VN", "I-AT")


def test_the_highest_version_in_force_counts_whatever_the_order() -> None:
    newest = rule("X", Version="1.10.0")
    old = rule("X", Version="1.9.9", Logic=NEVER)
    later = rule("X", Version="2.0.0", Logic=NEVER, ValidFrom="2021-07-01T00:00:01Z")
    for order in ([newest, old, later], [later, old, newest]):
        assert (failed(rules(*order), VACCINATED), failed(rules(*order), VACCINATED, NOW + timedelta(seconds=1))) == ((), ("X",))


def test_a_rule_is_in_force_from_its_first_moment_up_to_its_last() -> None:
    one = rules(rule("X", Logic=NEVER, ValidFrom="2021-07-01T00:00:00Z", ValidTo="2021-07-02T00:00:00Z"))
    moments = [NOW - timedelta(microseconds=1), NOW, NOW + timedelta(days=1, microseconds=-1), NOW + timedelta(days=1)]
    assert [failed(one, VACCINATED, moment) for moment in moments] == [(), ("X",), ("X",), ()]


@pytest.mark.parametrize("logic", [{"var": "payload.v.0.dn"}, "true", 1, {">": [{"var": "payload.missing"}, 1]}, {"in": [1, 2]}])
def test_what_is_not_true_does_not_hold(logic: Any) -> None:
    assert failed(rules(rule("X", Logic=logic)), VACCINATED) == ("X",)


def test_a_rule_may_ask_for_everything_outside_the_certificate() -> None:
    wanted = {
        "validationClock": "2021-07-01T00:00:00.000Z",
        "countryCode": "VN",
        "issuerCountryCode": "AT",
        "iat": "2021-06-30T23:59:59.000Z",
        "exp": "2021-07-01T00:00:00.000Z",
    }
    second = int(NOW.timestamp())
    asked = rules(*(rule(f"X-{name}", Logic={"===": [{"var": f"external.{name}"}, text]}) for name, text in wanted.items()))
    assert failed(asked, VACCINATED, valid_from_s=second - 1, valid_until_s=second + 1) == ()
    assert failed(asked, VACCINATED, valid_from_s=2**60) == ("X-exp", "X-iat")


@pytest.mark.parametrize("form", [["a", "b"], ("a", "b"), {"valueSetId": "codes", "valueSetValues": {"a": {"active": False}, "b": {}}}])
def test_value_sets_are_lists_or_the_eus_own_form(form: Any) -> None:
    assert rules(value_sets={"codes": form}).value_sets == {"codes": ("a", "b")}
    member = rule("X", Logic={"in": ["b", {"var": "external.valueSets.codes"}]})
    assert failed(rules(member, value_sets={"codes": form}), VACCINATED) == ()


def test_the_published_value_sets_and_rules_can_be_read() -> None:
    if not DATA.is_dir():
        pytest.skip(f"no published rules at {DATA}")
    published = [json.loads(path.read_text(encoding="utf-8")) for path in sorted((DATA / "valuesets").glob("*.json"))]
    documents = [json.loads(path.read_text(encoding="utf-8")) for path in sorted((DATA / "rules/eu-rules").glob("*/*/rule.json"))]
    compressed = json.loads((DATA / "rules/eu-rules/valuesets/valueSets.json").read_text(encoding="utf-8"))
    tests = "covid-19-lab-test-manufacturer-and-name"  # the only one that a rule asks for and that is not published as a file
    sets = {each["valueSetId"]: each for each in published} | {tests: compressed[tests]}
    read = read_health_rules({"country": "AT", "rules": documents, "value_sets": sets})
    counts = {name: len(codes) for name, codes in read.value_sets.items()}
    assert (len(read.rules), counts) == (
        30,
        {
            "country-2-codes": 250,
            "covid-19-lab-result": 2,
            "covid-19-lab-test-manufacturer-and-name": 88,
            "covid-19-lab-test-type": 2,
            "disease-agent-targeted": 1,
            "sct-vaccines-covid-19": 9,
            "vaccines-covid-19-auth-holders": 31,
            "vaccines-covid-19-names": 39,
        },
    )
    entry = VACCINATED["v"][0] | {"tg": "840539006"}
    vaccinated = [{**VACCINATED, "v": [entry | change]} for change in ({}, {"mp": "Sputnik-V"}, {"dt": "2020-09-01"}, {"tg": "0"})]
    assert [failed(read, each) for each in vaccinated] == [(), ("VR-AT-0001",), ("VR-AT-0005",), ("GR-AT-0001",)]
    assert failed(read, TESTED) == ("GR-AT-0001", "TR-AT-0001")


def test_every_mistake_of_a_document_is_named_at_once() -> None:
    sets = {"a b": [], "c": "text", "d": [1], "e": {"valueSetId": "f", "valueSetValues": {}}}
    asks = {"and": [{"in": [1, {"var": f"external.valueSets.{name}"}]} for name in ("e", "g", "d")]}
    document = {"country": "Vietnam", "rules": [rule(Logic=asks), rule(Country="x"), 5], "value_sets": sets, "extra": 1}
    with pytest.raises(VerificationError) as caught:
        read_health_rules(document)
    assert caught.value.what.splitlines() == [
        "9 mistakes in the health rules:",
        "  unknown key 'extra'",
        "  country: two capital letters are expected",
        "  rule 2: Country: two capital letters are expected",
        "  rule 3: not a table",
        *(f"  value set {name!r}: at most 1000 codes are expected, as a list or in the EU's form" for name in ("a b", "c", "d")),
        "  value set 'e': it calls itself 'f'",
        "  rule VR-VN-0001: no value set 'g'",
    ]


@pytest.mark.parametrize(
    ("document", "what"),
    [
        ([], "health rules are a table of country, rules and value_sets"),
        ({"country": "VN"}, "1 mistake in the health rules:\n  rules: a list of at most 200 is expected"),
        ({"country": "VN", "rules": [], "x" * 100: 1}, f"1 mistake in the health rules:\n  unknown key '{'x' * 64}'"),
        ({"country": "VN", "rules": ()}, "1 mistake in the health rules:\n  rules: a list of at most 200 is expected"),
        ({"country": "VN", "rules": [], "value_sets": []}, "1 mistake in the health rules:\n  value_sets: a table of at most 100 names is expected"),
        (
            {"country": "VN", "rules": [], "value_sets": {"x": {"valueSetValues": []}}},
            "1 mistake in the health rules:\n  value set 'x': at most 1000 codes are expected, as a list or in the EU's form",
        ),
    ],
)
def test_a_document_of_another_form_is_refused(document: Any, what: str) -> None:
    with pytest.raises(VerificationError) as caught:
        read_health_rules(document)
    assert caught.value.what == what


def test_codes_are_told_by_nobody_who_tells_of_the_rules() -> None:
    assert repr(rules(value_sets={"codes": ["EU/1/20/1528"]})) == "HealthRules(country='VN', rules=())"


def test_a_document_is_as_large_as_the_bounds_and_no_larger() -> None:
    assert (RULES_MAX, SETS_MAX, VALUES_MAX, CODE_MAX, MISTAKES_MAX) == (200, 100, 1_000, 80, 100)
    assert len(rules(value_sets={f"s{number}": [] for number in range(SETS_MAX)}).value_sets) == SETS_MAX
    with pytest.raises(VerificationError):
        rules(value_sets={f"s{number}": [] for number in range(SETS_MAX + 1)})
    assert len(rules(*(rule(f"R-{number}") for number in range(RULES_MAX))).rules) == RULES_MAX
    with pytest.raises(VerificationError):
        rules(*(rule(f"R-{number}") for number in range(RULES_MAX + 1)))
    assert len(rules(value_sets={"x": ["c"] * VALUES_MAX}).value_sets["x"]) == VALUES_MAX
    with pytest.raises(VerificationError):
        rules(value_sets={"x": ["c"] * (VALUES_MAX + 1)})
    assert rules(value_sets={"x": ["c" * CODE_MAX]}).value_sets == {"x": ("c" * CODE_MAX,)}
    with pytest.raises(VerificationError):
        rules(value_sets={"x": ["c" * (CODE_MAX + 1)]})


def test_who_must_mend_the_rules_is_told_where_their_form_comes_from() -> None:
    documents: tuple[object, ...] = ([], {"country": "VN", "rules": [5]})
    for document in documents:
        with pytest.raises(VerificationError) as caught:
            read_health_rules(document)
        assert caught.value.hint == (
            "each rule as the EU's gateway publishes it: Identifier, Type, Country, Version, CertificateType, ValidFrom, ValidTo, Logic"
        )


def test_a_hundred_mistakes_are_told_and_the_others_counted() -> None:
    def told(count: int) -> list[str]:
        with pytest.raises(VerificationError) as caught:
            read_health_rules({"country": "VN", "rules": [5] * count})
        return caught.value.what.splitlines()

    assert (len(told(MISTAKES_MAX)), told(MISTAKES_MAX)[-1]) == (MISTAKES_MAX + 1, "  rule 100: not a table")
    assert (told(RULES_MAX)[0], len(told(RULES_MAX))) == ("200 mistakes in the health rules:", MISTAKES_MAX + 1)


def test_rules_of_two_countries_or_kinds_may_share_an_id() -> None:
    """An office's id is its own: neither hides the other, whatever their versions."""
    for first, second in (("1.0.0", "2.0.0"), ("2.0.0", "1.0.0"), ("1.0.0", "1.0.0")):
        both = rules(rule("X", Version=first), rule("X", Type="Invalidation", Country="AT", Version=second, Logic=NEVER))
        assert failed(both, VACCINATED) == ("X",)
    assert len(rules(rule("X"), rule("X", Country="AT"), rule("X", Type="Invalidation")).rules) == 3


def test_a_rule_may_be_there_in_several_versions_and_each_once() -> None:
    assert len(rules(rule(), rule(Version="1.0.1"), rule("VR-VN-0002")).rules) == 3
    with pytest.raises(VerificationError) as caught:
        rules(rule(), rule(Version="1.0.1"), rule())
    assert caught.value.what == "1 mistake in the health rules:\n  rule 3: VR-VN-0001 is there twice in one version"


def test_a_rule_that_asks_for_a_value_set_is_refused_without_it() -> None:
    """Or "none of these vaccines" would hold for every vaccine once the set is forgotten."""
    banned = rule(Logic={"!": [{"in": [{"var": "payload.v.0.mp"}, {"var": "external.valueSets.banned"}]}]})
    with pytest.raises(VerificationError) as caught:
        rules(banned)
    assert caught.value.what == "1 mistake in the health rules:\n  rule VR-VN-0001: no value set 'banned'"
    assert failed(rules(banned, value_sets={"banned": ["EU/1/20/1528"]}), VACCINATED) == ("VR-VN-0001",)
    assert failed(rules(banned, value_sets={"banned": []}), VACCINATED) == ()


@pytest.mark.parametrize("ver", ["1.2.9", "2.3.0", "1.3", 1, None])
def test_a_certificate_of_another_form_than_the_rule_was_written_for_does_not_pass(ver: object) -> None:
    written_for = rules(rule(SchemaVersion="1.3.0"))
    assert [failed(written_for, {**VACCINATED, "ver": each}) for each in (ver, "1.3.0", "1.10.0")] == [("VR-VN-0001",), (), ()]


@pytest.mark.parametrize("entries", [[5], ["AT"], [{"co": 5}], [{}]])
def test_entries_that_name_no_country_were_issued_by_nobody(entries: Any) -> None:
    both = rules(rule("A", Logic=NEVER), rule("I", Type="Invalidation", Country="AT", Logic=NEVER))
    assert failed(both, {"ver": "1.3.0", "v": entries}) == ("A",)


@pytest.mark.parametrize("entries", [5, "AT", {"co": "AT"}, ()])
def test_what_is_no_list_of_entries_is_no_kind_of_certificate(entries: Any) -> None:
    assert failed(rules(rule("V", Logic=NEVER), rule("G", CertificateType="General", Logic=NEVER)), {"ver": "1.3.0", "v": entries}) == ("G",)
