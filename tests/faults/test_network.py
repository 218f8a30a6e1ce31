"""The short form of ``make faults ARGS="network"``: two faults that meet every network.

``nat`` is a half-open connection, without the minute of silence.
"""

from __future__ import annotations

import pytest

from tests.faults import programs


@pytest.mark.parametrize("case", ["loss", "nat"])
def test_over_a_bad_network_nothing_is_lost_and_the_gate_comes_back(case: str) -> None:
    name, _gates, _events, lost, *_ = programs.run("network", "--short", "--case", case).splitlines()[1].split()
    assert (name, lost) == (case, "0")
