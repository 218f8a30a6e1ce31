from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from device.errors import StoreError
from provisioning.operations.archive import Archive
from provisioning.operations.arrivals import Arrival, read
from provisioning.simulation.count import Count, count
from tests.provisioning.live import EPOCH, PROVINCE, decisions, event


def arrival(gate: str, sequence: int, epoch: str = EPOCH) -> Arrival:
    found = read(decisions(gate), event(gate, sequence, epoch=epoch), province=PROVINCE)
    assert isinstance(found, Arrival)
    return found


def test_an_event_that_the_archive_has_not_is_lost_whatever_came_of_other_gates_and_epochs(tmp_path: Path) -> None:
    with Archive(tmp_path / "events.sqlite") as archive:
        ours = [arrival("sim-1", sequence) for sequence in (1, 2, 4, 5)] + [arrival("sim-2", 1)]
        others = [arrival("sim-1", 3, "another"), arrival("sim-10", 3)]
        archive.store([*ours, *ours, *others], received_at=datetime.now(UTC))
    made = {("sim-1", EPOCH): 5, ("sim-2", EPOCH): 1, ("sim-3", EPOCH): 0}
    assert count(tmp_path / "events.sqlite", made) == Count(stored=5, lost=1, alarms=0)


def test_without_an_archive_nothing_is_counted(tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        count(tmp_path / "events.sqlite", {("sim-1", EPOCH): 1})
