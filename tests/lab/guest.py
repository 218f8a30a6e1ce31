"""The guest's end of a machine in QEMU (see ``machine.py``): what its checks print goes to the host, and so does what they ask."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import traceback
import tty
from collections.abc import Callable
from pathlib import Path
from typing import Any

BY_ID = Path("/dev/serial/by-id")
PLUGGED_S = 15.0


class Host:
    """Answers what is asked; its methods are the table that the host's half hands to ``machine.run``."""

    def __init__(self) -> None:
        self._talk = os.open("/dev/ttyS1", os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self._talk)
        os.dup2(self._talk, sys.stdout.fileno())  # what is printed goes there, too
        subprocess.run(["modprobe", "uhci_hcd"], check=True)  # machine.py's CONTROLLER; udev loads drivers for what is added later

    def ask(self, words: str) -> Any:
        print(f"> {words}", flush=True)
        said = b""
        while not said.endswith(b"\n"):
            said += os.read(self._talk, 4096)
        return json.loads(said)


def ports() -> list[str]:
    """The serial ports that udev has named."""
    return sorted(str(each) for each in BY_ID.iterdir()) if BY_ID.is_dir() else []


def wait(until: Callable[[], bool], limit_s: float) -> bool:
    give_up_s = time.monotonic() + limit_s
    while not until() and time.monotonic() < give_up_s:
        time.sleep(0.05)
    return until()


def finish(main: Callable[[], int]) -> None:
    """Run the checks, and tell the host how they ended, whatever happens."""
    status = 1
    try:
        status = main()
    except BaseException:  # whatever ended the checks is what somebody wants to read
        traceback.print_exc(file=sys.stdout)
        raise
    finally:
        print(f"> end {status}", flush=True)
