from __future__ import annotations

from dataclasses import fields

from device.admission.history import NO_HISTORY, History
from device.admission.lists import DECLARED, MUST_STAY, NOT_DECLARED, RELEASED


def test_values_of_list_entries_are_those_that_the_office_writes() -> None:
    assert {"declared": DECLARED, "not declared": NOT_DECLARED, "released": RELEASED, "must stay": MUST_STAY} == {
        "declared": 1,
        "not declared": 0,
        "released": 1,
        "must stay": 0,
    }


def test_of_somebody_who_is_new_nothing_is_remembered() -> None:
    assert {each.name: getattr(NO_HISTORY, each.name) for each in fields(History)} == {
        "uses": 0,
        "step": None,
        "inside": False,
        "admitted_ago_ns": None,
        "occupied": 0,
        "grants_last_minute": 0,
        "listed": {},
        "stale": frozenset(),
    }
