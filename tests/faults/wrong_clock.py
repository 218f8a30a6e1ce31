"""A wall clock that is off, for whole processes (``clock_shim.c``): built where there is a compiler."""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

from tests.faults.network_space import MissingError

SOURCE = Path(__file__).with_name("clock_shim.c")


class WrongClock:
    def __init__(self, folder: Path) -> None:
        """Raises MissingError."""
        compiler = shutil.which("cc")
        if compiler is None:
            raise MissingError("a clock that is off needs a C compiler")
        library = folder / "clock_shim.so"
        subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-Wall", "-Werror", "-o", str(library), str(SOURCE)], check=True)
        self._file = folder / "offset"
        self._file.write_bytes(struct.pack("=q", 0))
        self.environment = {"LD_PRELOAD": str(library), "QRGATE_TEST_CLOCK": str(self._file)}

    def set(self, offset_s: int) -> None:
        """From now on all processes with this environment are so far off."""
        with self._file.open("r+b") as file:
            file.write(struct.pack("=q", offset_s))
