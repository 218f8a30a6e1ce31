"""``failsafe`` as it is run: a file handed to a bare interpreter, with nothing of the rest."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from device import failsafe
from device.gate.outputs.lcus import frame
from tests.device.boards import OFF, Board

PROGRAM = Path(failsafe.__file__)


@pytest.fixture
def board() -> Iterator[Board]:
    with Board() as board:
        yield board


def lcus(board: Board, more: str = "") -> str:
    return f'[relay]\nkind = "lcus"\nport = "{board.path}"\n{more}\n[paths]\nruntime = "run"\n'


def write(folder: Path, gate: str, driven: str | None = None) -> Path:
    (folder / "gate.toml").write_text(gate, encoding="utf-8")
    if driven is not None:
        (folder / "run").mkdir()
        (folder / "run" / "driven.toml").write_text(driven, encoding="utf-8")
    return folder


def make_safe(folder: Path, *options: str, runtime: Path | None = None) -> tuple[int, str]:
    """Exit code and words of one run."""
    folders = [str(each) for each in (folder, runtime) if each]
    done = subprocess.run([sys.executable, "-I", *options, str(PROGRAM), *folders], capture_output=True, text=True, timeout=20, check=False)
    assert done.stdout == ""
    return done.returncode, done.stderr


def test_the_board_is_told_twice_to_let_go(tmp_path: Path, board: Board) -> None:
    assert make_safe(write(tmp_path, lcus(board))) == (0, "")
    assert board.received() == frame(1, on=False) * 2 == bytes.fromhex("A00100A1") * 2


def test_the_channel_of_the_settings_is_let_go(tmp_path: Path, board: Board) -> None:
    assert make_safe(write(tmp_path, lcus(board, "channel = 3"))) == (0, "")
    assert board.switched() == [(3, 0), (3, 0)]


def test_a_board_that_was_cut_off_in_the_middle_of_a_frame_obeys(tmp_path: Path, board: Board) -> None:
    with board.path.open("wb", buffering=0) as port:
        port.write(frame(1, on=True)[:3])
    make_safe(write(tmp_path, lcus(board)))
    assert board.switched()[-1] == OFF


def test_it_can_be_run_again(tmp_path: Path, board: Board) -> None:
    write(tmp_path, lcus(board))
    assert [make_safe(tmp_path), make_safe(tmp_path)] == [(0, ""), (0, "")]
    assert board.switched() == [OFF] * 4


def test_what_was_driven_is_let_go_not_what_the_settings_say_since(tmp_path: Path, board: Board) -> None:
    edited = '[relay]\nkind = "lcus"\nport = "/dev/another"\n[paths]\nruntime = "run"\n'
    assert make_safe(write(tmp_path, edited, driven=lcus(board))) == (0, "")
    assert board.switched() == [OFF, OFF]


@pytest.mark.parametrize("driven", ["", "[relay", "\x00"])
def test_a_broken_copy_does_not_hide_good_settings(tmp_path: Path, board: Board, driven: str) -> None:
    assert make_safe(write(tmp_path, lcus(board), driven=driven)) == (0, "")
    assert board.switched() == [OFF, OFF]


def test_whoever_knows_the_runtime_folder_is_independent_of_broken_settings(tmp_path: Path, board: Board) -> None:
    assert make_safe(write(tmp_path, "[relay", driven=lcus(board)), runtime=tmp_path / "run") == (0, "")
    assert board.switched() == [OFF, OFF]


NONE_KNOWN = "qrgate failsafe: no settings in {}: nothing is known to be driven; if a gate was set up here, cut its lock supply\n"


@pytest.mark.parametrize("gate", ["[relay", "relay = \n", "a = " + "[" * 5000, "a = " + "9" * 5000])
def test_broken_settings_are_told_with_exit_code_3(tmp_path: Path, gate: str) -> None:
    assert make_safe(write(tmp_path, gate)) == (3, NONE_KNOWN.format(tmp_path))


def test_missing_settings_are_told_with_exit_code_3(tmp_path: Path) -> None:
    assert make_safe(tmp_path) == (3, NONE_KNOWN.format(tmp_path))


@pytest.mark.parametrize(
    "gate",
    [
        "relay = 1\npaths = 2\npins = 3\nlamps = []\nbuzzer = 1.5\n",
        '[relay]\nkind = 1\npin = "x"\n',
        '[paths]\nruntime = "\\u0000"\n',
        "[paths]\nruntime = 1\n[pins]\nfactory = {}\n",
    ],
)
def test_nonsense_in_a_table_s_place_stops_nothing(tmp_path: Path, gate: str) -> None:
    assert make_safe(write(tmp_path, gate)) == (0, "")


@pytest.mark.parametrize("channel", ['"one"', "1000", "-1", "[]"])
def test_a_channel_that_is_none_does_not_end_in_a_traceback(tmp_path: Path, board: Board, channel: str) -> None:
    assert make_safe(write(tmp_path, lcus(board, f"channel = {channel}"))) == (0, "")
    assert len(board.switched()) == 2


def test_a_missing_port_is_told_with_exit_code_5(tmp_path: Path) -> None:
    gate = f'[relay]\nkind = "lcus"\nport = "{tmp_path}/unplugged"\n'
    words = f"qrgate failsafe: relay board at {tmp_path}/unplugged: [Errno 2] No such file or directory: '{tmp_path}/unplugged'\n"
    assert make_safe(write(tmp_path, gate)) == (5, words)


def test_a_port_that_is_no_port_is_told_with_exit_code_5(tmp_path: Path) -> None:
    gate = f'[relay]\nkind = "lcus"\nport = "{tmp_path}/gate.toml"\n'
    code, words = make_safe(write(tmp_path, gate))
    assert (code, words.startswith(f"qrgate failsafe: relay board at {tmp_path}/gate.toml: ")) == (5, True)
    assert "Traceback" not in words


@pytest.mark.skipif(find_spec("lgpio") is not None, reason="lgpio is installed here")
def test_a_missing_driver_is_told_with_the_pins_that_stay_driven(tmp_path: Path) -> None:
    gate = '[pins]\nfactory = "lgpio"\n[relay]\npin = 17\n[lamps]\ngreen_pin = 23\nred_pin = 24\n[buzzer]\npin = 25\n'
    assert make_safe(write(tmp_path, gate)) == (5, "qrgate failsafe: pins [17, 23, 24, 25]: no driver: No module named 'lgpio'\n")


LGPIO = """\
class error(Exception):
    pass
