from __future__ import annotations

import sys
from pathlib import Path

import pytest

from device.errors import ContactError
from provisioning.simulation.servers import Server

BUSY = "import time; end = time.process_time() + 0.3\nwhile time.process_time() < end: pass\nprint('there', flush=True); time.sleep(60)"
LOGGED = b"there"


class Logged(Server):
    """Serves when it has said so."""

    def __init__(self, program: str, log: Path) -> None:
        super().__init__([sys.executable, "-c", program], log)
        self._log_path = log

    def _serves(self) -> bool:
        return LOGGED in self._log_path.read_bytes()


def test_what_a_server_cost_counts_over_all_its_lives(tmp_path: Path) -> None:
    with Logged(BUSY, tmp_path / "log") as server:
        once = server.cost
        server.kill()
        (tmp_path / "log").write_bytes(b"")
        server.start()
        twice = server.cost
    assert once.cpu_s >= 0.25
    assert twice.cpu_s >= once.cpu_s + 0.25
    assert server.cost.cpu_s >= twice.cpu_s
    assert server.cost.memory_mib > 1


def test_a_server_that_ends_at_once_is_told_with_its_log(tmp_path: Path) -> None:
    with pytest.raises(ContactError) as told:
        Logged("raise SystemExit(3)", tmp_path / "log").start()
    assert str(tmp_path / "log") in told.value.hint
