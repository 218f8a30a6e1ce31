"""``failsafe`` as it is run: a file handed to a bare interpreter, with nothing of the rest."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

from device import failsafe, keeper
from device.gate.outputs.lcus import frame
from device.gate.outputs.modbus import OFF as OFF_VALUE
from device.gate.outputs.modbus import ON, WRITE_COIL, Modbus
from device.settings import BoardModel, Paths
from tests.device.boards import OFF, Board
from tests.device.gate.outputs.relay_boards import ModbusBoard, honest, mute

PROGRAM = Path(failsafe.__file__)
RELAY_PINS = {"relay": 17, "exit_relay": 26, "lower_relay": 16, "free_relay": 27}


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
import os
class error(Exception):
    pass
def say(*words):
    with open(os.environ["TOLD"], "a") as told:
        print(*words, file=told, flush=True)
def gpiochip_open(chip):
    if chip == 9:
        raise error("can not open gpiochip")
    say("open", chip)
    return 7
def gpio_claim_output(handle, pin, level):
    if str(pin) in os.environ["BUSY"].split():
        raise error("GPIO busy")
    say(pin, level)
def gpiochip_close(handle):
    say("close")
"""
"""A driver that writes down what it is told instead of driving."""


@dataclass
class Pi:
    """A machine with such a driver; the gate's folders are in ``folder``. Pins in ``busy`` are held by somebody else."""

    folder: Path
    busy: str = ""

    def __post_init__(self) -> None:
        (self.folder / "lib").mkdir()
        (self.folder / "lib" / "lgpio.py").write_text(LGPIO, encoding="utf-8")
        (self.folder / "state").mkdir()
        (self.folder / "run").mkdir(exist_ok=True)
        program = "import sys, runpy; sys.path.insert(0, sys.argv[2]); del sys.argv[:3]; runpy.run_path(sys.argv[0], run_name='__main__')"
        # What runs the keeper in its turn, with the same driver. It is called with -I first, as a Python is.
        self.python = self.folder / "python"
        self.python.write_text(f'#!/bin/sh\nshift\nexec "{sys.executable}" -I -c "{program}" - "{self.folder}/lib" "$@"\n', encoding="utf-8")
        self.python.chmod(0o755)

    def gate(self, text: str) -> None:
        tables = f'[paths]\nstate = "state"\nruntime = "run"\n[pins]\nfactory = "lgpio"\n{text}'
        (self.folder / "gate.toml").write_text(tables, encoding="utf-8")

    def make_safe(self) -> tuple[int, list[str], str]:
        """Exit code, what the driver was told by all together, and words."""
        told = self.folder / "told"
        told.write_text("", encoding="utf-8")
        runner = (
            "import sys, runpy; sys.executable, path, *sys.argv = sys.argv[1:]; sys.path.insert(0, path);"
            "runpy.run_path(sys.argv[0], run_name='__main__')"
        )
        command = [sys.executable, "-I", "-c", runner, str(self.python), str(self.folder / "lib"), str(PROGRAM), str(self.folder)]
        environment = {"TOLD": str(told), "BUSY": self.busy}
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False, env=environment)
        assert done.stdout == ""
        return done.returncode, told.read_text(encoding="utf-8").splitlines(), done.stderr

    def keeper(self) -> tuple[int, str] | None:
        """The keeper's process and what it holds, ``None`` where there is none that lives."""
        if (found := keeper._find(self.folder / "run")) is None:
            return None
        os.close(found[0])
        number, _, held = (self.folder / "run" / keeper.RECORD).read_text(encoding="ascii").partition(" ")
        return int(number), held


@pytest.fixture
def pi(tmp_path: Path) -> Iterator[Pi]:
    yield Pi(tmp_path)
    keeper.end_keeper(tmp_path / "run")


@pytest.mark.parametrize(("active_high", "level"), [("true", 0), ("false", 1)])
def test_every_output_gets_the_level_at_which_it_rests(pi: Pi, active_high: str, level: int) -> None:
    relays = "".join(f"[{name}]\npin = {pin}\nactive_high = {active_high}\n" for name, pin in RELAY_PINS.items())
    pi.gate(f"chip = 4\n{relays}[lamps]\ngreen_pin = 23\nred_pin = 24\namber_pin = 22\n[buzzer]\npin = 25\n")
    relays_told = [f"{pin} {level}" for pin in RELAY_PINS.values()]
    code, told, words = pi.make_safe()
    assert (code, told[0], told[-1], words) == (0, "open 4", "close", "")
    assert sorted(told[1:-1]) == sorted([*relays_told, "22 0", "23 0", "24 0", "25 0"])


