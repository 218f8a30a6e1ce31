"""Damage in every form that a card gives: torn pages, a torn head, a lost file; and a kill at each step of the rescue."""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from device.admission.presence import Moment
from device.domain import ClockTrust, EventType, Instant, StoredEvent
from device.errors import StoreDamagedError, VerificationError
from device.events import void
from device.events.confirmation import Confirmation, range_digest
from device.events.void import LAST, Void
from device.gate.limits import Limits
from device.gate.memory import OpenGrant
from device.gate.packing import unpack
from device.gate.salvage import DAMAGED_MAX, Opened, open_store
from device.gate.store import Store
from device.gate.waiting import PLACE_MIN

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
NOW = Instant(datetime(2026, 7, 1, tzinfo=UTC), ClockTrust.TRUSTED)
GRANT = OpenGrant("g1-e-1", "cafe-1", b"pass", b"person")
EVENTS = 60


def opened(folder: Path) -> Opened:
    return open_store(folder / "events.db", gate="g1", boot="boot-1", key=KEY, now=NOW, reserve=0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A store with events of which the first ten are confirmed, a pass that was used, somebody inside, and a sealed identity."""
    with closing(opened(tmp_path).store) as store:
        for number in range(1, EVENTS + 1):
            with store.transaction() as writing:
                writing.append(EventType.AUDIT, {"n": number}, subject="gate", now=NOW)
        with store.transaction() as writing:
            writing.memory.open_grant(GRANT, Moment(NOW, "boot-1", 1))
            writing.memory.count(2, Moment(NOW, "boot-1", 1))
            writing.identities.keep(30, b"sealed", 30, Moment(NOW, "boot-1", 1))
        confirm(store, store.epoch, store.events_after(0, 10))
    return tmp_path


def confirm(store: Store, epoch: str, events: tuple[StoredEvent, ...]) -> int:
    first, last = (int(json.loads(event.body)["sequence"]) for event in (events[0], events[-1]))
    return store.confirm(Confirmation("g1", epoch, first, last, range_digest(event.body for event in events)))


def epoch_of(folder: Path) -> str:
    return (folder / "events.epoch").read_text(encoding="ascii")


def tear(folder: Path, sequences: range) -> None:
    """Overwrite the pages of these events as a worn card does."""
    file = folder / "events.db"
    content = bytearray(file.read_bytes())
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
        (page_bytes,) = database.execute("PRAGMA page_size").fetchone()
        rows = database.execute("SELECT body FROM event WHERE sequence BETWEEN ? AND ?", (sequences[0], sequences[-1])).fetchall()
    for (body,) in rows:
        page = content.find(body) // page_bytes * page_bytes
        if page >= 0:
            content[page : page + page_bytes] = b"\xa5" * page_bytes
    file.write_bytes(content)


def waiting(store: Store) -> list[StoredEvent]:
    found: list[StoredEvent] = []
    after = PLACE_MIN
    while batch := store.events_after(after, 1000):
        found += batch
        after = batch[-1].sequence
    return found


def numbers(store: Store) -> list[int]:
    """Of the events that were saved, in the order in which they will be given."""
    return [json.loads(event.body)["data"]["n"] for event in waiting(store) if event.sequence < 0]


def told(store: Store) -> list[tuple[str, dict[str, Any]]]:
    """What the new epoch says."""
    return [(event.type, json.loads(event.body)["data"]) for event in waiting(store) if event.sequence > 0]


def voids(store: Store) -> list[Void]:
    found = [void.verify(bytes.fromhex(data["signature"]), KEY.public_key()) for kind, data in told(store) if kind == "void"]
    assert [void.data(each, void.sign(KEY, each)) for each in found] == [data for kind, data in told(store) if kind == "void"]
    return found


def test_a_sound_store_is_opened_as_it_is(folder: Path) -> None:
    epoch = epoch_of(folder)
    found = opened(folder)
    with closing(found.store) as store:
        assert (found.damage, store.epoch, store.unconfirmed(), [*folder.glob("*.damaged")]) == (None, epoch, EVENTS - 10, [])


def test_what_can_be_read_is_saved_in_order_and_what_cannot_becomes_voids(folder: Path) -> None:
    epoch = epoch_of(folder)
    tear(folder, range(30, 33))
    with closing(opened(folder).store) as store:
        saved = numbers(store)
        lost = sorted(set(range(11, EVENTS + 1)) - set(saved))
        assert (saved, lost[0] <= 30, lost[-1] >= 32, len(lost) < 15) == (sorted(saved), True, True, True)
        covered = [(each.epoch, each.first, each.last, each.why) for each in voids(store)]
        assert covered == [(epoch, 1, 10, "damaged"), (epoch, lost[0], lost[-1], "damaged")]
        kind, alarm = told(store)[0]
        assert (kind, alarm) == ("alarm", {"what": "store_damaged", "epoch": epoch, "saved": len(saved), "lost": len(lost), "unread": []})
        assert (store.epoch != epoch, store.unconfirmed()) == (True, len(saved) + 3)


def test_the_bytes_of_what_was_saved_are_those_that_were_recorded_and_the_recorder_confirms_them(folder: Path) -> None:
    epoch = epoch_of(folder)
    with closing(opened(folder).store) as store:
        before = {json.loads(event.body)["data"]["n"]: event.body for event in waiting(store)}
    tear(folder, range(30, 33))
    with closing(opened(folder).store) as store:
        saved = [event for event in waiting(store) if event.sequence < 0]
        assert all(before[json.loads(event.body)["data"]["n"]] == event.body for event in saved)
        first = tuple(event for event in saved if json.loads(event.body)["data"]["n"] < 25)
        assert (confirm(store, epoch, first), confirm(store, epoch, first), len(numbers(store))) == (14, 0, len(saved) - 14)
        with pytest.raises(VerificationError):
            confirm(store, "0" * 16, first)


def test_a_use_that_was_counted_stays_counted_and_whoever_is_inside_is_inside(folder: Path) -> None:
    tear(folder, range(30, 33))
    with closing(opened(folder).store) as store, store.recalling() as memory:
        assert (memory.uses_of(b"pass"), memory.occupied(), memory.open_grants()) == (1, 3, [GRANT])
        assert store.identity(30 - EVENTS - 1) == b"sealed"
        assert store.clock_floor == NOW.utc


def test_a_file_whose_head_is_torn_is_lost_as_a_whole_and_its_epoch_is_still_known(folder: Path) -> None:
    epoch = epoch_of(folder)
    content = b"SQLite format 3\x00" + b"\xff" * 5000
    (folder / "events.db").write_bytes(content)
    found = opened(folder)
    with closing(found.store) as store:
        assert found.damage is not None
        assert (found.damage.epoch, found.damage.saved, found.damage.lost, "pass_use" in found.damage.unread) == (epoch, 0, None, True)
        assert voids(store) == [Void("g1", epoch, 1, LAST, "damaged")]
        assert (folder / "events-1.damaged").read_bytes() == content


@pytest.mark.parametrize("content", [None, b""], ids=["gone", "empty"])
def test_a_file_that_is_gone_is_no_first_start(folder: Path, content: bytes | None) -> None:
    epoch = epoch_of(folder)
    (folder / "events.db").unlink()
    if content is not None:
        (folder / "events.db").write_bytes(content)
    with closing(opened(folder).store) as store:
        assert (voids(store), store.epoch != epoch) == ([Void("g1", epoch, 1, LAST, "damaged")], True)
    again = opened(folder)
    again.store.close()
    assert again.damage is None


def test_damage_that_is_met_at_work_ends_the_process_and_the_next_start_saves(folder: Path) -> None:
    with closing(opened(folder).store) as store:
        pass
    with closing(sqlite3.connect(folder / "events.db", isolation_level=None)) as database:
        (stored,) = database.execute("SELECT body FROM event WHERE sequence=40").fetchone()
        changed = stored[:-1] + bytes([stored[-1] ^ 1])
        database.execute("UPDATE event SET body=? WHERE sequence=40", (changed,))  # no check of the file finds it
    with closing(opened(folder).store) as store, pytest.raises(StoreDamagedError):
        waiting(store)
    with closing(opened(folder).store) as store:
        assert numbers(store) == [number for number in range(11, EVENTS + 1) if number != 40]
    again = opened(folder)
    again.store.close()
    assert again.damage is None


def test_a_body_that_was_replaced_by_another_is_not_believed(folder: Path) -> None:
    """It unpacks, and it is an event: but not the one whose hash the next one carries."""
    tear(folder, range(20, 21))
    with closing(sqlite3.connect(folder / "events.db", isolation_level=None)) as database:
        (stored,) = database.execute("SELECT body FROM event WHERE sequence=50").fetchone()
        other = json.loads(unpack(stored))
        other["data"]["n"] = 99
        database.execute("UPDATE event SET body=? WHERE sequence=50", (json.dumps(other, separators=(",", ":")).encode(),))
    with closing(opened(folder).store) as store:
        assert {50, 99} & set(numbers(store)) == set()
        assert any(each.first <= 50 <= each.last for each in voids(store))


def test_what_was_saved_once_is_saved_again_and_stands_ahead(folder: Path) -> None:
    tear(folder, range(30, 33))
    with closing(opened(folder).store) as store:
        first = numbers(store)
        for number in range(200, 230):
            with store.transaction() as writing:
                writing.append(EventType.AUDIT, {"n": number}, subject="gate", now=NOW)
    second_epoch = epoch_of(folder)
    tear(folder, range(20, 22))
    with closing(opened(folder).store) as store:
        saved = [json.loads(event.body) for event in waiting(store) if event.sequence < 0]
        found = [event["data"]["n"] for event in saved if "n" in event["data"]]
        assert ([number for number in found if number < 200], found[-1]) == (first, 229)
        old = tuple(event for event in waiting(store) if event.sequence < 0 and json.loads(event.body)["epoch"] == second_epoch)
        assert store.places(second_epoch, *[int(json.loads(each.body)["sequence"]) for each in (old[0], old[-1])]) == (
            old[0].sequence,
            old[-1].sequence,
        )
        assert confirm(store, second_epoch, old[:1]) == 1
        assert len([*folder.glob("events-*.damaged")]) == 2


def test_a_store_that_is_full_is_saved_all_the_same(folder: Path) -> None:
    tear(folder, range(30, 33))
    limits = Limits(events_max=10)
    with closing(open_store(folder / "events.db", gate="g1", boot="boot-1", key=KEY, now=NOW, limits=limits, reserve=0).store) as store:
        assert (store.fill().share > 1, len(voids(store))) == (True, 2)


def test_a_bounded_number_of_damaged_files_is_kept(folder: Path) -> None:
    for _ in range(DAMAGED_MAX + 2):
        (folder / "events.db").write_bytes(b"no database" * 500)
        opened(folder).store.close()
    assert len([*folder.glob("events-*.damaged")]) == DAMAGED_MAX


# --- kills -----------------------------------------------------------------------------------------------------

RESCUER = """\
import os, signal, sqlite3, sys
from pathlib import Path
from tests.device.gate import test_salvage

def rescue(folder, left):
    def step(*_):
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def traced(*bound, **named):
        connection = connect(*bound, **named)
        connection.set_trace_callback(step)
        return connection

    connect, sqlite3.connect = sqlite3.connect, traced
    sys.addaudithook(lambda event, _: step() if event in {"os.rename", "os.remove", "open"} else None)
    test_salvage.opened(folder).store.close()
    os._exit(0)

for number, folder in enumerate(sys.argv[2:]):
    if (child := os.fork()) == 0:
        rescue(Path(folder), 1 + number * int(sys.argv[1]))
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
KILLS, EVERY = 60, 5
"""Kill points, and steps (statements, names that change) from one to the next: together more than a rescue has."""


def outcome(folder: Path) -> tuple[list[int], list[tuple[int, int]], int]:
    """What was saved, what is void, how often it was told."""
    with closing(opened(folder).store) as store, store.recalling() as memory:
        assert memory.uses_of(b"pass") == 1
        alarms = [data for kind, data in told(store) if kind == "alarm"]
        return numbers(store), [(each.first, each.last) for each in voids(store)], len(alarms)


def test_a_kill_at_any_step_of_the_rescue_leaves_the_old_file_or_the_new_one_whole(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    tear(folder, range(30, 33))
    copies = [tmp_path_factory.mktemp("rescue") / "state" for _ in range(KILLS)]
    for copy in copies:
        shutil.copytree(folder, copy)
    command = [sys.executable, "-c", RESCUER, str(EVERY), *map(str, copies)]
    printed = subprocess.run(command, check=True, capture_output=True, text=True, cwd=Path(__file__).parents[3]).stdout.split()
    expected = outcome(folder)
    assert [outcome(copy) for copy in copies] == [expected] * KILLS
    assert (printed[0], printed[-1], len(printed)) == (str(-signal.SIGKILL), "0", KILLS)
