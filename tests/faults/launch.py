"""``qrgate run``, or the same without ``failsafe``: the proof that the fault test would notice its absence."""

from __future__ import annotations

import sys
from pathlib import Path

from device.cli import _stop_on_signals
from device.launch import Launcher


class WithoutFailsafe(Launcher):
    def _make_safe(self) -> bool:
        """Nobody lets go of the relay."""
        return False


if __name__ == "__main__":
    sys.exit(WithoutFailsafe(Path(sys.argv[1]), Path(sys.argv[1]) / "run").run(_stop_on_signals()))
