"""The keeper's record and its end; that it holds pins is seen with ``failsafe``, which starts it, and in the lab."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from device import keeper

LOCKS = (
    "import fcntl, os, sys, time; file = open(sys.argv[1], 'w'); file.write(f'{os.getpid()} 0 27=1'); file.flush();"
    "fcntl.flock(file, fcntl.LOCK_EX); print('held', flush=True); time.sleep(600)"
)


@contextmanager
def sleeping(program: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", program, *arguments], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        yield process
        process.kill()


def test_where_there_is_no_keeper_none_is_ended(tmp_path: Path) -> None:
    keeper.end_keeper(tmp_path)
    keeper.end_keeper(tmp_path / "missing")
    assert list(tmp_path.iterdir()) == []


def test_the_keeper_is_ended_when_the_call_returns(tmp_path: Path) -> None:
    with sleeping(LOCKS, str(tmp_path / keeper.RECORD)) as process:
        keeper.end_keeper(tmp_path)
        assert process.poll() == -signal.SIGTERM


def test_a_keeper_that_was_stopped_is_ended_too(tmp_path: Path) -> None:
    with sleeping(LOCKS, str(tmp_path / keeper.RECORD)) as process:
        os.kill(process.pid, signal.SIGSTOP)
        keeper.end_keeper(tmp_path)
        assert process.poll() in {-signal.SIGTERM, -signal.SIGKILL}  # both are pending: the kernel takes one


def test_a_process_that_was_given_the_number_of_a_keeper_that_died_lives_on(tmp_path: Path) -> None:
    with sleeping("import time; print('held', flush=True); time.sleep(600)") as process:
        (tmp_path / keeper.RECORD).write_text(f"{process.pid} 0 27=1", encoding="ascii")
        keeper.end_keeper(tmp_path)
        assert process.poll() is None


def keeps(runtime: Path, *pins: str) -> tuple[int, str]:
    command = [sys.executable, "-I", keeper.__file__, str(runtime), "0", *pins]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_a_keeper_that_can_hold_nothing_says_so_and_ends(tmp_path: Path) -> None:
    if any(Path("/dev").glob("gpiochip*")):
        pytest.skip("this machine has gpiochips")
    code, words = keeps(tmp_path, "27=1")
    assert (code, words.startswith("held"), words != "", (tmp_path / keeper.RECORD).exists()) == (1, False, True, False)


def test_without_pins_it_ends_the_keeper_there_is(tmp_path: Path) -> None:
    with sleeping(LOCKS, str(tmp_path / keeper.RECORD)) as process:
        assert keeps(tmp_path) == (0, "held")
        assert process.poll() == -signal.SIGTERM


def test_a_keeper_of_just_these_pins_is_left_alone(tmp_path: Path) -> None:
    with sleeping(LOCKS, str(tmp_path / keeper.RECORD)) as process:
        assert keeps(tmp_path, "27=1") == (0, "held")
        assert process.poll() is None


def test_it_needs_nothing_of_the_rest() -> None:
    assert not [line for line in Path(keeper.__file__).read_text("utf-8").splitlines() if line.startswith(("import device", "from device"))]
