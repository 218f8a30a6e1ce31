from __future__ import annotations

from datetime import date
from typing import Any

from provisioning.authority.policies import check_document

PLAIN: dict[str, Any] = {"place": "market", "identity": {"sealed": False}}


def test_a_plain_policy_has_neither_mistakes_nor_doubts() -> None:
    verdict = check_document(PLAIN)
    assert (verdict.mistakes, verdict.doubts) == ((), ())


def test_every_mistake_is_told_one_a_line_also_those_of_single_gates() -> None:
    verdict = check_document({"place": "moon", "gates": {"g1": {"mode": "open"}}})
    assert [mistake.partition(":")[0] for mistake in verdict.mistakes] == ["place", "identity", "gates.g1.mode"]


def test_what_is_no_policy_at_all_is_a_mistake() -> None:
    for nothing in ({}, {"gates": 7}, {"gates": {"g1": 7}}):
        assert check_document(nothing).mistakes


def test_a_doubt_of_every_gate_is_told_once_and_one_of_a_single_gate_with_its_name() -> None:
    everybody = "list_needs_proof says nothing unless mode = list"
    of_one = "gates.g1: where it only lets people in: capacity at a gate that sees no exits: places become free only at reset_at"
    first = {"capacity": 3, "hours": [{"from": "06:00", "to": "20:00"}]}
    verdict = check_document({**PLAIN, "list_needs_proof": True, "gates": {"g1": first, "g2": {}}})
    assert verdict.doubts == (everybody, of_one)


def test_a_policy_whose_last_day_is_over_is_doubted() -> None:
    ended = {**PLAIN, "last_day": "2026-11-19"}
    days = {day: check_document(ended, date(2026, 11, day)).doubts for day in (19, 20)}
    assert days == {19: (), 20: ("last_day 2026-11-19 is over: this gate lets nobody in",)}
