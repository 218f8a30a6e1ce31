from __future__ import annotations

import logging
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from device.clock import NS
from device.domain import ClockTrust, EventType, Instant
from device.gate.alive import EVERY_NS, NAME, Alive
from tests.device.gate.desk import Desk
from tests.gates import Gate

BEGIN = Instant(datetime(2026, 7, 1, 1, tzinfo=UTC), ClockTrust.TRUSTED)


def later(seconds: float, trust: ClockTrust = ClockTrust.TRUSTED) -> Instant:
    return Instant(BEGIN.utc + timedelta(seconds=seconds), trust)


def test_at_its_first_start_a_gate_has_missed_nothing(tmp_path: Path) -> None:
    assert Alive(tmp_path).gap(BEGIN) is None


def test_a_gate_tells_from_when_to_when_it_was_not_recording_and_whose_clock_says_so(tmp_path: Path) -> None:
    Alive(tmp_path).look(BEGIN, 0)
    assert Alive(tmp_path).gap(later(3600, ClockTrust.UNTRUSTED)) == {
        "from": "2026-07-01T01:00:00+00:00",
        "from_clock": "trusted",
        "to": "2026-07-01T02:00:00+00:00",
        "to_clock": "untrusted",
    }


def test_it_is_written_down_every_minute(tmp_path: Path) -> None:
    alive = Alive(tmp_path)
    told = []
    for seconds in (0, 59.9, 60, 119, 120):
        alive.look(later(seconds), int(seconds * NS))
        gap = Alive(tmp_path).gap(later(0))
        told.append(gap and gap["from"][14:19])
    assert (told, EVERY_NS) == (["00:00", "00:00", "01:00", "01:00", "02:00"], 60 * NS)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"7", b'{"at": 7}', b'{"clock": "trusted"}', b'{"at": "yesterday"}', b"\xff\xfe"])
def test_a_note_that_a_power_cut_has_spoilt_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / NAME).write_bytes(content)
    alive = Alive(tmp_path)
    assert alive.gap(BEGIN) is None
    alive.look(BEGIN, 0)
    gap = Alive(tmp_path).gap(BEGIN)
    assert gap is not None
    assert gap["from"] == "2026-07-01T01:00:00+00:00"


def test_a_disk_that_will_not_do_is_told_once_a_minute_and_stops_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, logger="qrgate.gate")
    alive = Alive(tmp_path / "missing")
    for seconds in range(121):
        alive.look(later(seconds), seconds * NS)
    assert [record.getMessage() for record in caplog.records] == [f"{tmp_path}/missing/alive cannot be written: No such file or directory"] * 3


def test_a_gate_that_starts_again_tells_since_when_nothing_was_recorded(tmp_path: Path) -> None:
    gate = Gate(tmp_path).start()
    started: list[dict[str, Any]] = []
    with closing(Desk(gate)) as desk:
        started += desk.data(EventType.AUDIT, 1)
        give_up_s = time.monotonic() + 10
        while not (gate.state / NAME).exists():  # written in the first turn
            assert time.monotonic() < give_up_s, "nothing was written down"
            time.sleep(0.01)  # a file that does not exist yet cannot be awaited otherwise
    gate.stop()
    with closing(Desk(gate.start())) as desk:
        started += desk.data(EventType.AUDIT, 2)[1:]
    gate.stop()
    first, again = started
    gap = again.pop("not_recording")
    assert [first, again] == [{"what": "started", "boot": first["boot"]}] * 2
    assert (gap["from_clock"], gap["to_clock"], gap["from"] <= gap["to"]) == ("trusted", "trusted", True)
