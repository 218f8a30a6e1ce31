from __future__ import annotations

import logging

import pytest

from device.seldom import APART_NS, AT_ONCE, Seldom


class Ticks:
    def __init__(self) -> None:
        self.now_ns = 0

    def __call__(self) -> int:
        return self.now_ns


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def seldom(ticks: Ticks) -> Seldom:
    return Seldom(logging.getLogger("qrgate.gate"), ticks)


def test_of_a_kind_there_are_a_few_lines_at_once_then_one_a_minute_with_the_number_of_the_others(
    seldom: Seldom, ticks: Ticks, caplog: pytest.LogCaptureFixture
) -> None:
    written = [seldom.warning("refused %d", number) for number in range(1000)]
    assert (written.count(True), caplog.messages) == (AT_ONCE, [f"refused {number}" for number in range(AT_ONCE)])
    caplog.clear()
    for minute in range(1, 4):
        ticks.now_ns = minute * APART_NS
        assert [seldom.warning("refused %d", number) for number in (1, 2)] == [True, False]
    assert caplog.messages == ["refused 1 (and 995 more since)", "refused 1 (and 1 more since)", "refused 1 (and 1 more since)"]


def test_one_kind_takes_no_line_from_another_and_each_has_its_level(seldom: Seldom, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "qrgate.gate")
    for _ in range(100):
        seldom.warning("the one")
    caplog.clear()
    assert (seldom.error("the other"), seldom.info("a third")) == (True, True)
    assert [(record.levelname, record.message) for record in caplog.records] == [("ERROR", "the other"), ("INFO", "a third")]


def test_after_some_quiet_minutes_all_is_as_at_the_beginning(seldom: Seldom, ticks: Ticks, caplog: pytest.LogCaptureFixture) -> None:
    for ticks.now_ns in (0, 10 * APART_NS):
        assert [seldom.warning("again") for _ in range(AT_ONCE + 1)] == [True] * AT_ONCE + [False]
    assert caplog.messages == ["again"] * AT_ONCE + ["again (and 1 more since)"] + ["again"] * (AT_ONCE - 1)
