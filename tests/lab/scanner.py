"""The host's half of scanner.sh: boots the machine, plays the scan module behind its USB adaptor, and moves the plug.

``python3 -m tests.lab.scanner ROOT``, with nothing but the standard library. The guest's half (``scanner_guest.py``) does the
checks. It prints them on a serial line, on which it also asks: a line ``> WORDS`` is answered by a line of JSON.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.device.reader.scanners.played import FACTORY, PlayedGm65

CHECKOUT = Path(__file__).resolve().parents[2]
LIMIT_S = 150  # for the boot and all checks, which take about 40 s
SPLIT = 3  # bytes a write: nothing arrives whole
SEES_EVERY_S = 0.3
ADAPTOR = {"driver": "usb-serial", "id": "adaptor", "bus": "xhci.0", "chardev": "module", "serial": "LAB0001", "always-plugged": True}
"""A serial number of its own: without one, its name under /dev/serial/by-id would tell the USB socket."""


def machine(root: Path, folder: Path) -> list[str]:
    """The command that boots it; its sockets are in ``folder``."""
    shared = [
        each
        for tag, path in (("root", root), ("checkout", CHECKOUT))
        for each in (
            *("-fsdev", f"local,id={tag},path={path},security_model=none,readonly=on,multidevs=remap"),
            *("-device", f"virtio-9p-pci,fsdev={tag},mount_tag={tag}"),
        )
    ]
    chardevs = [f"socket,id={name},path={folder}/{name},server=on,wait=off" for name in ("talk", "module")]
    return [
        *("qemu-system-x86_64", "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none"),
        *("-M", "q35", "-accel", "tcg", "-cpu", "max", "-smp", "2", "-m", "512"),
        *("-kernel", f"{root}/opt/kernel", "-initrd", f"{root}/opt/initramfs", "-append", "console=ttyS0 quiet panic=-1"),
        *("-chardev", chardevs[0], "-chardev", chardevs[1], "-serial", f"file:{folder}/console", "-serial", "chardev:talk"),
        *("-qmp", f"unix:{folder}/qmp,server=on,wait=off", "-device", "qemu-xhci,id=xhci", "-device", "virtio-rng-pci"),
        *("-device", json.dumps(ADAPTOR)),
        *shared,
    ]


def connect(path: Path, *, limit_s: float = 10) -> socket.socket:
    """A line to one of QEMU's sockets, which it makes a moment after it was started."""
    give_up_s = time.monotonic() + limit_s
    while True:
        line = socket.socket(socket.AF_UNIX)
        try:
            line.connect(str(path))
        except OSError:
            line.close()
            if time.monotonic() > give_up_s:
                raise
            time.sleep(0.02)
        else:
            return line


class Module:
    """The far end of the adaptor: hears, answers, and sees what is held before it."""

    def __init__(self, line: socket.socket) -> None:
        self.played = PlayedGm65()
        self.held: bytes | None = None
        self.raw = b""  # all that came over USB since somebody asked
        self.in_hand = threading.Lock()
        self._line = line
        self._line.settimeout(0.02)
        threading.Thread(target=self._play, daemon=True).start()

    def _play(self) -> None:
        saw_s = 0.0
        while True:
            try:
                data = self._line.recv(256)
            except TimeoutError:
                data = b""
            else:
                if not data:
                    return
            with self.in_hand:
                self.raw += data
                self._say(self.played.hears(data))
                if self.held is not None and time.monotonic() - saw_s >= SEES_EVERY_S and (seen := self.played.sees(self.held)):
                    saw_s = time.monotonic()
                    self._say(seen)

    def _say(self, data: bytes) -> None:
        for begin in range(0, len(data), SPLIT):
            self._line.sendall(data[begin : begin + SPLIT])


class Bench:
    """What the guest may ask for, each a method."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._module = Module(connect(folder / "module"))

    def does(self, asked: str) -> object:
        name, *arguments = asked.split()
        answers: dict[str, Callable[..., object]] = {
            "hold": self._hold,
            "raw": self._raw,
            "zones": lambda: [self._module.played.zones, self._module.played.flash, self._module.played.saves],
            "replace": self._replace,
            "unplug": lambda: self._qmp("device_del", id=ADAPTOR["id"]),
            "plug": lambda: self._qmp("device_add", **ADAPTOR),
        }
        with self._module.in_hand:
            return answers[name](*arguments)

    def _hold(self, payload: str = "") -> None:
        """Hold up a payload, in hexadecimal digits, or nothing any more."""
        self._module.held = bytes.fromhex(payload) or None

    def _raw(self) -> str:
        raw, self._module.raw = self._module.raw, b""
        return raw.hex()

    def _replace(self, *stubborn: str) -> None:
        """Another module is wired to the adaptor, as it comes; ``stubborn`` are zones that take no value."""
        self._module.played = PlayedGm65(dict(FACTORY), stubborn=frozenset(int(zone, 16) for zone in stubborn))
        self._module.raw = b""

    def _qmp(self, command: str, **arguments: Any) -> None:
        with connect(self._folder / "qmp") as line, line.makefile("rw") as lines:
            lines.readline()  # its greeting
            for request in ({"execute": "qmp_capabilities"}, {"execute": command, "arguments": arguments}):
                lines.write(json.dumps(request) + "\n")
                lines.flush()
                while not ({"return", "error"} & (reply := json.loads(lines.readline())).keys()):
                    pass
                if "error" in reply:
                    raise RuntimeError(reply["error"]["desc"])


@contextmanager
def running(command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as process:
        limit = threading.Timer(LIMIT_S, process.kill)
        limit.start()
        try:
            yield process
        finally:
            limit.cancel()
            process.kill()


def main(root: Path) -> int:
    begin_s, status = time.monotonic(), 1
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with running(machine(root, folder)), connect(folder / "talk") as talk, talk.makefile("rw", encoding="utf-8", errors="replace") as lines:
            bench = Bench(folder)
            for line in lines:
                word, _, rest = line.strip().partition(" ")
                if word == ">" and rest.startswith("end "):
                    status = int(rest.split()[1])
                    break
                if word == ">":
                    lines.write(json.dumps(bench.does(rest)) + "\n")
                    lines.flush()
                else:
                    print(line.rstrip(), flush=True)
            else:
                print(f"FAILED the machine ended, or was ended after {LIMIT_S} s, before its checks did; its console:")
                print((folder / "console").read_text("utf-8", "replace")[-4000:])
    print(f"       boot and checks took {time.monotonic() - begin_s:.1f} s")
    return status


if __name__ == "__main__":
    os.umask(0o077)
    sys.exit(main(Path(sys.argv[1])))
