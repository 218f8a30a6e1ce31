"""``qrgate run`` with points in its parts (``points.py``): ``python -m tests.faults.launch ORDER [--without-failsafe] FOLDER``.

Without ``failsafe`` it is the proof that the fault test would notice its absence.
"""

from __future__ import annotations

import sys
from pathlib import Path

from device import config
from device.cli import _stop_on_signals
from device.launch import Launcher

WITHOUT_FAILSAFE = "--without-failsafe"


class WithPoints(Launcher):
    def __init__(self, folder: Path, order: Path, *, with_failsafe: bool) -> None:
        super().__init__(folder, config.load(folder).paths.runtime)
        self._settings = folder
        self._order = order
        self._with_failsafe = with_failsafe

    def _command(self, name: str) -> list[str]:
        return [sys.executable, "-m", "tests.faults.points", str(self._order), "run", name, "--settings", str(self._settings)]

    def _make_safe(self) -> bool:
        """Without failsafe nobody lets go of the relay."""
        return self._with_failsafe and super()._make_safe()


if __name__ == "__main__":
    order, *more, folder = sys.argv[1:]
    sys.exit(WithPoints(Path(folder), Path(order), with_failsafe=WITHOUT_FAILSAFE not in more).run(_stop_on_signals()))
