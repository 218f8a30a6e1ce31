from __future__ import annotations

from typing import Any

from device.clock import Verdict
from device.commands.deeds import Deed, Diagnose, Open
from device.commands.judge import Refusal
from device.commands.order import Order
from device.domain import Direction
from provisioning.commanding import answers
from tests.device.commands.orders import BOOT, CHALLENGE, ID

FAILURES = {"out_of_service", "store_failed", "not_recorded", "busy", "other_epoch", "silent"}
TIMES = {Verdict.BEFORE_FLOOR, Verdict.FAR_AHEAD, Verdict.TOO_SLOW}
TRANSFERS = {"disk_full", "disk_failed", "wrong_size", "wrong_sha256", "no_such_transfer"}


def lines(deed: Deed, **answer: Any) -> list[str]:
    return answers.lines(Order(ID, deed, "g-999", BOOT, CHALLENGE, 60, "op-1", ""), {"gate": "g-999", **answer})


def test_each_word_with_which_a_gate_says_no_is_explained() -> None:
    said = {*map(str, Refusal), *map(str, TIMES), *FAILURES, *TRANSFERS}
    assert set(answers.WHY) == said
    assert all(meaning and hint for meaning, hint in answers.WHY.values())


def test_a_word_of_a_newer_gate_is_shown_as_it_is() -> None:
    assert lines(Open(Direction.ENTRY), outcome="failed", why="too_warm") == [
        "g-999: open could not be carried out: it says too_warm (too_warm)",
        "  → is the gate's version newer than this one?",
    ]


def test_diagnostics_are_one_value_a_line() -> None:
    found = {"drill": False, "lane": {"free_by": None}, "health": {"troubles": [{"trouble": "lists_stale", "about": "deny"}, "held"]}, "bundles": {}}
    assert lines(Diagnose(), outcome="done", diagnostics=found) == [
        "g-999: diagnostics is done",
        "  drill            no",
        "  lane.free_by     no",
        "  health.troubles  lists_stale deny, held",
        "  bundles          {}",
    ]


def test_nothing_that_a_broker_made_up_steers_a_terminal() -> None:
    deep: dict[str, Any] = {}
    for _ in range(200):
        deep = {"\x1b[2J": [deep]} if len(str(deep)) % 2 else {"\x1b[2J": deep}
    told = lines(Diagnose(), outcome="done", diagnostics={"\x1b[2J": "\x1b]0;\x07", "deep": deep})
    told += lines(Open(Direction.ENTRY), outcome="\x1b[2J", why="\x1b[2J") + lines(Open(Direction.ENTRY), outcome=None)
    assert all(line.isprintable() for line in told)