def gpiochip_open(chip):
    if chip == 9:
        raise error("can not open gpiochip")
    print("open", chip)
    return 7
def gpio_claim_output(handle, pin, level):
    if pin == 24:
        raise error("GPIO busy")
    print(handle, pin, level)
def gpiochip_close(handle):
    print("close", handle)
"""


def make_safe_with_driver(folder: Path) -> tuple[int, str, str]:
    """Exit code, what the driver was told, and words: with a driver that prints instead of driving."""
    (folder / "lgpio.py").write_text(LGPIO, encoding="utf-8")
    runner = "import sys, runpy; sys.path.insert(0, sys.argv[2]); sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
    done = subprocess.run([sys.executable, "-I", "-c", runner, str(PROGRAM), str(folder)], capture_output=True, text=True, timeout=20, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(("active_high", "level"), [("true", 0), ("false", 1)])
def test_every_output_gets_the_level_at_which_it_rests(tmp_path: Path, active_high: str, level: int) -> None:
    gate = f'[pins]\nfactory = "lgpio"\nchip = 4\n[relay]\npin = 17\nactive_high = {active_high}\n[lamps]\ngreen_pin = 23\n[buzzer]\npin = 25\n'
    code, told, words = make_safe_with_driver(write(tmp_path, gate))
    assert (code, sorted(told.splitlines()), words) == (0, sorted(["open 4", f"7 17 {level}", "7 23 0", "7 25 0", "close 7"]), "")


def test_a_pin_that_is_busy_does_not_keep_another_on(tmp_path: Path) -> None:
    gate = '[pins]\nfactory = "lgpio"\n[relay]\npin = 17\n[lamps]\ngreen_pin = 23\nred_pin = 24\n'
    code, told, words = make_safe_with_driver(write(tmp_path, gate))
    assert (code, sorted(told.splitlines()), words) == (5, sorted(["open 0", "7 17 0", "7 23 0", "close 7"]), "qrgate failsafe: pin 24: GPIO busy\n")


def test_a_chip_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert make_safe_with_driver(write(tmp_path, '[pins]\nfactory = "lgpio"\nchip = 9\n[relay]\npin = 17\n')) == (
        5,
        "",
        "qrgate failsafe: gpiochip 9: can not open gpiochip\n",
    )


def test_a_board_and_pins_are_both_let_go_whichever_fails(tmp_path: Path, board: Board) -> None:
    gate = lcus(board) + '[pins]\nfactory = "lgpio"\nchip = 9\n[lamps]\ngreen_pin = 23\n'
    code, _, words = make_safe_with_driver(write(tmp_path, gate))
    assert (code, words, board.switched()) == (5, "qrgate failsafe: gpiochip 9: can not open gpiochip\n", [OFF, OFF])


def test_it_imports_nothing_of_the_rest(tmp_path: Path, board: Board) -> None:
    code, times = make_safe(write(tmp_path, lcus(board)), "-X", "importtime")
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in times.splitlines()}
    assert code == 0
    assert "tomllib" in imported
    assert imported & {"device", "provisioning", "serial", "gpiozero", "lgpio", "cbor2", "cryptography", "numpy", "sqlite3"} == set()
