"""The short form of ``make faults ARGS="disk"``."""

from __future__ import annotations

import pytest

from tests.faults import programs

FAULTS = ["full", "read-only", "errors-4", "stalled", "gone"]


def test_whatever_call_fails_the_store_loses_nothing_and_goes_on() -> None:
    assert "100 failures" in programs.run("disk", "--calls", "100", "--fault", "none")


@pytest.mark.parametrize("fault", FAULTS)
def test_while_a_disk_fails_entry_closes_and_exit_goes_on_and_nothing_is_lost(fault: str) -> None:
    told = programs.run("disk", "--calls", "0", "--fault", fault)
    assert [line.split()[-1] for line in told.splitlines()[1:-1]] == ["ok", "ok"]
