from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from provisioning.operations.alarms import What
from provisioning.operations.archive import Archive
from provisioning.operations.missing import LONG, raise_alarms
from tests.provisioning.live import PROVINCE
from tests.provisioning.operations.played import NOW, Card

SOON = timedelta(minutes=1)


def alarms(archive: Archive, after: timedelta) -> list[tuple[str, str]]:
    raise_alarms(archive.database, archive.register, archive.gaps(PROVINCE), NOW + after)
    return archive.register.alarms("g-a")


def test_what_has_been_missing_for_a_day_is_alarmed_once(archive: Archive) -> None:
    card = Card()
    first, _, third = card.decide(), card.decide(), card.decide()
    archive.store([card.birth(), first, third], received_at=NOW)
    raised = [(What.STILL_MISSING, (NOW + LONG).isoformat(timespec="milliseconds"))]
    assert [alarms(archive, after) for after in (SOON, LONG - SOON, LONG, LONG + SOON)] == [[], [], raised, raised]
    assert (archive.register.take_raised(), archive.register.take_raised()) == (["g-a"], [])


def test_it_counts_from_the_event_behind_the_gap_so_a_gate_that_brings_its_backlog_is_not_alarmed(archive: Archive) -> None:
    card = Card()
    first, _, third, _, fifth = [card.decide() for _ in range(5)]
    archive.store([card.birth(), first, fifth], received_at=NOW)
    archive.store([card.sent(2), card.sent(4)], received_at=NOW + LONG - SOON)
    assert alarms(archive, LONG) == []
    archive.store([third], received_at=NOW + LONG)
    assert alarms(archive, 3 * LONG) == []


def test_what_a_gate_has_given_up_and_what_only_a_void_stands_for_is_not_missing(archive: Archive) -> None:
    card = Card()
    for _ in range(3):
        card.decide()
    archive.store([card.birth(), card.sent(1), card.give_up(2), card.sent(3)], received_at=NOW)
    assert What.STILL_MISSING not in dict(alarms(archive, 2 * LONG))


def test_it_outlives_the_recorder(tmp_path: Path) -> None:
    card = Card()
    card.decide()
    with Archive(tmp_path / "events.sqlite") as archive:
        archive.store([card.birth(), card.decide()], received_at=NOW)
        alarms(archive, LONG)
    with Archive(tmp_path / "events.sqlite") as archive:
        assert [what for what, _ in archive.register.alarms("g-a")] == [What.STILL_MISSING]