def test_a_pin_that_is_busy_does_not_keep_another_on(pi: Pi) -> None:
    pi.busy = "24"
    pi.gate("[relay]\npin = 17\n[lamps]\ngreen_pin = 23\nred_pin = 24\n")
    code, told, words = pi.make_safe()
    assert (code, sorted(told), words) == (5, sorted(["open 0", "17 0", "23 0", "close"]), "qrgate failsafe: pin 24: GPIO busy\n")


def test_a_chip_that_is_not_there_is_told(pi: Pi) -> None:
    pi.gate("chip = 9\n[relay]\npin = 17\n")
    assert pi.make_safe() == (5, [], "qrgate failsafe: gpiochip 9: can not open gpiochip\n")


@pytest.mark.skipif(any(Path("/dev").glob("gpiochip*")), reason="this machine has gpiochips")
def test_a_chip_that_no_label_leads_to_is_told_with_the_pins_that_stay_driven(pi: Pi) -> None:
    pi.gate('[board]\nmodel = "pi5"\n[relay]\npin = 17\n')
    assert pi.make_safe() == (5, [], "qrgate failsafe: pins [17]: no gpiochip has the label pinctrl-rp1\n")


def test_a_board_and_pins_are_both_let_go_whichever_fails(pi: Pi, board: Board) -> None:
    pi.gate(f'chip = 9\n[lamps]\ngreen_pin = 23\n[relay]\nkind = "lcus"\nport = "{board.path}"\n')
    assert pi.make_safe() == (5, [], "qrgate failsafe: gpiochip 9: can not open gpiochip\n")
    assert board.switched() == [OFF, OFF]


# --- a lane that must stay free ----------------------------------------------------------------------------------

FREEING = "[relay]\npin = 17\n[free_relay]\npin = 27\nactive_high = false\n[lamps]\ngreen_pin = 23\nred_pin = 24\n"
ALL_OFF = ["open 0", "17 0", "23 0", "24 0", "27 1", "close"]
OFF_WHILE_FREE = ["open 0", "17 0", "24 0", "close"]
HELD_WHILE_FREE = ["open 0", "23 1", "27 0"]
LATCHES = ["state/fire", "run/free"]


@pytest.mark.parametrize("latch", LATCHES)
def test_while_the_lane_must_be_free_a_keeper_holds_what_frees_it_and_all_else_is_off(pi: Pi, latch: str) -> None:
    pi.gate(FREEING)
    (pi.folder / latch).touch()
    code, told, words = pi.make_safe()
    assert (code, sorted(told), words) == (0, sorted(OFF_WHILE_FREE + HELD_WHILE_FREE), "")
    found = pi.keeper()
    assert found is not None
    assert found[1] == "0 23=1 27=0"


def test_a_second_run_leaves_the_keeper_as_it_is(pi: Pi) -> None:
    pi.gate(FREEING)
    (pi.folder / "run/free").touch()
    pi.make_safe()
    first = pi.keeper()
    code, told, words = pi.make_safe()
    assert (code, sorted(told), words, pi.keeper()) == (0, sorted(OFF_WHILE_FREE), "", first)
    assert first is not None


def test_a_keeper_of_other_pins_is_replaced(pi: Pi) -> None:
    pi.gate(FREEING)
    (pi.folder / "run/free").touch()
    pi.make_safe()
    first = pi.keeper()
    pi.gate(FREEING.replace("27", "26"))
    assert pi.make_safe()[0] == 0
    second = pi.keeper()
    assert first is not None
    assert second is not None
    assert (second[0] != first[0], second[1]) == (True, "0 23=1 26=0")


def test_the_keeper_ends_when_the_lane_need_not_be_free_any_more_and_only_then(pi: Pi) -> None:
    pi.gate(FREEING)
    for latch in LATCHES:
        (pi.folder / latch).touch()
    pi.make_safe()
    kept = []
    for latch in LATCHES:
        (pi.folder / latch).unlink()
        told = pi.make_safe()[1]
        kept.append(pi.keeper() is not None)
    assert (kept, sorted(told)) == ([True, False], sorted(ALL_OFF))


def test_a_keeper_that_was_killed_is_followed_by_another(pi: Pi) -> None:
    pi.gate(FREEING)
    (pi.folder / "state/fire").touch()
    pi.make_safe()
    first = pi.keeper()
    assert first is not None
    os.kill(first[0], signal.SIGKILL)
    code, told, words = pi.make_safe()
    assert (code, sorted(told), words) == (0, sorted(OFF_WHILE_FREE + HELD_WHILE_FREE), "")


def test_a_lamp_that_cannot_be_held_does_not_keep_the_lane_shut(pi: Pi) -> None:
    pi.busy = "23"
    pi.gate(FREEING)
    (pi.folder / "run/free").touch()
    code, told, words = pi.make_safe()
    assert (code, "27 0" in told, words) == (5, True, "qrgate failsafe: pin 23: GPIO busy\n")
    assert pi.keeper() is not None


