"""What it takes to run the project's own programs, and a broker, on this machine for a while."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Any

from device.errors import HardwareError

STOP_S = 10.0


def mosquitto_program() -> str:
    """The broker's path; Debian keeps it where a user's PATH does not look. Raises HardwareError."""
    path = shutil.which("mosquitto", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
    if path is None:
        raise HardwareError("mosquitto is not installed", hint="apt install mosquitto (`make demo` does it)")
    return path


def environment() -> dict[str, str]:
    """The processes find this very project, and what they print comes at once."""
    root = str(Path(__file__).parents[2])
    return {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONPATH": os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH", ""))))}


def free_port() -> int:
    """A TCP port of the loopback that nobody uses now."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


def end(process: subprocess.Popen[Any]) -> None:
    """Stop ``process``, which we started, and be sure of it."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(timeout=STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
