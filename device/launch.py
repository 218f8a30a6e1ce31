"""``qrgate run``: the three processes in the foreground, each restarted when it dies, like systemd does with the units.

Whatever the reason why ``gate`` ended, ``failsafe`` runs before anything else: a relay that was on lets go. A gate that
hangs is ended for that, and when all are to stop, it goes first.
"""

from __future__ import annotations

import ctypes
import logging
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from device import notify
from device.errors import EXIT_OK, HardwareError, SettingsError, StoreError, UsageError

log = logging.getLogger("qrgate.launch")

PARTS = ("gate", "reader", "uplink")
"""In order of start: the gate comes first, because the others knock at its sockets. It ends first, too, since it holds the relay."""

HOPELESS = frozenset(each.exit_code for each in (UsageError, SettingsError, HardwareError, StoreError))
"""Exit codes that trying again will not mend, when they come at the first start: a person has to do something. (A store that
cannot be used may be in use: a second gate in one folder must not go on calling ``failsafe`` for the first.)"""

FIRST_START_S = 20.0
"""A Pi needs some seconds to start Python and to wait for a camera; what breaks later has worked, and may again."""

QUICK_S = {"gate": 2.0, "reader": 10.0, "uplink": 2.0}
"""Who dies sooner, again and again, is started ever more slowly. A reader that a poster on the wall crashes takes some seconds
on a small Pi from its start to the sight of it."""

DELAY_FIRST_S, DELAY_MAX_S = 0.1, 5.0
STOP_S = {"gate": 2.0, "reader": 5.0, "uplink": 5.0}
KILLED_S = 1.0
"""A process that waits for a disk does not even die; what it would hold must not wait for it."""

FAILSAFE_S = 5.0
TURN_S = 0.2

SILENT_S = {"gate": 2.0, "uplink": 15.0}
"""A part that was ready and says nothing for so long hangs, and is killed. The gate speaks five times a second; with
failsafe it lets go within the 3 s that a relay may be on. The reader is left
out: a file may be silent for long. Under systemd the unit's watchdog minds it."""

STOOD_STILL_S = 1.0
"""If the launcher itself did not turn for so long, the machine may have stood still, and no silence proves anything."""

PR_SET_PDEATHSIG = 1


@dataclass(slots=True)
class _Part:
    name: str
    process: subprocess.Popen[bytes] | None = None
    pidfd: int = -1
    started_s: float = 0.0
    starts: int = 0
    quick_deaths: int = 0
    start_at_s: float = 0.0
    ended: bool = False
    heard_s: float | None = None
    """The last sign of life, once it was ready."""
    was_ready: bool = False


