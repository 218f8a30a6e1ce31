"""The host's end of a machine in QEMU: boots it, moves the plug of its USB serial adaptor, and answers what its checks ask for.

Nothing but the standard library. The guest's half prints its checks on a serial line, on which it also asks: a line
``> WORDS`` is answered by a line of JSON (``guest.py``).
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[2]
CONTROLLER = {"driver": "piix3-usb-uhci", "id": "usb"}
"""No xHCI, which a Pi 4 has: QEMU's (7.2) does not know the no-op that Linux writes over a read that was cancelled while it still waited
its turn. It takes it for a read that nothing ever ends. So after some closings of the port, depending on how many packets had come, and
therefore on how busy the host was, nothing was heard any more at the next opening (seen in its trace)."""

ADAPTOR = {"driver": "usb-serial", "id": "adaptor", "bus": "usb.0", "chardev": "wire", "serial": "LAB0001", "always-plugged": True}
"""A serial number of its own: without one, its name under /dev/serial/by-id would tell the USB socket."""

Answer = Callable[..., object]


class Machine:
    """One that is running; its sockets are in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.wire = connect(folder / "wire")
        """The far end of the USB adaptor: what the guest writes to its port comes out here."""

    def unplug(self) -> None:
        self._qmp("device_del", id=ADAPTOR["id"])

    def plug(self) -> None:
        self._qmp("device_add", **ADAPTOR)

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


BOOTS = 3
"""QEMU's emulation on several threads meets a kernel that rewrites its own code, and now and then (seen: one boot in some twenty) that ends
in a panic within two seconds. A machine that has said nothing yet has checked nothing yet: it is booted once more."""

PANIC = "Kernel panic"


def run(root: Path, job: str, answers: Callable[[Machine], dict[str, Answer]], *, limit_s: float) -> int:
    """Boot the machine in ``root``, run module ``job`` in it, and answer what it asks; its status.

    ``answers`` makes the table of what may be asked: a word, and what is called with the words that follow it.
    """
    os.umask(0o077)
    for boot in range(1, BOOTS + 1):
        begin_s = time.monotonic()
        with tempfile.TemporaryDirectory() as name:
            status, said, console = _boot(root, Path(name), job, answers, limit_s)
        print(f"       boot and checks took {time.monotonic() - begin_s:.1f} s")
        if status is not None:
            return status
        if said or PANIC not in console or boot == BOOTS:
            print(f"FAILED the machine ended, or was ended after {limit_s:.0f} s, before its checks did; its console:")
            print(console[-4000:])
            return 1
        print("       the emulated kernel panicked before it had started anything; once more", flush=True)
    raise AssertionError


def _boot(root: Path, folder: Path, job: str, answers: Callable[[Machine], dict[str, Answer]], limit_s: float) -> tuple[int | None, bool, str]:
    """The status (``None`` where it ended without one), whether it said anything before, and what is on its console."""
    said = False
    with (
        _running(_command(root, folder, job), limit_s),
        connect(folder / "talk") as talk,
        talk.makefile("rw", encoding="utf-8", errors="replace") as lines,
    ):
        table = answers(Machine(folder))
        for line in lines:
            said = True
            word, _, rest = line.strip().partition(" ")
            if word == ">" and rest.startswith("end "):
                return int(rest.split()[1]), said, ""
            if word == ">":
                asked, *arguments = rest.split()
                lines.write(json.dumps(table[asked](*arguments)) + "\n")
                lines.flush()
            else:
                print(line.rstrip(), flush=True)
    return None, said, (folder / "console").read_text("utf-8", "replace")


def _command(root: Path, folder: Path, job: str) -> list[str]:
    shared = [
        each
        for tag, path in (("root", root), ("checkout", CHECKOUT))
        for each in (
            *("-fsdev", f"local,id={tag},path={path},security_model=none,readonly=on,multidevs=remap"),
            *("-device", f"virtio-9p-pci,fsdev={tag},mount_tag={tag}"),
        )
    ]
    chardevs = [f"socket,id={name},path={folder}/{name},server=on,wait=off" for name in ("talk", "wire")]
    return [
        *("qemu-system-x86_64", "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none"),
        *("-M", "q35", "-accel", "tcg", "-cpu", "max", "-smp", "2", "-m", "768"),
        *("-kernel", f"{root}/opt/kernel", "-initrd", f"{root}/opt/initramfs", "-append", f"console=ttyS0 quiet panic=-1 job={job}"),
        *("-chardev", chardevs[0], "-chardev", chardevs[1], "-serial", f"file:{folder}/console", "-serial", "chardev:talk"),
        *("-qmp", f"unix:{folder}/qmp,server=on,wait=off", "-device", "virtio-rng-pci"),
        *("-device", json.dumps(CONTROLLER), "-device", json.dumps(ADAPTOR)),
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


@contextmanager
def _running(command: list[str], limit_s: float) -> Iterator[None]:
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as process:
        limit = threading.Timer(limit_s, process.kill)
        limit.start()
        try:
            yield
        finally:
            limit.cancel()
            process.kill()
