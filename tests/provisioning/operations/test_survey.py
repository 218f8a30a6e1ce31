from __future__ import annotations

from pathlib import Path

import pytest

from device.errors import StoreError, UsageError
from provisioning.operations import missing
from provisioning.operations.archive import Archive
from provisioning.operations.missing import LONG
from provisioning.operations.survey import Epoch, Gate, accept, gates
from tests.provisioning.live import PROVINCE, SITE
from tests.provisioning.operations.played import NOW, Card, key, recorder_of_a_known_gate

MOMENT = "2026-11-01T00:00:00.000+00:00"


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    return recorder_of_a_known_gate(tmp_path)


def expected(**changes: object) -> Gate:
    known = {
        "gate": "g-a",
        "site": SITE,
        "epochs": (Epoch("e1", 4, MOMENT, 2, ((2, 3),)),),
        "boots": 2,
        "voids": 1,
        "conflicts": 1,
        "alarms": (("other_bytes", MOMENT), ("other_key", MOMENT), ("undelivered", MOMENT)),
        "key": Card().public.hex(),
        "other_key": Card(key=key(2)).public.hex(),
    }
    return Gate(**(known | changes))  # type: ignore[arg-type]


def test_what_the_archive_knows_of_each_gate(settings: Path) -> None:
    assert gates(settings.parent / "events.sqlite") == [expected()]


def test_an_accepted_gate_has_no_alarms_and_its_new_key(settings: Path) -> None:
    archive = settings.parent / "events.sqlite"
    assert accept(archive, "g-a")
    assert gates(archive) == [expected(alarms=(), key=Card(key=key(2)).public.hex(), other_key="")]
    assert not accept(archive, "g-a")


def test_what_an_operator_accepts_as_missing_is_asked_for_no_more_and_is_missing_all_the_same(settings: Path) -> None:
    file = settings.parent / "events.sqlite"
    with Archive(file) as archive:
        missing.raise_alarms(archive.database, archive.register, archive.gaps(PROVINCE), NOW + LONG)
        assert "still_missing" in dict(archive.register.alarms("g-a"))
        assert [gap.ranges for gap in archive.gaps(PROVINCE) if not gap.originals] == [((2, 3),)]
        accept(file, "g-a")
        assert archive.take_accepted() == ["g-a"]
        assert [gap.ranges for gap in archive.gaps(PROVINCE) if not gap.originals] == []
    assert gates(file) == [expected(alarms=(), key=Card(key=key(2)).public.hex(), other_key="")]


def test_who_accepts_a_gate_for_another_reason_does_not_give_up_its_events(settings: Path) -> None:
    file = settings.parent / "events.sqlite"
    accept(file, "g-a")
    with Archive(file) as archive:
        assert [gap.ranges for gap in archive.gaps(PROVINCE) if not gap.originals] == [((2, 3),)]


def test_a_gate_that_nobody_knows_and_an_archive_that_is_not_there_are_told(settings: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="knows no gate 'g-z'"):
        accept(settings.parent / "events.sqlite", "g-z")
    with pytest.raises(StoreError, match="unable to open"):
        gates(tmp_path / "none.sqlite")
