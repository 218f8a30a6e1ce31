from __future__ import annotations

from pathlib import Path

import pytest

from device.errors import UsageError
from provisioning.broker.mosquitto import PERSISTENCE
from provisioning.simulation.province import OPTIONS, PATTERN, Province, of_others, own
from tests.provisioning.live import provision


def certificates(made: Province) -> dict[str, bytes]:
    return {each.site.gate: each.broker.certificate_file.read_bytes() for each in made.gates}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "fleet"


def test_each_gate_has_an_identity_of_its_own_and_all_have_one_broker(folder: Path) -> None:
    made = own(folder, 3, 2000, lambda _: None)
    assert list(certificates(made)) == ["sim-00001", "sim-00002", "sim-00003"]
    assert len(set(certificates(made).values())) == 3
    assert len({(each.broker.host, each.broker.port) for each in made.gates}) == 1
    assert "# Everything has a bound. The queue is for 3 gates of 2000 events a day" in made.broker.read_text(encoding="utf-8")


def test_a_folder_that_is_used_again_keeps_its_certificates_and_forgets_the_last_run(folder: Path) -> None:
    before = certificates(own(folder, 2, 2000, lambda _: None))
    leftovers = [folder / "broker" / PERSISTENCE / "mosquitto.db", folder / "recorder" / "events.sqlite", folder / "recorder" / "events.sqlite-wal"]
    for leftover in leftovers:
        leftover.write_bytes(b"of the last run")
    after = certificates(own(folder, 3, 2000, lambda _: None))
    assert {gate: after[gate] for gate in before} == before
    assert [path.name for path in leftovers if path.exists()] == []


def test_a_real_provinces_folder_is_refused_before_anything_in_it_is_erased(folder: Path) -> None:
    provision(folder, "g-a", province="hn")
    (folder / "recorder" / "events.sqlite").write_bytes(b"theirs")
    with pytest.raises(UsageError, match="belongs to province 'hn'"):
        own(folder, 2, 2000, lambda _: None)
    assert (folder / "recorder" / "events.sqlite").read_bytes() == b"theirs"


def test_the_province_of_others_keeps_its_archive(folder: Path) -> None:
    provision(folder, PATTERN, *OPTIONS)
    (folder / "recorder" / "events.sqlite").write_bytes(b"theirs")
    made = of_others(folder, 2, lambda _: None)
    assert made.archive.read_bytes() == b"theirs"
    assert len(certificates(made)) == 2


def test_gates_are_dealt_out_evenly_and_each_keeps_its_signing_key(folder: Path) -> None:
    made = own(folder, 5, 2000, lambda _: None)
    parts = made.parts(2)
    assert [[settings.site.gate[-1] for settings, _ in part.gates] for part in parts] == [["1", "3", "5"], ["2", "4"]]
    assert parts == made.parts(2)
    assert len({seed for part in parts for _, seed in part.gates}) == 5


def test_a_province_without_a_gate_is_told(folder: Path) -> None:
    provision(folder, PATTERN, *OPTIONS)
    (folder / "gates" / PATTERN / "gate.toml").unlink()
    with pytest.raises(UsageError, match="no gate"):
        of_others(folder, 1, lambda _: None)
