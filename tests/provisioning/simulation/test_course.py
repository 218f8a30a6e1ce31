from __future__ import annotations

import pytest

from provisioning.simulation.course import is_kept_up
from provisioning.simulation.report import Load


@pytest.mark.parametrize(
    ("confirmed_per_s", "p99_ms", "expected"),
    [
        pytest.param(1000, 300, True, id="all in time"),
        pytest.param(960, 5000, True, id="by chance a few fewer, and just in time"),
        pytest.param(1000, 5001, False, id="too late"),
        pytest.param(940, 300, False, id="more and more wait"),
        pytest.param(0, None, False, id="nothing is confirmed"),
    ],
)
def test_a_rate_is_kept_up_where_as_much_is_confirmed_as_happens_and_in_time(confirmed_per_s: float, p99_ms: int | None, *, expected: bool) -> None:
    assert is_kept_up(Load(asked_per_s=1000, confirmed_per_s=confirmed_per_s, p50_ms=p99_ms, p99_ms=p99_ms)) is expected
