"""``qrgate run``: the three processes in the foreground, each restarted when it dies, like systemd does with the units.

Whatever the reason why ``gate`` ended, ``failsafe`` runs before anything else: a relay that was on lets go.
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

from device.errors import EXIT_OK, HardwareError, SettingsError, UsageError

log = logging.getLogger("qrgate.launch")

PARTS = ("gate", "reader", "uplink")
"""In order of start. The gate comes first, because the others knock at its sockets; it ends last."""

HOPELESS = frozenset({UsageError.exit_code, SettingsError.exit_code, HardwareError.exit_code})
"""Exit codes that trying again will not mend, when they come at the first start: a person has to do something."""

FIRST_START_S = 20.0
"""A Pi needs some seconds to start Python and to wait for a camera; what breaks later has worked, and may again."""

QUICK_S = 2.0
DELAY_FIRST_S, DELAY_MAX_S = 0.1, 5.0
STOP_S = 5.0
FAILSAFE_S = 5.0
TURN_S = 0.2
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


class Launcher:
    def __init__(self, folder: Path, runtime: Path) -> None:
        """``folder`` holds the settings; ``runtime`` is the runtime folder that they name."""
        self._folder = folder
        self._runtime = runtime
        self._parts = [_Part(name) for name in PARTS]
        self._selector = selectors.DefaultSelector()

    def run(self, stopping: threading.Event) -> int:
        """Keep the three running until ``stopping``; the exit code of a part whose first start was hopeless, else 0."""
        code = EXIT_OK
        try:
            while not stopping.is_set() and code == EXIT_OK:
                self._start_due()
                for ready, _ in self._selector.select(TURN_S):
                    code = code or self._died(ready.data)
        finally:
            self._stop_all()
        return code

    def _start_due(self) -> None:
        now_s = time.monotonic()
        for part in self._parts:
            if part.process is None and not part.ended and now_s >= part.start_at_s:
                self._start(part, now_s)

    def _start(self, part: _Part, now_s: float) -> None:
        command = [sys.executable, "-m", "device", "run", part.name, "--settings", str(self._folder)]
        part.process = subprocess.Popen(command, preexec_fn=_die_with_parent)  # noqa: S603, PLW1509 - this process has one thread
        part.pidfd = os.pidfd_open(part.process.pid)
        part.started_s = now_s
        part.starts += 1
        self._selector.register(part.pidfd, selectors.EVENT_READ, part)

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
        if part.starts == 1 and lived_s < FIRST_START_S and code in HOPELESS:
            return code
        part.quick_deaths = part.quick_deaths + 1 if lived_s < QUICK_S else 0
        delay_s = min(DELAY_FIRST_S * 2**part.quick_deaths, DELAY_MAX_S)
        part.start_at_s = time.monotonic() + delay_s
        log.warning("%s ended (%s) after %.1f s; it starts again in %.1f s", part.name, _manner(code), lived_s, delay_s)
        return EXIT_OK

    def _stop_all(self) -> None:
        for part in reversed(self._parts):
            if part.process is None:
                continue
            part.process.terminate()
            try:
                part.process.wait(timeout=STOP_S)
            except subprocess.TimeoutExpired:
                log.error("%s did not stop within %.0f s and is killed", part.name, STOP_S)
                part.process.kill()
                part.process.wait()
            self._forget(part)
        self._make_safe()
        self._selector.close()

    def _forget(self, part: _Part) -> None:
        self._selector.unregister(part.pidfd)
        os.close(part.pidfd)
        part.process, part.pidfd = None, -1

    def _make_safe(self) -> None:
        failsafe = Path(__file__).with_name("failsafe.py")
        command = [sys.executable, "-I", str(failsafe), str(self._folder), str(self._runtime)]  # -I: nothing of the environment, nothing of the rest
        try:
            subprocess.run(command, timeout=FAILSAFE_S, check=False)  # noqa: S603 - our own file
        except (OSError, subprocess.TimeoutExpired) as error:
            log.critical("failsafe did not run: %s; cut the lock supply", error)


def _manner(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def _die_with_parent() -> None:
    """In the child: end when the launcher does, even if that is killed; otherwise orphans would hold camera and pins."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
