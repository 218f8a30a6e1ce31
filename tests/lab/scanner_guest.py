"""The whole reader service on a scan module at a real ``ftdi_sio`` port: the guest's half of scanner.sh (see ``scanner.py``)."""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from platform import release
from typing import Any

import serial

from device.domain import TrackState
from device.errors import HardwareError
from device.notify import ALIVE, READY
from device.reader import service
from device.settings import Paths, Reader, Scanner, ScannerModel, ScannerTrigger, Settings, SourceKind
from tests.device.reader.scanners.played import FACTORY, READ, SAVE, WRITE, answer, crc
from tests.lab.gate import Gate
from tests.lab.guest import PLUGGED_S, Host, finish, ports, wait
from tests.lab.report import Report

HOST_ZONES = FACTORY | {0x0000: 0xD5, 0x0003: 0x02, 0x0005: 0x03}
CONTINUOUS_ZONES = FACTORY | {0x0003: 0x02, 0x0005: 0x03}

TRICKY = b"KD1." + answer(0) + "Đặng Thị Mỹ, ".encode() + bytes([0x7E, 0, 8, 1, 0, 3, 0]) + b"\n\x80\x9f\x00\xff"
"""It holds an answer of the module, the beginning of a request that would switch its set-up codes on, and no text at all."""

LEFT_AFTER_S = 2.0
SOON_S = 5.0  # for what takes a moment: the machine is some ten times slower than the host


def request(kind: int, zone: int, value: int) -> bytes:
    body = bytes([kind, 1, zone >> 8, zone & 0xFF, value])
    return b"\x7e\x00" + body + crc(body)


TRIGGER, DARK, LIFE = request(WRITE, 2, 1), request(WRITE, 2, 0), request(READ, 0x0003, 1)
SET_UP = b"".join(
    [
        *(request(READ, 0x0003, 1), request(WRITE, 0x0003, 0x02), request(READ, 0x0003, 1)),
        *(request(READ, 0x0000, 1), request(WRITE, 0x0000, 0xD5), request(READ, 0x0000, 1)),
        *(request(READ, 0x0060, 1), request(READ, 0x0005, 1), request(WRITE, 0x0005, 3), request(READ, 0x0005, 1)),
        *(request(READ, 0x0013, 1), request(SAVE, 0, 0)),
    ]
)
"""All that a module hears as it comes: set-up codes off, and read back, first of all."""


class Bench(Host):
    """The host: holds codes before the module, moves the plug, and tells what came over the wire."""

    def hold(self, payload: bytes) -> None:
        self.ask(f"hold {payload.hex()}")

    def raw(self) -> bytes:
        """What the module heard since it was asked last, exactly."""
        return bytes.fromhex(self.ask("raw"))

    def zones(self) -> tuple[dict[int, int], dict[int, int], int]:
        """The module's zones, its flash, and how often that was written."""
        zones, flash, saves = self.ask("zones")
        return {int(zone): value for zone, value in zones.items()}, {int(zone): value for zone, value in flash.items()}, saves


@dataclass
class Running:
    """The reader service in a thread, and the gate that it talks to."""

    gate: Gate
    thread: threading.Thread
    ends: list[int | HardwareError]

    def eyes(self) -> str:
        return self.gate.states[-1].state if self.gate.states else "not heard of"

    def payloads(self, state: TrackState) -> list[bytes]:
        return [track.payload for track in self.gate.told(state)]

    def told(self, what: bytes, state: TrackState, limit_s: float = SOON_S) -> bool:
        self.gate.listen(lambda: what in self.payloads(state), limit_s)
        return what in self.payloads(state)


@contextmanager
def reader(port: str, trigger: ScannerTrigger) -> Iterator[Running]:
    """Ends in order, or with the error that is in ``ends`` then."""
    with tempfile.TemporaryDirectory() as name:
        folder, stopping = Path(name), threading.Event()
        rest: dict[str, Any] = dict.fromkeys(set(Settings.__dataclass_fields__) - {"reader", "scanner", "paths"})
        scanner = Scanner(model=ScannerModel.GM65, port=port, trigger=trigger, left_after_s=LEFT_AFTER_S)
        settings = Settings(**rest, reader=Reader(source=SourceKind.SCANNER), scanner=scanner, paths=Paths(state=folder, runtime=folder))
        ends: list[int | HardwareError] = []

        def run() -> None:
            try:
                ends.append(service.run(settings, stopping))
            except HardwareError as error:
                print(f"       the reader ended: {error.what}", flush=True)
                ends.append(error)

        running = Running(Gate(folder), threading.Thread(target=run), ends)
        running.thread.start()
        try:
            yield running
        finally:
            stopping.set()
            running.gate.listen(lambda: not running.thread.is_alive(), SOON_S)
            running.gate.close()


def check_set_up(report: Report, bench: Bench, running: Running) -> None:
    running.gate.listen(lambda: READY in running.gate.notices, SOON_S)
    running.gate.listen(lambda: running.eyes() == "ok" and ALIVE in running.gate.notices, SOON_S)
    report.check("the service manager hears that it is ready, then that it is alive", [READY, ALIVE], running.gate.notices[:2])
    raw = bench.raw()
    report.check("the module hears the set-up, byte by byte, and the first trigger", (SET_UP + TRIGGER).hex(), raw[: len(SET_UP + TRIGGER)].hex())
    report.check("printed set-up codes are off, in its flash, too, which was written once", (HOST_ZONES, HOST_ZONES, 1), bench.zones())
    refused = "opened"
    try:
        serial.Serial(ports()[0], exclusive=True).close()
    except serial.SerialException as error:
        refused = "refused" if "exclusively lock" in str(error) else str(error)
    report.check("nobody else can open the port", "refused", refused)


