from __future__ import annotations

import ctypes
import subprocess
import sys
import time

from device.reader.fuse import fuse


def test_a_process_whose_library_holds_the_interpreter_is_ended() -> None:
    hangs = "import ctypes; from device.reader.fuse import fuse\nwith fuse(0.2): ctypes.PyDLL(None).pause()"  # PyDLL keeps the interpreter's lock
    begun_s = time.monotonic()
    ended = subprocess.run([sys.executable, "-c", hangs], capture_output=True, text=True, timeout=20, check=False)
    assert (ended.returncode, "Timeout (0:00:00.200000)!" in ended.stderr) == (1, True)
    assert time.monotonic() - begun_s < 10


def test_a_block_that_is_over_in_time_ends_nothing() -> None:
    with fuse(0.05):
        pass
    ctypes.CDLL(None).usleep(100_000)
