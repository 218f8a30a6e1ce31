from __future__ import annotations

from dataclasses import fields, replace
from enum import StrEnum

import pytest

from device.admission.policy import PASSES, Declaration, Mode, Outcome, Place, Policy, SealedIdentity, Site, Unsure
from device.domain import CredentialKind, Direction

LEAST = Policy(gate="g1", zone="main", direction=Direction.ENTRY)


def test_a_policy_that_names_its_gate_only_asks_for_a_signed_pass_and_nothing_else() -> None:
    assert {each.name: getattr(LEAST, each.name) for each in fields(Policy)} == {
        "gate": "g1",
        "zone": "main",
        "direction": Direction.ENTRY,
        "site": "",
        "mode": Mode.VERIFY,
        "accepts": None,
        "list_needs_proof": False,
        "counts_for_site": False,
        "place": Place.OTHER,
        "site_kind": Site.FIXED,
        "trip": "",
        "first_day": None,
        "last_day": None,
        "hours": (),
        "capacity": None,
        "grants_a_minute": None,
        "party_max": 1,
        "again_after_s": 0,
        "reentry": True,
        "reset_minute": 180,
        "declaration": None,
        "health": None,
        "lists": {},
        "untrusted_clock": Unsure.REFUSE,
        "roll_call": (),
        "sealed_identity": None,
        "shadow": None,
    }


@pytest.mark.parametrize(("mode", "kinds"), [(Mode.VERIFY, PASSES), (Mode.RECORD, set(CredentialKind)), (Mode.LIST, set(CredentialKind))])
def test_where_the_province_names_no_kinds_a_proof_means_a_pass(mode: Mode, kinds: set[CredentialKind]) -> None:
    assert Policy(gate="g1", zone="main", direction=Direction.ENTRY, mode=mode).kinds == kinds


def test_passes_are_those_this_project_signs() -> None:
    assert {CredentialKind.KD1, CredentialKind.KD2} == PASSES


def test_whoever_declared_nothing_is_refused_and_whoever_is_unknown_is_reminded_unless_the_province_says_otherwise() -> None:
    assert Declaration() == Declaration(not_declared=Outcome.REFUSE, unknown=Outcome.REMIND)


def test_a_sealed_identity_is_kept_for_thirty_days_unless_the_province_says_otherwise() -> None:
    assert SealedIdentity(bytes(32)).retention_days == 30


WORDS = {
    Mode: "verify record list",
    Outcome: "admit remind refuse",
    Unsure: "refuse overlook",
    Site: "fixed mobile temporary",
    Place: "office factory restaurant bar beauty gym meeting hospital apartments school station vehicle shopping_centre market shop ceremony "
    "sight shrine lodging quarantine border other",
}


@pytest.mark.parametrize(("kind", "words"), WORDS.items())
def test_the_words_of_policies_that_provinces_have_signed_stay_as_they_are(kind: type[StrEnum], words: str) -> None:
    assert [each.value for each in kind] == words.split()


@pytest.mark.parametrize(
    ("mode", "needs_proof", "takes"),
    [(Mode.VERIFY, False, False), (Mode.RECORD, False, True), (Mode.RECORD, True, True), (Mode.LIST, False, True), (Mode.LIST, True, False)],
)
def test_a_claim_is_enough_where_it_is_recorded_or_listed(mode: Mode, needs_proof: bool, takes: bool) -> None:
    assert replace(LEAST, mode=mode, list_needs_proof=needs_proof).takes_claims is takes
