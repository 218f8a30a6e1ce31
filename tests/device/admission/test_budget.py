from __future__ import annotations

from device.admission.budget import MINUTE_NS, SINGLY_A_MINUTE, RefusalBudget
from device.domain import Reason

S = 1_000_000_000
LINK, OTHER = Reason.LINK, Reason.NOT_A_PASS


def refusals(budget: RefusalBudget, number: int, now_ns: int, reason: Reason = OTHER) -> int:
    """Of ``number`` refusals, how many are recorded singly."""
    return sum(budget.allows(reason, now_ns) for _ in range(number))


def test_thirty_a_minute_are_recorded_singly() -> None:
    budget = RefusalBudget()
    assert (SINGLY_A_MINUTE, refusals(budget, 100, 0), refusals(budget, 100, MINUTE_NS - 1)) == (30, 30, 0)


def test_a_minute_begins_with_its_first_refusal() -> None:
    budget = RefusalBudget()
    began = 1_000 * S
    assert [refusals(budget, 40, now) for now in (began, began + MINUTE_NS - 1, began + MINUTE_NS, began + 10 * MINUTE_NS)] == [30, 0, 30, 30]


def test_the_rest_is_counted_by_reason_once_the_minute_is_over() -> None:
    budget = RefusalBudget()
    refusals(budget, 30, 0)
    refusals(budget, 3, 10 * S, LINK)
    refusals(budget, 4, 20 * S, OTHER)
    assert [budget.due(now) for now in (20 * S, MINUTE_NS - 1, MINUTE_NS)] == [{}, {}, {LINK: 3, OTHER: 4}]


def test_a_quiet_minute_has_nothing_to_record() -> None:
    budget = RefusalBudget()
    before = budget.due(5 * S)
    refusals(budget, 30, 10 * S)
    assert (before, budget.due(10 * S + MINUTE_NS)) == ({}, {})


def test_counts_are_kept_until_they_are_recorded_and_no_longer() -> None:
    budget = RefusalBudget()
    refusals(budget, 35, 0)
    first, again = budget.due(MINUTE_NS), budget.due(2 * MINUTE_NS)
    budget.settle(again)
    assert (first, again, budget.due(3 * MINUTE_NS)) == ({OTHER: 5}, {OTHER: 5}, {})


def test_what_was_counted_since_is_not_settled_along() -> None:
    budget = RefusalBudget()
    refusals(budget, 35, 0)
    recorded = budget.due(MINUTE_NS)
    refusals(budget, 32, MINUTE_NS)
    later = budget.due(2 * MINUTE_NS)
    budget.settle(recorded)
    assert (recorded, later, budget.due(2 * MINUTE_NS)) == ({OTHER: 5}, {OTHER: 7}, {OTHER: 2})


def test_junk_without_a_pause_still_gives_one_record_a_minute() -> None:
    """A refusal that begins the next minute must not take the last one's counts along."""
    budget = RefusalBudget()
    records = []
    for second in range(181):
        refusals(budget, 2, second * S)
        if folded := budget.due(second * S):
            records.append((second, folded))
            budget.settle(folded)
    assert records == [(60, {OTHER: 90}), (120, {OTHER: 90}), (180, {OTHER: 90})]


def test_every_refusal_is_recorded_or_counted() -> None:
    budget = RefusalBudget()
    singly = sum(refusals(budget, second % 7, second * S) for second in range(600))
    assert singly + sum(budget.due(700 * S).values()) == sum(second % 7 for second in range(600))