def test_without_a_keeper_the_lane_is_freed_all_the_same(pi: Pi) -> None:
    pi.python.write_text("#!/bin/sh\necho no such luck\n", encoding="utf-8")
    pi.gate(FREEING)
    (pi.folder / "run/free").touch()
    code, told, words = pi.make_safe()
    assert (code, words) == (5, "qrgate failsafe: keeper: no such luck\n")
    assert sorted(told) == sorted([*OFF_WHILE_FREE, *HELD_WHILE_FREE, "close"])


def test_a_latch_that_cannot_be_looked_at_counts_as_one(pi: Pi) -> None:
    pi.gate(FREEING)
    (pi.folder / "state/fire").symlink_to("fire")  # ELOOP, as a broken card has EIO
    assert (pi.make_safe()[0], pi.keeper() is not None) == (0, True)


def test_a_lane_without_a_freeing_relay_shows_green_while_it_is_free(pi: Pi) -> None:
    pi.gate("[relay]\npin = 17\n[lamps]\ngreen_pin = 23\n")
    (pi.folder / "run/free").touch()
    code, told, words = pi.make_safe()
    assert (code, sorted(told), words) == (0, sorted(["open 0", "17 0", "close", "open 0", "23 1"]), "")


@pytest.mark.parametrize(("latch", "on"), [("nothing", 0), *((latch, 1) for latch in LATCHES)])
def test_on_a_serial_board_every_relay_is_off_but_the_one_that_frees(tmp_path: Path, board: Board, latch: str, on: int) -> None:
    for folder in ("state", "run"):
        (tmp_path / folder).mkdir()
    (tmp_path / latch).touch()
    more = "channel = 2\n[exit_relay]\nchannel = 3\n[lower_relay]\n[free_relay]\nchannel = 4\n"
    gate = lcus(board, more).replace("[paths]", '[paths]\nstate = "state"')
    assert make_safe(write(tmp_path, gate)) == (0, "")
    assert board.switched(within_s=5) == [(2, 0), (2, 0), (3, 0), (3, 0), (4, on), (4, on)]


# --- a Modbus board ----------------------------------------------------------------------------------------------


@pytest.fixture
def modbus(tmp_path: Path) -> Iterator[ModbusBoard]:
    with ModbusBoard(tmp_path / "board") as board:
        yield board


def modbus_gate(board: ModbusBoard) -> str:
    return f'[relay]\nkind = "modbus"\nport = "{board.link}"\n[free_relay]\nchannel = 8\n[paths]\nstate = "."\nruntime = "run"\n'


@pytest.mark.parametrize(("latch", "on"), [("nothing", False), ("fire", True)])
def test_a_modbus_board_is_told_once_if_it_answers(tmp_path: Path, modbus: ModbusBoard, latch: str, on: bool) -> None:
    (tmp_path / latch).touch()
    assert make_safe(write(tmp_path, modbus_gate(modbus))) == (0, "")
    assert modbus.history == [(1, False), (8, on)]
    assert modbus.received[:8] == bytes.fromhex("010500000000CDCA")


def test_an_answer_that_goes_amiss_is_asked_for_again(tmp_path: Path, modbus: ModbusBoard) -> None:
    modbus.speeches = [mute, honest, lambda answer: [b"\x01\x05" + answer]]
    assert make_safe(write(tmp_path, modbus_gate(modbus))) == (0, "")
    assert modbus.history == [(1, False), (1, False), (8, False)]


def test_a_modbus_board_that_is_silent_is_told_of_all_the_same(tmp_path: Path, modbus: ModbusBoard) -> None:
    modbus.always = mute
    words = "".join(f"qrgate failsafe: relay board at {modbus.link}: no answer from channel {channel}\n" for channel in (1, 8))
    assert make_safe(write(tmp_path, modbus_gate(modbus))) == (5, words)
    assert modbus.history == [(1, False), (1, False), (8, False), (8, False)]


def test_what_two_files_must_both_know_is_the_same() -> None:
    assert (failsafe.KEEPER, set(failsafe.CHIP_LABELS)) == (keeper.RECORD, {model.value for model in BoardModel} - {"other"})
    assert (str(Paths().state), str(Paths().runtime)) == (failsafe.STATE, failsafe.RUNTIME)
    orders = [failsafe._modbus(7, channel, on=on) for channel in (1, 300) for on in (True, False)]
    assert orders == [Modbus(7).question(WRITE_COIL, channel - 1, ON if on else OFF_VALUE) for channel in (1, 300) for on in (True, False)]


def test_it_imports_nothing_of_the_rest(tmp_path: Path, board: Board) -> None:
    code, times = make_safe(write(tmp_path, lcus(board)), "-X", "importtime")
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in times.splitlines()}
    assert code == 0
    assert "tomllib" in imported
    assert imported & {"device", "provisioning", "serial", "gpiozero", "lgpio", "cbor2", "cryptography", "numpy", "sqlite3"} == set()
