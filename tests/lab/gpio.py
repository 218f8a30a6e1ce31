"""The host's half of gpio.sh: boots the machine, and plays the relay board behind its USB adaptor.

``python3 -m tests.lab.gpio ROOT``, with nothing but the standard library. The guest's half (``gpio_guest.py``) does the checks.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.lab.machine import run
from tests.lab.relay_boards import Bench

LIMIT_S = 1500  # for the boot and all checks, which take three to four minutes, and much longer on a busy machine

if __name__ == "__main__":
    sys.exit(run(Path(sys.argv[1]), "tests.lab.gpio_guest", lambda machine: Bench(machine).answers(), limit_s=LIMIT_S))
