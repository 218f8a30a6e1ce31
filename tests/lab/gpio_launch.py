"""``qrgate run`` with the gate alone: whoever connects to its sockets is reader and uplink. ``python -m tests.lab.gpio_launch FOLDER``."""

from __future__ import annotations

import sys

from device import cli, launch


class GateAlone(launch.Launcher):
    def _command(self, name: str) -> list[str]:
        return super()._command(name) if name == "gate" else ["sleep", "infinity"]


if __name__ == "__main__":
    launch.Launcher = GateAlone  # type: ignore[misc]
    sys.exit(cli.main(["run", "--settings", sys.argv[1]]))
