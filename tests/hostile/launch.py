"""``qrgate run`` with a reader that a poster kills: ``python -m tests.hostile.launch FOLDER``."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from device.cli import _stop_on_signals
from device.launch import Launcher


class WithAbortingReader(Launcher):
    def _command(self, name: str) -> list[str]:
        python, _m, module, *rest = super()._command(name)
        return [python, "-m", "tests.hostile.aborting" if name == "reader" else module, *rest]


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
    sys.exit(WithAbortingReader(Path(sys.argv[1]), Path(sys.argv[1]) / "run").run(_stop_on_signals()))
