"""CI's form of ``make faults ARGS="power"``: each harness proves besides that it would notice ``synchronous=NORMAL``."""

from __future__ import annotations

import pytest

from tests.faults import programs


@pytest.mark.parametrize(("harness", "cuts"), [("vfs", 300), ("ext4", 100)])
def test_power_cuts_lose_nothing_that_was_acknowledged(harness: str, cuts: int) -> None:
    told = programs.run("power", "--only", harness, "--cuts", str(cuts))
    assert told.endswith(f"ok: nothing acknowledged was lost by {cuts} power cuts\n")
