"""The short form of ``make canaries``, and the proof that it would notice."""

from __future__ import annotations

import base64
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.brokers import needs_mosquitto
from tests.canaries.codes import KINDS
from tests.canaries.people import Person
from tests.canaries.search import Search
from tests.canaries.trial import Report, Trial, search_folder

PRESENTATIONS = 400
MANY = PRESENTATIONS // 8
"""A quarter of them go through; on a busy machine fewer, who show their codes while somebody is in the lane still."""


@dataclass(frozen=True)
class Done:
    report: Report
    world: Path
    person: Person
    search: Search


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Done:
    folder = tmp_path_factory.mktemp("canaries")
    trial = Trial(folder, presentations=PRESENTATIONS, seed=2, say=lambda _line: None)
    report = trial.run()
    return Done(report, folder / "world", trial.people[3], trial.search)


pytestmark = needs_mosquitto


def test_nothing_of_a_person_is_in_the_store_the_logs_or_the_traffic(done: Done) -> None:
    assert (done.report.hits, done.report.wrong) == ([], [])


def test_every_place_where_something_is_written_was_searched(done: Done) -> None:
    searched = set(done.report.searched)
    live = {f"copies/{when}/{file}" for when in ("between", "at the end") for file in ("events.db", "events.db-wal")}
    logs = {"gate.log", "uplink.log", "broker.log", "recorder.log"}
    assert live | logs | {"state/events.db", "broker/data/mosquitto.db", "recorder/events.sqlite", "traffic.bin", "run/driven.toml"} <= searched
    assert {"copies/memory/uplink", "copies/memory/recorder", "copies/memory/broker"} <= searched
    assert done.report.searched["traffic.bin"] > 100_000


def test_both_modes_were_met_and_people_went_through(done: Done) -> None:
    decided = done.report.decided
    assert {kind for kind, reasons in decided.items() if {"recorded", "not_proven"} <= set(reasons)} >= {"mic", "cccd 7", "bhyt old", "tkvt"}
    assert {kind for kind, reasons in decided.items() if "ok" in reasons} == {"kd1", "kd1 of a party, counted", "kd2", "hc1", "shc", "vds"}
    assert {kind for kind, reasons in decided.items() if "denied" in reasons} & {"mic", "cccd 7", "cccd 11", "bhyt old", "bhyt new"}
    assert set(decided) == set(KINDS)
    assert done.report.events["qrgate.alarm"] > 0
    assert done.report.events["qrgate.passage"] > MANY


def test_who_was_admitted_is_sealed_and_erased_without_a_trace(done: Done) -> None:
    assert done.report.sealed_rows > MANY
    for erasing in done.report.erasing.values():
        assert (erasing.erased, erasing.left, erasing.in_the_file, erasing.events_unchanged) == (done.report.sealed_rows, 0, 0, True)
        assert erasing.events > 0


# --- it would be noticed ---------------------------------------------------------------------------------------


def test_a_gate_that_logs_what_it_reads_is_found_out(tmp_path: Path) -> None:
    trial = Trial(tmp_path, presentations=2 * len(KINDS), seed=3, say=lambda _line: None, module=("tests.canaries.leaking",))
    report = trial.run()
    assert not report.is_clean
    assert "gate.log" in {hit.partition(",")[0] for hit in report.hits}  # the slip's own imports may lie in any process's memory


def insert(statement: str, *values: object, delete: str = "") -> Callable[[Path], None]:
    """Write into a database as a program would; with ``delete`` the row goes again, and only its bytes stay.

    One connection a statement, since what came and went within one need never reach the file; and such a row wants pages of its own,
    since of a small one the neighbours' moving may leave nothing.
    """

    def write(file: Path) -> None:
        for each, bound in ((statement, values), *([(delete, ())] if delete else [])):
            with closing(sqlite3.connect(file, isolation_level=None)) as database:
                database.execute("PRAGMA secure_delete=OFF")
                database.execute(each, bound)

    return write


def append(data: bytes) -> Callable[[Path], None]:
    def write(file: Path) -> None:
        file.write_bytes(file.read_bytes() + data)

    return write


PLANTS: dict[str, tuple[str, Callable[[Person], Callable[[Path], None]]]] = {
    "an event's body": (
        "state/events.db",
        lambda person: insert("INSERT INTO event (sequence, type, body) VALUES (?, ?, ?)", 10**6, "decision", f'{{"name":"{person.name}"}}'.encode()),
    ),
    "a row that was deleted": (
        "state/events.db",
        lambda person: insert(
            "INSERT INTO event (sequence, type, body) VALUES (?, ?, ?)",
            10**6,
            "decision",
            person.address.encode() * 500,
            delete="DELETE FROM event WHERE sequence=1000000",
        ),
    ),
    "the log of writes": ("copies/at the end/events.db-wal", lambda person: append(b"\0\0" + person.paper.encode() + b"\0")),
    "a key file": ("state/fingerprint.key", lambda person: append(base64.b64encode(person.insurance.encode()))),
    "the runtime folder": ("run/driven.toml", lambda person: append(f'vehicle = "{person.sheet}"\n'.encode())),
    "the gate's log": ("gate.log", lambda person: append(f"12:00 REFUSE {person.phone}\n".encode())),
    "the uplink's log": ("uplink.log", lambda person: append(repr(person.name.encode()).encode())),
    "a topic or a payload": ("traffic.bin", lambda person: append(b"qg/v1/demo/" + person.declaration.upper().encode())),
    "a user property": ("traffic.bin", lambda person: append(repr({"UserProperty": [("who", person.email)]}).encode())),
    "the broker's memory": ("broker/data/mosquitto.db", lambda person: append(person.qid.encode("utf-16-le"))),
    "the recorder's archive": (
        "recorder/events.sqlite",
        lambda person: insert("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)", "s", "e", 1, "i", "t", "r", person.passport.encode().hex().encode()),
    ),
}


@pytest.mark.parametrize("plant", PLANTS)
def test_a_canary_that_is_planted_there_is_found(plant: str, done: Done, tmp_path: Path) -> None:
    name, make = PLANTS[plant]
    place = tmp_path / name
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(done.world / name, place)
    assert search_folder(done.search, tmp_path)[1] == []
    make(done.person)(place)
    _, hits = search_folder(done.search, tmp_path)
    assert {hit.partition(": ")[0].partition(",")[0] for hit in hits} == {name}
    assert any("person 3" in hit for hit in hits)


def test_a_file_whose_name_is_a_canary_is_found(done: Done, tmp_path: Path) -> None:
    (tmp_path / done.person.token).touch()
    assert len(search_folder(done.search, tmp_path)[1]) > 0
