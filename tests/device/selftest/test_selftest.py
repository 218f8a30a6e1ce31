"""``qrgate test`` as a technician calls it, as a process of its own; its outputs are a relay board at the other end of a pty."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from device import config
from device.cli import TEST_PARTS
from device.failsafe import DRIVEN, LATCHED
from device.selftest.parts import PARTS
from tests.device.boards import OFF, ON, Board
from tests.gates import Gate

FREE_ON, FREE_OFF = (2, 1), (2, 0)


@pytest.fixture
def board() -> Iterator[Board]:
    with Board() as board:
        yield board


def gate(folder: Path, board: Board, **lines: str) -> Gate:
    wired = {"relay.kind": '"lcus"', "relay.port": f'"{board.path}"', "free_relay.channel": "2"}
    made = Gate(folder / "gate", wired | lines)
    text = (made.folder / "gate.toml").read_text(encoding="utf-8").replace("pin = 17\n", "")
    (made.folder / "gate.toml").write_text(text, encoding="utf-8")
    return made


def run(gate: Gate, *arguments: str) -> tuple[int, list[dict[str, str]], str]:
    """Exit code, what was told, and stderr."""
    command = [sys.executable, "-m", "device", "test", "--settings", str(gate.folder), "--json", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def test_what_the_command_line_offers_is_what_there_is() -> None:
    assert tuple(PARTS) == TEST_PARTS


def test_the_relay_has_one_pulse_the_free_relay_its_two_seconds_and_failsafe_the_last_word(tmp_path: Path, board: Board) -> None:
    code, told, _ = run(gate(tmp_path, board), "relay")
    assert (code, [(step["what"], step["outcome"]) for step in told]) == (0, [("entry", "done"), ("free", "done")])
    orders = board.switched()
    pulse, free = orders.index(ON), orders.index(FREE_ON)
    assert OFF in orders[pulse:free]
    assert orders.count(ON) == orders.count(FREE_ON) == 1
    assert set(orders[-4:]) == {OFF, FREE_OFF}


def test_it_refuses_while_the_gate_is_in_service(tmp_path: Path, board: Board) -> None:
    tested = gate(tmp_path, board)
    tested.state.mkdir()
    folder = os.open(tested.state, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        code, told, errors = run(tested, "all")
    finally:
        os.close(folder)
    assert (code, told, board.switched()) == (2, [], [])
    assert "the gate is in service" in errors
    assert "systemctl stop qrgate.target" in errors


def test_no_gate_starts_while_it_runs(tmp_path: Path, board: Board) -> None:
    tested = gate(tmp_path, board)
    command = [sys.executable, "-m", "device", "test", "--settings", str(tested.folder), "--json", "relay"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL) as test:
        assert test.stdout is not None
        test.stdout.readline()  # the first relay was tested, the free one is being
        (child,) = Path(f"/proc/{test.pid}/task/{test.pid}/children").read_text(encoding="ascii").split()
        os.kill(int(child), signal.SIGSTOP)  # however long the other takes to start
        other = subprocess.run(
            [sys.executable, "-m", "device", "run", "gate", "--settings", str(tested.folder)], capture_output=True, text=True, timeout=30, check=False
        )
        os.kill(int(child), signal.SIGCONT)
        test.communicate(timeout=30)
    assert other.returncode == 7
    assert "another gate process works in" in other.stderr


def test_a_test_that_is_killed_in_the_middle_leaves_everything_off(tmp_path: Path, board: Board) -> None:
    tested = gate(tmp_path, board)
    command = [sys.executable, "-m", "device", "test", "--settings", str(tested.folder), "--json", "relay"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL) as test:
        assert test.stdout is not None
        test.stdout.readline()
        (child,) = Path(f"/proc/{test.pid}/task/{test.pid}/children").read_text(encoding="ascii").split()
        os.kill(int(child), signal.SIGKILL)  # within the two seconds of the free relay
        test.communicate(timeout=30)
    assert test.returncode == 1
    assert set(board.switched()[-4:]) == {OFF, FREE_OFF}


def test_a_lane_that_must_be_free_is_never_closed_by_a_test(tmp_path: Path, board: Board) -> None:
    tested = gate(tmp_path, board)
    tested.state.mkdir()
    (tested.state / LATCHED).touch()
    code, told, _ = run(tested, "relay")
    assert (code, [(step["what"], step["outcome"]) for step in told]) == (1, [("latched", "FAILED")])
    run(tested, "lamps")
    orders = board.switched()
    assert (orders[-1], FREE_OFF in orders) == (FREE_ON, False)


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_a_test_whose_terminal_is_gone_leaves_everything_off(tmp_path: Path, board: Board, number: signal.Signals) -> None:
    tested = gate(tmp_path, board)
    command = [sys.executable, "-m", "device", "test", "--settings", str(tested.folder), "--json", "relay"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL, start_new_session=True) as test:
        assert test.stdout is not None
        test.stdout.readline()
        os.killpg(test.pid, number)  # within the two seconds of the free relay
        test.communicate(timeout=30)
    assert test.returncode == 130
    assert set(board.switched()[-4:]) == {OFF, FREE_OFF}


def test_signals_that_follow_the_first_break_off_nothing(tmp_path: Path, board: Board) -> None:
    tested = gate(tmp_path, board)
    command = [sys.executable, "-m", "device", "test", "--settings", str(tested.folder), "--json", "relay"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL) as test:
        assert test.stdout is not None
        test.stdout.readline()
        while test.poll() is None:  # more of them than a session that ends sends
            os.kill(test.pid, signal.SIGTERM)
    assert test.returncode == 130
    assert set(board.switched()[-4:]) == {OFF, FREE_OFF}


def test_what_is_let_go_at_the_end_is_what_the_present_settings_name(tmp_path: Path, board: Board) -> None:
    """Not what the last life of the gate drove: a technician corrects a channel, and tests it."""
    tested = gate(tmp_path, board)
    tested.runtime.mkdir()
    text = (tested.folder / "gate.toml").read_text(encoding="utf-8")
    (tested.runtime / DRIVEN).write_text(text.replace("channel = 2", "channel = 3"), encoding="utf-8")
    run(tested, "relay")
    orders = board.switched()
    assert orders[:4] == [OFF, OFF, (3, 0), (3, 0)]  # first what was driven before
    assert set(orders[-4:]) == {OFF, FREE_OFF}


def test_what_is_not_fitted_is_left_out_and_no_fault(tmp_path: Path, board: Board) -> None:
    tested = gate(tmp_path, board)
    for part in ("lamps", "buzzer", "beams", "fire", "display", "voice"):
        code, told, _ = run(tested, part)
        assert (code, [step["outcome"] for step in told]) == (0, ["left out"])


def test_a_contact_that_never_moves_is_told_with_what_to_look_for(tmp_path: Path, board: Board) -> None:
    code, told, errors = run(gate(tmp_path, board, **{"passage.pin": "27"}), "beams", "--seconds", "0.2")
    assert code == 1
    assert told == [{"part": "beams", "what": "passed", "outcome": "FAILED", "detail": "never on and never off: is it wired, to the right pin?"}]
    assert "within 0 s: passed" in errors


def test_a_board_that_is_not_there_is_exit_code_5_or_a_failed_step(tmp_path: Path, board: Board) -> None:
    tested = gate(tmp_path, board)
    board.unplug()
    code, told, _ = run(tested, "relay")
    assert code == 1
    assert [(step["what"], step["outcome"]) for step in told] == [("hardware", "FAILED")]


def test_wrong_settings_are_exit_code_3(tmp_path: Path, board: Board) -> None:
    tested = gate(tmp_path, board)
    (tested.folder / "gate.toml").write_text("[relay]\nkind = 3\n", encoding="utf-8")
    assert run(tested, "relay")[0] == 3


def test_the_settings_of_these_tests_are_a_gates(tmp_path: Path, board: Board) -> None:
    assert config.load(gate(tmp_path, board).folder).free_relay.channel == 2
