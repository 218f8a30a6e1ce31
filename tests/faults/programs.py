"""``python -m tests.faults …`` as a process of its own: it forks and mounts, which a test's process must not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

WITHIN_S = 600


def run(*words: str) -> str:
    """What it says where all is well. Skips where something cannot be tried here, with its reason; fails where a promise is broken."""
    command = [sys.executable, "-m", "tests.faults", *words]
    ended = subprocess.run(command, check=False, capture_output=True, text=True, timeout=WITHIN_S, cwd=Path(__file__).parents[2])
    left_out = [line for line in ended.stdout.splitlines() if "left out:" in line]
    if left_out:
        pytest.skip(left_out[0])
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout
