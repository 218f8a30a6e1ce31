from __future__ import annotations

import pytest

from device.errors import UsageError
from provisioning.simulation.fleet import allow_descriptors, processes_for
from provisioning.simulation.player import GATES_MAX


def test_a_process_plays_no_more_gates_than_select_can_tell_apart() -> None:
    assert [processes_for(gates, None) for gates in (1, GATES_MAX, GATES_MAX + 1, 2000)] == [1, 1, 2, 12]
    assert processes_for(20, 3) == 3
    with pytest.raises(UsageError, match="2000 gates need 12 processes"):
        processes_for(2000, 11)


def test_more_open_files_than_this_user_may_have_are_told_before_the_run() -> None:
    with pytest.raises(UsageError, match="open files"):
        allow_descriptors(10**9)
