from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from device.admission.hours import Opening
from device.admission.lists import ListKind
from device.admission.policy import Declaration, Mode, Outcome, Place, Policy, Site, Unsure
from device.admission.policy_doubts import doubts
from device.domain import Credential, CredentialKind, Direction, Instant

BOTH = Policy(gate="g1", zone="main", direction=Direction.BOTH, again_after_s=10)
ENTRY = {"direction": Direction.ENTRY}
DAYTIME = (Opening(6 * 60, 18 * 60),)


class Rules:
    def failed(self, credential: Credential, now: Instant) -> tuple[str, ...]:
        raise NotImplementedError


def lists(*kinds: ListKind) -> dict[ListKind, Unsure]:
    return dict.fromkeys(kinds, Unsure.REFUSE)


def kinds(*accepted: CredentialKind) -> frozenset[CredentialKind]:
    return frozenset({CredentialKind.KD1, *accepted})


HC1, MIC = CredentialKind.HC1, CredentialKind.MIC
ALWAYS = Declaration(Outcome.ADMIT, Outcome.ADMIT)
DECLARED, EXPECTED = lists(ListKind.DECLARED), lists(ListKind.EXPECTED)

# What is doubted, how the question begins, and how it is mended
CASES: dict[str, tuple[dict[str, Any], str, list[dict[str, Any]]]] = {
    "a list that may be missing": ({"mode": Mode.LIST}, "mode = list without", [{"lists": lists(ListKind.ALLOW)}]),
    "a proof for a list, and no list": ({"list_needs_proof": True}, "list_needs_proof says", [{"mode": Mode.LIST, "lists": lists(ListKind.ALLOW)}]),
    "recorded, nobody stopped": ({"mode": Mode.RECORD}, "mode = record without", [{"lists": lists(ListKind.DENY)}]),
    "a proof of what has none": (
        {"accepts": kinds(MIC)},
        "mode = verify accepts",
        [{"accepts": kinds()}, {"mode": Mode.LIST, "lists": lists(ListKind.ALLOW)}],
    ),
    "any health certificate": (
        {"accepts": kinds(HC1)},
        "health certificates are",
        [{"health": Rules()}, {"mode": Mode.LIST, "lists": lists(ListKind.ALLOW)}],
    ),
    "rules for no certificate": ({"health": Rules()}, "[health] says nothing", [{"accepts": kinds(HC1)}, {"health": None}]),
    "a declaration by chance": ({"declaration": Declaration()}, "[declaration] without", [{"lists": DECLARED}]),
    "a list that nobody asks": ({"lists": DECLARED}, "lists.declared says", [{"declaration": Declaration()}]),
    "a declaration that asks nothing": (
        {"declaration": ALWAYS, "lists": DECLARED},
        "[declaration] admits",
        [{"declaration": Declaration(Outcome.REMIND, Outcome.ADMIT)}, {"declaration": Declaration(Outcome.ADMIT, Outcome.REMIND)}],
    ),
    "a roll-call of nobody": ({"roll_call": (420,)}, "roll_call without", [{"lists": EXPECTED}]),
    "expected, never called": ({"lists": EXPECTED}, "lists.expected says", [{"roll_call": (420,)}]),
    "quarantine without roll-call": ({"place": Place.QUARANTINE}, "a quarantine site", [{"roll_call": (420,), "lists": EXPECTED}]),
    "once, and no exit": ({"reentry": False} | ENTRY, "reentry = false at", [{"direction": Direction.BOTH}, {"direction": Direction.EXIT}]),
    "a capacity and no exit": ({"capacity": 9, "hours": DAYTIME} | ENTRY, "capacity at a gate", [{"direction": Direction.BOTH}]),
    "forgotten while open": ({"capacity": 9}, "capacity at a site", [{"hours": DAYTIME}]),
    "forgotten on one night": (
        {"capacity": 9, "hours": (*DAYTIME, Opening(22 * 60, 4 * 60, frozenset({6})))},
        "capacity at a site",
        [{"reset_minute": 5 * 60}, {"reset_minute": 4 * 60}],
    ),
    "too large a party": ({"capacity": 3, "party_max": 4, "hours": DAYTIME}, "party_max is more", [{"capacity": 4}]),
    "in and out again": ({"again_after_s": 0}, "again_after_s = 0", [ENTRY, {"again_after_s": 1}]),
    "a trip of a house": ({"trip": "61B-999.99"}, "trip says nothing", [{"site_kind": Site.MOBILE}]),
    "a vehicle that stays": ({"place": Place.VEHICLE}, "a vehicle that", [{"site_kind": Site.MOBILE, "trip": "61B-999.99"}]),
}


@pytest.mark.parametrize(("doubted", "question", "mends"), CASES.values(), ids=CASES.keys())
def test_what_is_hardly_meant_is_asked_about_until_it_is_mended(doubted: dict[str, Any], question: str, mends: list[dict[str, Any]]) -> None:
    policy = replace(BOTH, **doubted)
    asked = doubts(policy)
    assert ([each.startswith(question) for each in asked], [doubts(replace(policy, **mend)) for mend in mends]) == ([True], [()] * len(mends))


def test_a_plain_policy_raises_no_doubt() -> None:
    assert [doubts(replace(BOTH, direction=direction)) for direction in Direction] == [(), (), ()]


def test_every_doubt_is_a_question_of_its_own() -> None:
    assert len({question for _, question, _ in CASES.values()}) == len(CASES) - 1  # one is asked twice, for two reasons


def test_a_site_whose_last_day_is_over_is_doubted_where_today_is_known() -> None:
    policy = replace(BOTH, last_day=date(2026, 11, 20))
    assert [doubts(policy, today) for today in (None, date(2026, 11, 20), date(2026, 11, 21))] == [
        (),
        (),
        ("last_day 2026-11-20 is over: this gate lets nobody in",),
    ]


def test_a_site_without_a_last_day_is_never_over() -> None:
    assert doubts(BOTH, date(2026, 11, 21)) == ()


def test_a_shadow_that_changes_nothing_is_doubted() -> None:
    assert doubts(replace(BOTH, shadow=BOTH)) == ("[shadow] changes nothing: it would count what this policy refuses anyway",)


def test_a_shadow_is_doubted_for_what_it_changes_only() -> None:
    trip = replace(BOTH, trip="61B-999.99")
    asked = doubts(replace(trip, shadow=replace(trip, mode=Mode.LIST)))
    assert [each.partition(" without")[0] for each in asked] == ["trip says nothing unless site_kind = mobile", "shadow: mode = list"]
