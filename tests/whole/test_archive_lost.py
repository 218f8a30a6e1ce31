"""What docs/brokers.md tells an operator to do about an archive that is lost, damaged or too old, walked step by step with a real gate."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.provisioning.live import MOSQUITTO
from tests.whole.world import GATE, World, until

pytestmark = pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed")

SYSTEM_CLOCK = "clock.source=system"
SOON = "broker.confirm_within_s=0.5"
PROMPT = "tests.whole.prompt_recorder"


def with_a_replica(world: World) -> Path:
    file = world.layout.recorder / "recorder.toml"
    text = file.read_text(encoding="utf-8")
    for old, new in {"#file =": 'file = "copy.sqlite"', "#same_disk = false": "same_disk = true"}.items():
        assert text.count(f"\n{old}\n") == 1
        text = text.replace(f"\n{old}\n", f"\n{new}\n")
    file.write_text(text, encoding="utf-8")
    return world.layout.recorder / "copy.sqlite"


def sequences(world: World) -> list[int]:
    return [int(each["sequence"]) for each in world.events()]


def back_up(archive: Path, file: Path) -> None:
    with closing(sqlite3.connect(archive)) as source, closing(sqlite3.connect(file)) as backup:
        source.backup(backup)


def lose(archive: Path) -> None:
    for file in archive.parent.glob(f"{archive.name}*"):
        file.unlink()


@pytest.mark.parametrize("how", ["lost", "older"])
def test_an_archive_comes_back_from_the_replica_and_nothing_is_missing(tmp_path: Path, how: str) -> None:
    world = World(tmp_path, SYSTEM_CLOCK, SOON)
    replica = with_a_replica(world)
    with world:
        world.wait_in_force()
        world.wait_rest()
        back_up(world.archive, tmp_path / "backup")
        world.order("diagnostics")
        world.wait_rest()
        lose(world.archive)
        until(lambda: "was deleted, replaced or unmounted" in world.log("recorder"), lambda: world.log("recorder"))
        if how == "older":
            shutil.copy(tmp_path / "backup", world.archive)
        world.stop_recorder()
        world.start_recorder()  # as systemd does; it must not take its new, empty archive for the old one
        world.order("diagnostics")
        until(lambda: "is the replica of another archive" in world.log("recorder"), lambda: world.log("recorder"))
        world.stop_recorder()
        lose(world.archive)
        for part in ("", "-wal"):
            if (copy := replica.with_name(replica.name + part)).exists():
                shutil.copy(copy, world.archive.with_name(world.archive.name + part))
        world.start_recorder()
        world.wait_event("command", what="diagnostics")
        world.wait_rest()
        found, known = sequences(world), world.known()
        assert found == [*range(1, found[-1] + 1)]
        assert (known["alarms"], [epoch["missing"] for epoch in known["epochs"]]) == ([], [0])


def test_of_an_archive_that_is_older_than_it_was_what_the_gate_still_has_comes_by_itself_and_the_rest_is_told(tmp_path: Path) -> None:
    with World(tmp_path, SYSTEM_CLOCK, SOON, recorder=PROMPT) as world:
        world.wait_in_force()
        world.wait_rest()
        back_up(world.archive, tmp_path / "backup")
        before = sequences(world)[-1]
        world.order("diagnostics")
        world.wait_rest()
        last = sequences(world)[-1]
        world.stop_recorder()
        world.order("diagnostics")  # the gate keeps this one
        lose(world.archive)
        shutil.copy(tmp_path / "backup", world.archive)
        world.start_recorder()
        world.wait_event("command", what="replay", outcome="done")
        world.wait_rest()
        known = world.known()
        assert [(epoch["missing"], epoch["gaps"]) for epoch in known["epochs"]] == [(last - before, [[before + 1, last]])]
        assert set(sequences(world)) == {*range(1, sequences(world)[-1] + 1)} - {*range(before + 1, last + 1)}
        assert (known["gate"], known["alarms"]) == (GATE, [])


def test_an_archive_that_is_lost_without_a_replica_begins_anew_and_says_what_is_gone(tmp_path: Path) -> None:
    with World(tmp_path, SYSTEM_CLOCK, SOON) as world:
        world.wait_in_force()
        world.wait_rest()
        last = sequences(world)[-1]
        world.stop_recorder()
        world.order("diagnostics")
        lose(world.archive)
        world.start_recorder()
        assert "there was no archive at" in world.log("recorder")
        world.wait_event("command", what="diagnostics")
        world.wait_rest()
        (epoch,) = world.known()["epochs"]
        assert (epoch["missing"], epoch["gaps"], world.known()["key"] != "") == (last, [[1, last]], True)
