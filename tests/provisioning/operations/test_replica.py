from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from device.errors import StoreError
from provisioning.operations import replica as replicas
from provisioning.operations.archive import Archive
from provisioning.operations.replica import Replica
from provisioning.operations.schema import KEPT
from tests.provisioning.operations.played import NOW, Card


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with Archive(tmp_path / "events.sqlite") as opened:
        yield opened


def content(path: Path) -> list[list[tuple[object, ...]]]:
    with closing(sqlite3.connect(path)) as database:
        return [database.execute(f"SELECT rowid, * FROM {table}").fetchall() for table in KEPT]  # noqa: S608 - tables of ours


def send(archive: Archive, card: Card, count: int) -> None:
    archive.store([card.decide() for _ in range(count)], received_at=NOW)


def test_it_has_all_that_gates_sent_conflicts_and_voids_too(archive: Archive, tmp_path: Path) -> None:
    card, replica = Card(), Replica(tmp_path / "other" / "copy.sqlite", archive.database)
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
    replica = Replica(tmp_path / "copy.sqlite", archive.database)
    assert [replica.follow() for _ in range(3)] == [False, False, True]
    replica.close()
    assert content(tmp_path / "copy.sqlite") == content(tmp_path / "events.sqlite")


def test_a_disk_that_was_away_is_found_again_and_lacks_nothing(archive: Archive, tmp_path: Path) -> None:
    card, disk = Card(), tmp_path / "disk"
    replica = Replica(disk / "copy.sqlite", archive.database)
    disk.write_text("no folder")
    send(archive, card, 2)
    with pytest.raises(StoreError, match="cannot be made"):
        replica.follow()
    disk.unlink()
    send(archive, card, 1)
    assert replica.follow()
    replica.close()
    assert content(disk / "copy.sqlite") == content(tmp_path / "events.sqlite")


def test_that_of_another_archive_is_refused(archive: Archive, tmp_path: Path) -> None:
    with Archive(tmp_path / "foreign.sqlite") as foreign:
        send(foreign, Card("g-b"), 1)
        replica = Replica(tmp_path / "copy.sqlite", foreign.database)
        replica.follow()
        replica.close()
    send(archive, Card(), 5)
    with pytest.raises(StoreError, match="the replica of another archive"):
        Replica(tmp_path / "copy.sqlite", archive.database).follow()
