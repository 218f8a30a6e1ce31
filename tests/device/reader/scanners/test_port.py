from __future__ import annotations

import time
from pathlib import Path

import pytest
import serial

from device.errors import ScannerError
from device.reader.scanners.port import READ_S, Port
from tests.device.reader.scanners.played import PlayedGm65
from tests.device.reader.scanners.plugged import Plugged

HINT = "`ls /dev/serial/by-id` shows what is plugged in; group dialout may use it"


def read(port: Port, length: int) -> bytes:
    data, give_up_s = b"", time.monotonic() + 5
    while len(data) < length:
        data += port.read()
        assert time.monotonic() < give_up_s, data
    return data


def test_bytes_come_as_they_are(tmp_path: Path) -> None:
    with Plugged(tmp_path, PlayedGm65()) as plugged, Port(str(plugged.path), 9600) as port:
        plugged.say(bytes(range(256)))
        assert read(port, 256) == bytes(range(256))


def test_a_silent_port_is_waited_at_no_longer_than_said(tmp_path: Path) -> None:
    with Plugged(tmp_path, PlayedGm65()) as plugged, Port(str(plugged.path), 9600) as port:
        begin_s = time.monotonic()
        assert port.read() == b""
        assert time.monotonic() - begin_s < READ_S + 0.5


def test_what_came_before_it_was_opened_is_not_read(tmp_path: Path) -> None:
    with Plugged(tmp_path, PlayedGm65()) as plugged:
        plugged.say(b"old")
        with Port(str(plugged.path), 9600) as port:
            plugged.say(b"new")
            assert read(port, 3) == b"new"


def test_a_port_is_held_by_one(tmp_path: Path) -> None:
    with Plugged(tmp_path, PlayedGm65()) as plugged, serial.Serial(str(plugged.path), exclusive=True), pytest.raises(ScannerError) as raised:
        Port(str(plugged.path), 9600)
    assert "exclusively lock" in raised.value.what


@pytest.mark.parametrize("name", ["/dev/nowhere", "/dev/null", "/", ""])
def test_a_port_that_is_none_is_told_with_a_hint(name: str) -> None:
    with pytest.raises(ScannerError) as raised:
        Port(name, 9600)
    assert (raised.value.what.startswith(f"no scan module at {name}: "), raised.value.hint) == (True, HINT)


def test_a_module_that_is_pulled_out_is_gone_for_reading_and_writing_and_can_be_closed(tmp_path: Path) -> None:
    with Plugged(tmp_path, PlayedGm65()) as plugged:
        port = Port(str(plugged.path), 9600)
        plugged.unplug()
        with pytest.raises(ScannerError, match="is gone"):
            port.read()
        with pytest.raises(ScannerError, match="is gone"):
            port.write(b"x")
        port.close()
        port.close()
