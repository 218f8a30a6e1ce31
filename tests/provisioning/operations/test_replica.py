from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from device.errors import StoreError
from provisioning.operations import replica as replicas
from provisioning.operations import survey
from provisioning.operations.archive import Archive, Verdict
from provisioning.operations.database import TryAgainError
from provisioning.operations.replica import Replica
from provisioning.operations.schema import KEPT
from tests.provisioning.live import PROVINCE
from tests.provisioning.operations.played import NOW, Card


def content(path: Path) -> list[list[tuple[object, ...]]]:
    with closing(sqlite3.connect(path)) as database:
        return [database.execute(f"SELECT rowid, * FROM {table}").fetchall() for table in KEPT]  # noqa: S608 - tables of ours


def send(archive: Archive, card: Card, count: int) -> None:
    archive.store([card.decide() for _ in range(count)], received_at=NOW)


def test_it_has_all_that_gates_sent_conflicts_and_voids_too(archive: Archive, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    card, replica = Card(), Replica(tmp_path / "other" / "copy.sqlite", archive.database, same_disk=True)
    send(archive, card, 3)
    assert replica.follow()
    copied = card.stolen()
    send(archive, card, 1)
    archive.store([copied.decide(other=True), card.give_up(2)], received_at=NOW)
    assert replica.follow()
    replica.close()
    found = content(tmp_path / "other" / "copy.sqlite")
    assert ([len(table) for table in found], found) == ([4, 1, 1], content(tmp_path / "events.sqlite"))


def test_one_that_begins_empty_is_filled_a_slice_at_a_time(archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replicas, "SLICE_ROWS", 4)
    send(archive, Card(), 10)
    replica = Replica(tmp_path / "copy.sqlite", archive.database, same_disk=True)
    assert [replica.follow() for _ in range(3)] == [False, False, True]
    replica.close()
    assert content(tmp_path / "copy.sqlite") == content(tmp_path / "events.sqlite")


def test_a_disk_that_was_away_is_found_again_and_lacks_nothing(archive: Archive, tmp_path: Path) -> None:
    card, disk = Card(), tmp_path / "disk"
    replica = Replica(disk / "copy.sqlite", archive.database, same_disk=True)
    send(archive, card, 2)
    with pytest.raises(TryAgainError, match="the folder of the replica is not there"):
        replica.follow()
    assert not disk.exists()
    disk.mkdir()
    send(archive, card, 1)
    assert replica.follow()
    replica.close()
    assert content(disk / "copy.sqlite") == content(tmp_path / "events.sqlite")


def test_the_archive_s_own_disk_is_no_second_disk_before_the_start_nor_when_the_second_has_gone(archive: Archive, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    replica = Replica(disk / "copy.sqlite", archive.database)
    disk.mkdir()  # the folder on which a disk was mounted
    with pytest.raises(TryAgainError, match="would lie on the disk of the archive"):
        replica.follow()
    with pytest.raises(StoreError, match="would lie on the disk of the archive") as caught:
        Replica(disk / "copy.sqlite", archive.database)
    assert (caught.value.hint, list(disk.iterdir())) == (
        "is its own disk mounted? [replica] same_disk = true allows it, for a test or a laptop",
        [],
    )


def test_another_file_system_is_a_second_disk(archive: Archive, tmp_path: Path) -> None:
    memory = Path("/dev/shm")
    if not memory.is_dir() or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("all is on one file system here")
    send(archive, Card(), 2)
    with TemporaryDirectory(dir=memory) as folder:
        replica = Replica(Path(folder) / "copy.sqlite", archive.database)
        assert replica.follow()
        replica.close()
        assert content(Path(folder) / "copy.sqlite") == content(tmp_path / "events.sqlite")


def test_one_that_is_deleted_while_it_is_open_counts_no_more_and_is_filled_anew(archive: Archive, tmp_path: Path) -> None:
    card, disk = Card(), tmp_path / "disk"
    disk.mkdir()
    replica = Replica(disk / "copy.sqlite", archive.database, same_disk=True)
    send(archive, card, 2)
    assert replica.follow()
    for file in disk.iterdir():
        file.unlink()
    send(archive, card, 1)
    with pytest.raises(TryAgainError, match="was deleted, replaced or unmounted"):
        replica.follow()
    assert replica.follow()
    replica.close()
    assert content(disk / "copy.sqlite") == content(tmp_path / "events.sqlite")


def test_that_of_another_archive_is_refused(archive: Archive, tmp_path: Path) -> None:
    with Archive(tmp_path / "foreign.sqlite") as foreign:
        send(foreign, Card("g-b"), 1)
        replica = Replica(tmp_path / "copy.sqlite", foreign.database, same_disk=True)
        replica.follow()
        replica.close()
    send(archive, Card(), 5)
    with pytest.raises(TryAgainError, match="the replica of another archive") as caught:
        Replica(tmp_path / "copy.sqlite", archive.database, same_disk=True).follow()
    assert caught.value.hint.startswith("is that one lost? then name this file in [storage]")


def test_where_the_archive_is_lost_it_becomes_the_archive_and_nothing_is_asked_for_that_was_given_up(archive: Archive, tmp_path: Path) -> None:
    before, card = Card(epoch="e0"), Card(boot="boot-2")
    first, second, *_, sixth = [before.decide() for _ in range(6)]
    archive.store([before.birth(), first, second, sixth, card.birth(), card.decide(), card.give_up_range("e0", 3, 5)], received_at=NOW)
    archive.store([card.decide(), card.give_up(1)], received_at=NOW)
    copy = Replica(tmp_path / "copy.sqlite", archive.database, same_disk=True)
    assert copy.follow()
    copy.close()
    kept = content(tmp_path / "copy.sqlite")
    with Archive(tmp_path / "copy.sqlite") as restored:
        assert content(tmp_path / "copy.sqlite") == kept
        again, fresh = card.sent(2), card.decide()
        assert restored.store([again, fresh, card.birth()], received_at=NOW) == [Verdict.DUPLICATE, Verdict.STORED, Verdict.NOTED]
        replica = Replica(tmp_path / "new.sqlite", restored.database, same_disk=True)
        assert replica.follow()
        replica.close()
        assert list(restored.gaps(PROVINCE)) == []
    assert content(tmp_path / "new.sqlite") == content(tmp_path / "copy.sqlite")
    (gate,) = survey.gates(tmp_path / "copy.sqlite")
    epochs = [(each.epoch, each.last_sequence, each.missing) for each in gate.epochs]
    assert (epochs, gate.voids, gate.alarms) == ([("e0", 6, 0), ("e1", 4, 0)], 2, ())
