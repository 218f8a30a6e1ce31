"""The broker and the recorder of a run, as processes of their own, and what they cost."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from device.errors import ContactError, HardwareError

START_S = 20.0
STOP_S = 20.0
LOOK_S = 0.02
READY = b"recorder ready"


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one process: processor time, and the most memory that it had at once."""

    cpu_s: float
    memory_mib: float


class Server(ABC):
    """One process; what it says goes to ``log``. Use it in a ``with``: at its end it is stopped."""

    def __init__(self, command: list[str], log: Path) -> None:
        self._command = command
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._before_s = 0.0  # of those that were killed
        self._most_mib = 0.0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def start(self) -> None:
        """Raises ContactError where it ends at once, or does not begin to serve."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=_environment())  # noqa: S603
        limit_s = time.monotonic() + START_S
        while not self._serves():
            if self._process.poll() is not None or time.monotonic() >= limit_s:
                self.stop()
                raise ContactError(f"{Path(self._command[0]).name} does not start", hint=f"see {self._log}")
            time.sleep(LOOK_S)

    def stop(self) -> None:
        self._end(kill=False)

    def kill(self) -> None:
        """As a power cut does."""
        self._end(kill=True)

    @property
    def cost(self) -> Cost:
        """Until now, over all its lives."""
        self._note()
        cpu_s = _cpu_s(self._process.pid) if self._process else 0.0
        return Cost(self._before_s + cpu_s, self._most_mib)

    @abstractmethod
    def _serves(self) -> bool:
        """Whether it can be spoken to now."""

    def _note(self) -> None:
        if self._process:
            self._most_mib = max(self._most_mib, _most_mib(self._process.pid))

    def _end(self, *, kill: bool) -> None:
        if self._process is None:
            return
        self._note()
        self._before_s += _cpu_s(self._process.pid)
        self._process.kill() if kill else self._process.terminate()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None


class Mosquitto(Server):
    def __init__(self, configuration: Path, host: str, port: int, log: Path) -> None:
        """Raises HardwareError where there is none on this machine."""
        program = shutil.which("mosquitto", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")  # Debian keeps it there
        if program is None:
            raise HardwareError("mosquitto is not installed", hint="apt install mosquitto, or --settings for a broker that runs elsewhere")
        super().__init__([program, "-c", str(configuration)], log)
        self._address = (host, port)

    def _serves(self) -> bool:
        try:
            socket.create_connection(self._address, timeout=1).close()
        except OSError:
            return False
        return True


class Recorder(Server):
    def __init__(self, settings: Path, log: Path) -> None:
        super().__init__([sys.executable, "-m", "provisioning", "recorder", "--settings", str(settings)], log)

    def _serves(self) -> bool:
        return READY in self._log.read_bytes()


def free_port() -> int:
    """A TCP port of the loopback that nobody uses now."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


def _environment() -> dict[str, str]:
    """The recorder is this very project's, and what it prints comes at once."""
    root = str(Path(__file__).parents[2])
    return {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONPATH": os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH", ""))))}


def _cpu_s(pid: int) -> float:
    """User and system time (man 5 proc): the 12th and 13th field behind the name, which may hold blanks."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    except OSError:
        return 0.0  # it has ended
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _most_mib(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:")), 0.0)