class Launcher:
    def __init__(self, folder: Path, runtime: Path) -> None:
        """``folder`` holds the settings; ``runtime`` is the runtime folder that they name."""
        self._folder = folder
        self._runtime = runtime
        self._parts = [_Part(name) for name in PARTS]
        self._selector = selectors.DefaultSelector()
        self._ear = notify.Ear()
        self._selector.register(self._ear, selectors.EVENT_READ)
        self._turned_s = time.monotonic()

    def run(self, stopping: threading.Event) -> int:
        """Keep the three running until ``stopping``; the exit code of a part whose first start was hopeless, else 0."""
        code = EXIT_OK
        try:
            while not stopping.is_set() and code == EXIT_OK:
                self._start_due()
                dead = [ready.data for ready, _ in self._selector.select(TURN_S) if ready.data]
                if stopping.is_set():
                    break  # nobody starts again
                self._listen()
                for part in dead:
                    code = code or self._died(part)
        finally:
            self._stop_all()
        return code

    def _start_due(self) -> None:
        now_s = time.monotonic()
        for part in self._parts:
            if part.process is None and not part.ended and now_s >= part.start_at_s:
                self._start(part, now_s)

    def _start(self, part: _Part, now_s: float) -> None:
        environment = os.environ | {"NOTIFY_SOCKET": self._ear.address}
        part.process = subprocess.Popen(  # noqa: S603 - our own program
            self._command(part.name),
            env=environment,
            start_new_session=True,  # Ctrl-C is for the launcher alone: it knows the order in which to stop
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - this process has one thread
        )
        part.pidfd = os.pidfd_open(part.process.pid)
        part.started_s = now_s
        part.starts += 1
        self._selector.register(part.pidfd, selectors.EVENT_READ, part)

    def _command(self, name: str) -> list[str]:
        return [sys.executable, "-m", "device", "run", name, "--settings", str(self._folder)]

    def _listen(self) -> None:
        """Take in the signs of life, and kill who has given none for too long."""
        now_s = time.monotonic()
        stood_still, self._turned_s = now_s - self._turned_s >= STOOD_STILL_S, now_s
        told = list(self._ear.heard())
        for part in self._parts:
            if part.process is None:
                continue
            states = [state for process_id, state in told if process_id == part.process.pid]
            part.was_ready |= notify.READY in states
            if part.name not in SILENT_S:
                continue
            if notify.READY in states or (part.heard_s is not None and (states or stood_still)):
                part.heard_s = now_s
            elif part.heard_s is not None and now_s - part.heard_s >= SILENT_S[part.name]:
                log.error("%s hangs: it has given no sign of life for %.1f s, and is killed", part.name, now_s - part.heard_s)
                part.process.kill()
                part.heard_s = None

    def _died(self, part: _Part) -> int:
        """``part`` ended: make safe, and plan its next start; an exit code where there is no use in one."""
        assert part.process is not None  # noqa: S101 - only a running part is registered
        code = part.process.wait()
        self._forget(part)
        if part.name == "gate":
            self._make_safe()
        if part.name == "reader" and code == EXIT_OK:
            part.ended = True  # a recording, a video or a folder has an end
            return EXIT_OK
        lived_s = time.monotonic() - part.started_s
        if part.starts == 1 and not part.was_ready and lived_s < FIRST_START_S and code in HOPELESS:
            return code
        part.quick_deaths = part.quick_deaths + 1 if lived_s < QUICK_S[part.name] else 0
        delay_s = min(DELAY_FIRST_S * 2**part.quick_deaths, DELAY_MAX_S)
        part.start_at_s = time.monotonic() + delay_s
        log.warning("%s ended (%s) after %.1f s; it starts again in %.1f s", part.name, _manner(code), lived_s, delay_s)
        return EXIT_OK

    def _stop_all(self) -> None:
        """The gate first, then the outputs: whatever hangs elsewhere must not keep the relay on."""
        gate, *others = self._parts
        self._stop(gate)
        safe = self._make_safe()
        self._stop(*others)
        self._selector.close()
        self._ear.close()
        if safe:
            log.info("stopped; outputs are safe")
        else:
            log.critical("stopped; the outputs may not be safe: cut the lock supply")

    def _stop(self, *parts: _Part) -> None:
        """End ``parts`` together."""
        running = [(part, part.process) for part in parts if part.process is not None]
        begun_s = time.monotonic()
        for _, process in running:
            process.terminate()
        for part, process in running:
            try:
                process.wait(timeout=max(0.0, begun_s + STOP_S[part.name] - time.monotonic()))
            except subprocess.TimeoutExpired:
                log.error("%s did not stop within %.0f s and is killed", part.name, STOP_S[part.name])
                _kill(process)
            self._forget(part)

    def _forget(self, part: _Part) -> None:
        self._selector.unregister(part.pidfd)
        os.close(part.pidfd)
        part.process, part.pidfd, part.heard_s = None, -1, None

    def _make_safe(self) -> bool:
        """Let go of everything; false where that cannot be said of all outputs."""
        failsafe = Path(__file__).with_name("failsafe.py")
        command = [sys.executable, "-I", str(failsafe), str(self._folder), str(self._runtime)]  # -I: nothing of the environment, nothing of the rest
        try:
            ended = subprocess.run(command, timeout=FAILSAFE_S, check=False, start_new_session=True)  # noqa: S603 - our own file
        except (OSError, subprocess.TimeoutExpired) as error:
            log.critical("failsafe did not run: %s; cut the lock supply", error)
            return False
        return ended.returncode == EXIT_OK


def _kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    try:
        process.wait(timeout=KILLED_S)
    except subprocess.TimeoutExpired:
        log.error("process %d does not even die when it is killed", process.pid)


def _manner(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def _die_with_parent() -> None:
    """In the child: end when the launcher does, even if that is killed; otherwise orphans would hold camera and pins."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