def check_texts(report: Report, bench: Bench, running: Running) -> None:
    bench.hold(TRICKY)
    report.check("a text that holds an answer of the module comes exactly", True, running.told(TRICKY, TrackState.APPEARED))
    running.gate.listen(lambda: False, 2)
    report.check("... once, though it is sent again and again", [TRICKY], running.payloads(TrackState.APPEARED))
    raw = bench.raw()
    report.check("the module hears triggers and nothing else", b"", raw.replace(TRIGGER, b""))
    report.check("... several a second while a code is held", True, raw.count(TRIGGER) >= 4)
    bench.hold(b"GATE-7")
    report.check("the next person's code is read", True, running.told(b"GATE-7", TrackState.APPEARED))
    report.check("... and the one before it left at once", [TRICKY], running.payloads(TrackState.LEFT))
    bench.hold(b"")
    report.check("a code that is taken away has left", True, running.told(b"GATE-7", TrackState.LEFT))


def check_plug(report: Report, bench: Bench, running: Running, port: str) -> None:
    bench.hold(b"HELD-ON")
    running.told(b"HELD-ON", TrackState.APPEARED)
    bench.ask("unplug")
    took_s = running.gate.listen(lambda: running.eyes() == "no_frames", SOON_S)
    report.check("pulled out: the gate hears that it has no eyes", "no_frames", running.eyes())
    report.at_most("... after, s", 2.0, took_s)
    running.gate.listen(lambda: not ports(), SOON_S)
    running.gate.notices.clear()
    running.gate.listen(lambda: False, 3)
    report.check("... the name is gone, and the watchdog hears that the module is looked for", ([], {ALIVE}), (ports(), set(running.gate.notices)))
    bench.ask("replace")
    bench.ask("plug")
    took_s = running.gate.listen(lambda: running.eyes() == "ok", PLUGGED_S)
    report.check("plugged in: it sees again, under the same name", ("ok", [port]), (running.eyes(), ports()))
    report.at_most("... after, s", 10.0, took_s)
    raw = bench.raw()
    report.check("... and the module, another one, was set up as the first", SET_UP.hex(), raw[: len(SET_UP)].hex())
    running.gate.notices.clear()
    running.gate.listen(lambda: ALIVE in running.gate.notices, SOON_S)
    report.check("... the watchdog hears of it on", ALIVE, (running.gate.notices or ["nothing"])[0])
    running.gate.listen(lambda: False, 2)
    report.check("a code that was held all the time is the same presentation", 1, running.payloads(TrackState.APPEARED).count(b"HELD-ON"))
    bench.hold(b"AFTER")
    report.check("... and the next one is read", True, running.told(b"AFTER", TrackState.APPEARED))
    bench.hold(b"")


def check_continuous(report: Report, bench: Bench, running: Running) -> None:
    running.gate.listen(lambda: running.eyes() == "ok", SOON_S)
    report.check("reading continuously: set up for it, and saved", (CONTINUOUS_ZONES, CONTINUOUS_ZONES), bench.zones()[:2])
    bench.hold(TRICKY)
    report.check("... a text comes exactly", True, running.told(TRICKY, TrackState.APPEARED))
    bench.raw()
    running.gate.listen(lambda: False, 6)
    raw = bench.raw()
    report.check(
        "... the module is asked for nothing but whether set-up codes are still off", (b"", True), (raw.replace(LIFE, b""), raw.count(LIFE) >= 2)
    )
    bench.hold(b"")


def check_stubborn(report: Report, bench: Bench, running: Running) -> None:
    bench.hold(b"NEVER")
    running.gate.listen(lambda: not running.thread.is_alive(), SOON_S)
    said = running.ends[0].what if running.ends and isinstance(running.ends[0], HardwareError) else running.ends
    report.check(
        "a module that keeps its set-up codes on is refused",
        "the scan module does not take a setting: printed set-up codes off (zone 0003 reads 00)",
        said,
    )
    report.check("... and nothing that it sent was believed", [], running.payloads(TrackState.APPEARED))
    bench.hold(b"")


def main() -> int:
    report, bench = Report(), Bench()
    print(f"       Linux {release()}, pyserial {serial.VERSION}, Python {sys.version.split()[0]}, up for {time.monotonic():.0f} s", flush=True)
    if not report.check("the kernel's ftdi_sio made a port with a name", True, wait(lambda: len(ports()) == 1, PLUGGED_S)):
        return report.status
    (port,) = ports()
    print(f"       {port} is {Path(port).resolve()}", flush=True)
    with reader(port, ScannerTrigger.HOST) as running:
        check_set_up(report, bench, running)
        check_texts(report, bench, running)
        check_plug(report, bench, running, port)
    report.check("it ends in order", [0], running.ends)
    raw = bench.raw()
    report.check("... and leaves the module dark", DARK.hex(), raw[-len(DARK) :].hex())
    with reader(port, ScannerTrigger.CONTINUOUS) as running:
        check_continuous(report, bench, running)
    bench.ask("replace 0003")
    with reader(port, ScannerTrigger.HOST) as running:
        check_stubborn(report, bench, running)
    return report.status


if __name__ == "__main__":
    finish(main)
