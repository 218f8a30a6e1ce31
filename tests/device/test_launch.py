from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from device import notify
from device.errors import LinkError
from device.launch import DELAY_FIRST_S, DELAY_MAX_S, FIRST_START_S, PARTS, SILENT_S, STOOD_STILL_S, STOP_S, Launcher, _Part
from tests.device.boards import OFF, ON, Board
from tests.device.complete import complete, record
from tests.gates import Gate, show

WAIT_S = 15.0
POLL_S = 0.01  # there is no event for "a process appeared"


class Launched:
    """``qrgate run`` as a process, and its parts as the kernel lists them."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.log = gate.folder / "log"
        with self.log.open("wb") as log:
            command = [sys.executable, "-m", "device", "run", "--settings", str(gate.folder)]
            self.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)  # Ctrl-C is for a whole group

    def parts(self) -> dict[str, int]:
        """Part -> process id."""
        found = {}
        with suppress(OSError):  # a process that ends while we look
            for pid in Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text(encoding="ascii").split():
                words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
                if "run" in words and words[words.index("run") + 1] in PARTS:
                    found[words[words.index("run") + 1]] = int(pid)
        return found

    def wait(self, so: Callable[[], bool]) -> None:
        give_up_s = time.monotonic() + WAIT_S
        while not so():
            assert time.monotonic() < give_up_s, self.log.read_text("utf-8")
            time.sleep(POLL_S)

    def wait_for(self, *names: str) -> dict[str, int]:
        """Wait until exactly these parts run."""
        self.wait(lambda: self.parts().keys() == set(names))
        return self.parts()

    def end(self) -> tuple[int, str]:
        """Exit code and words of a launcher that ends."""
        code = self.process.wait(WAIT_S)
        return code, self.log.read_text("utf-8")


@pytest.fixture
def board() -> Iterator[Board]:
    with Board() as board:
        yield board


@pytest.fixture
def gate(tmp_path: Path, board: Board) -> Gate:
    return complete(tmp_path / "gate", board, relay__pulse_s="10", relay__max_on_s="10")[0]


@pytest.fixture
def launch() -> Iterator[Callable[[Gate], Launched]]:
    launched: list[Launched] = []

    def begin(gate: Gate) -> Launched:
        launched.append(Launched(gate))
        return launched[-1]

    yield begin
    for each in launched:
        each.process.terminate()
        each.process.wait(WAIT_S)
        assert "Traceback" not in each.log.read_text("utf-8")


Launch = Callable[[Gate], Launched]


def gone(*pids: int) -> bool:
    """Wait for processes that are not ours to end."""
    for pid in pids:
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        ended = bool(select.select([descriptor], [], [], WAIT_S)[0])
        os.close(descriptor)
        if not ended:
            return False
    return True


def relay_goes_on(gate: Gate, board: Board) -> None:
    """The newest reader is heard: where the real one came after us, somebody else shows a code to us."""
    switched: list[tuple[int, int]] = []
    for number in range(1, 6):
        with closing(gate.connect("reader")) as reader, suppress(LinkError):
            show(reader, gate.track(gate.issuer.issue(number)))
            give_up_s = time.monotonic() + 2.0
            while switched[-1:] != [ON] and (left_s := give_up_s - time.monotonic()) > 0:
                switched += board.switched(within_s=left_s)
        if switched[-1:] == [ON]:
            return
    pytest.fail(f"the board was told only {switched}")


def await_board(board: Board, so: Callable[[list[tuple[int, int]]], bool]) -> list[tuple[int, int]]:
    """What the board was told, once ``so`` is true of it."""
    switched: list[tuple[int, int]] = []
    while not so(switched):
        news = board.switched(within_s=WAIT_S)
        assert news, f"the board was told only {switched}"
        switched += news
    return switched


# --- the whole -------------------------------------------------------------------------------------------------


def test_a_part_that_is_killed_comes_back_and_the_others_stay(gate: Gate, launch: Launch) -> None:
    launched = launch(gate)
    gate.connect("uplink").close()
    for name in PARTS:
        before = launched.wait_for(*PARTS)
        os.kill(before[name], signal.SIGKILL)
        launched.wait(lambda name=name, before=before: launched.parts().get(name, before[name]) != before[name])  # type: ignore[misc]
        assert {part: pid for part, pid in launched.wait_for(*PARTS).items() if part != name} == {
            part: pid for part, pid in before.items() if part != name
        }
    launched.process.terminate()
    code, words = launched.end()
    assert code == 0
    assert [f"{name} ended (SIGKILL) after " in words for name in PARTS] == [True] * 3


def test_a_gate_that_is_killed_with_the_relay_on_is_followed_by_failsafe(gate: Gate, board: Board, launch: Launch) -> None:
    launched = launch(gate)
    relay_goes_on(gate, board)
    os.kill(launched.wait_for(*PARTS)["gate"], signal.SIGKILL)
    assert await_board(board, lambda switched: len(switched) >= 3)[:3] == [OFF, OFF, OFF]  # twice failsafe, then the new gate


def test_it_lets_go_and_ends_all_parts_when_it_is_told(gate: Gate, board: Board, launch: Launch) -> None:
    launched = launch(gate)
    relay_goes_on(gate, board)
    parts = launched.wait_for(*PARTS)
    launched.process.terminate()
    assert launched.end()[0] == 0
    assert gone(*parts.values())
    switched = board.switched()
    assert (set(switched), len(switched) >= 4) == ({OFF}, True)  # the acting thread, the switch itself, and twice failsafe


def test_a_launcher_that_is_killed_takes_its_parts_along_and_the_relay_lets_go(gate: Gate, board: Board, launch: Launch) -> None:
    launched = launch(gate)
    relay_goes_on(gate, board)
    parts = launched.wait_for(*PARTS)
    launched.process.kill()
    assert gone(*parts.values())
    assert board.switched()[-1] == OFF


def test_a_reader_whose_recording_has_ended_is_not_started_again(tmp_path: Path, board: Board, launch: Launch) -> None:
    gate, _ = complete(tmp_path / "gate", board, reader__loop="false", reader__path=f'"{record(tmp_path / "short", frames=1)}"')
    launched = launch(gate)
    gate.connect("uplink").close()
    before = launched.wait_for("gate", "uplink")
    os.kill(before["uplink"], signal.SIGKILL)
    launched.wait(lambda: launched.parts().get("uplink", before["uplink"]) != before["uplink"])
    assert launched.parts().keys() == {"gate", "uplink"}


def test_ctrl_c_is_for_the_launcher_alone_and_its_last_word_is_that_all_is_safe(gate: Gate, board: Board, launch: Launch) -> None:
    launched = launch(gate)
    relay_goes_on(gate, board)
    parts = launched.wait_for(*PARTS)
    assert {name: os.getpgid(pid) for name, pid in parts.items()} == parts
    os.killpg(launched.process.pid, signal.SIGINT)
    code, words = launched.end()
    assert (code, words.splitlines()[-1].partition(" ")[2]) == (0, "qrgate.launch: stopped; outputs are safe")
    assert "starts again" not in words
    assert set(board.switched()) == {OFF}


def test_outputs_that_cannot_be_made_safe_are_the_last_word(gate: Gate, board: Board, launch: Launch) -> None:
    launched = launch(gate)
    launched.wait_for(*PARTS)
    gate.connect("uplink").close()
    board.unplug()
    launched.process.terminate()
    _, words = launched.end()
    assert words.splitlines()[-1].endswith("stopped; the outputs may not be safe: cut the lock supply")


def test_a_part_that_ends_while_all_stop_is_not_said_to_start_again(caplog: pytest.LogCaptureFixture) -> None:
    class Soon(threading.Event):
        """Set between the first look and the second."""

        def is_set(self) -> bool:
            was = super().is_set()
            self.set()
            return was

    launcher = Launcher(Path("/nowhere"), Path("/nowhere/run"))
    process = subprocess.Popen(["false"])
    gate = _Part("gate", process, os.pidfd_open(process.pid))
    launcher._parts = [gate]
    launcher._selector.register(gate.pidfd, select.EPOLLIN, gate)
    assert launcher.run(Soon()) == 0
    assert caplog.messages == ["stopped; the outputs may not be safe: cut the lock supply"]


# --- what hangs ------------------------------------------------------------------------------------------------


def test_a_frozen_uplink_does_not_keep_the_relay_on_when_all_stop(gate: Gate, board: Board, launch: Launch) -> None:
    launched = launch(gate)
    relay_goes_on(gate, board)
    os.kill(launched.wait_for(*PARTS)["uplink"], signal.SIGSTOP)
    launched.process.terminate()
    assert board.switched(within_s=1.0)[:1] == [OFF]
    begun_s = time.monotonic()
    assert launched.end()[0] == 0
    assert time.monotonic() - begun_s <= STOP_S["uplink"] + 2.0


def test_a_frozen_gate_is_killed_when_all_stop_and_the_relay_lets_go(gate: Gate, board: Board, launch: Launch) -> None:
    launched = launch(gate)
    relay_goes_on(gate, board)
    os.kill(launched.wait_for(*PARTS)["gate"], signal.SIGSTOP)
    launched.process.terminate()
    assert board.switched(within_s=3.0)[:1] == [OFF]
    assert launched.end()[0] == 0


def test_a_gate_that_freezes_with_the_relay_on_is_killed_and_the_relay_lets_go_within_its_maximum(gate: Gate, board: Board, launch: Launch) -> None:
    launched = launch(gate)
    relay_goes_on(gate, board)
    frozen = launched.wait_for(*PARTS)["gate"]
    os.kill(frozen, signal.SIGSTOP)
    assert board.switched(within_s=3.0)[:1] == [OFF]
    launched.wait(lambda: launched.parts().get("gate", frozen) != frozen)
    gate.connect("uplink").close()  # the new one is well
    assert "gate hangs: it has given no sign of life for 2." in launched.log.read_text("utf-8")


@pytest.mark.parametrize(
    ("name", "silent_s", "stood_still_s", "told", "killed"),
    [
        ("gate", SILENT_S["gate"], 0, [], True),
        ("gate", SILENT_S["gate"] - 0.5, 0, [], False),
        ("gate", SILENT_S["gate"], 0, [notify.ALIVE], False),
        ("gate", SILENT_S["gate"], STOOD_STILL_S, [], False),  # the machine stood still, and the gate with it
        ("gate", None, 0, [], False),  # it is still starting: a Pi takes its time
        ("gate", None, 0, [notify.ALIVE], False),
        ("uplink", SILENT_S["uplink"] - 0.5, 0, [], False),
        ("uplink", SILENT_S["uplink"], 0, [], True),
        ("reader", 3600, 0, [], False),  # a camera without frames: the gate shows that it is out of order
    ],
)
def test_who_was_ready_and_gives_no_sign_of_life_is_killed(
    name: str, silent_s: float | None, stood_still_s: float, told: list[str], *, killed: bool
) -> None:
    launcher = Launcher(Path("/nowhere"), Path("/nowhere/run"))
    tell = "import sys; from device import notify; [notify.notify(each) for each in sys.argv[1:]]; print(flush=True); input()"
    environment = os.environ | {"NOTIFY_SOCKET": launcher._ear.address}
    with subprocess.Popen([sys.executable, "-c", tell, *told], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"\n"
        now_s = time.monotonic()
        part = _Part(name, process, heard_s=None if silent_s is None else now_s - silent_s)
        launcher._parts = [part]
        launcher._turned_s = now_s - stood_still_s
        launcher._listen()
        process.communicate(b"\n")
        assert process.returncode == (-signal.SIGKILL if killed else 0)
    close(launcher)


# --- what cannot work ------------------------------------------------------------------------------------------


def test_wrong_settings_are_exit_code_3_and_nothing_is_started(gate: Gate, board: Board, launch: Launch) -> None:
    with (gate.folder / "gate.toml").open("a", encoding="utf-8") as file:
        file.write("[zz]\n")
    code, words = launch(gate).end()
    assert (code, words.startswith("qrgate run: 1 mistake in the settings:\n")) == (3, True)
    assert board.switched() == []


def test_a_part_that_cannot_work_at_its_first_start_ends_all_with_its_exit_code(gate: Gate, board: Board, launch: Launch) -> None:
    (gate.folder / "pseudonym.json").unlink()
    code, words = launch(gate).end()
    assert code == 3
    assert f"qrgate run: no pseudonym key at {gate.folder}/pseudonym.json: No such file or directory\n" in words
    assert board.switched()[-2:] == [OFF, OFF]


def close(launcher: Launcher) -> None:
    launcher._selector.close()
    launcher._ear.close()


def died(
    *, name: str = "reader", code: int = 5, starts: int = 1, lived_s: float = 0.0, quick_deaths: int = 0, was_ready: bool = False
) -> tuple[int, _Part]:
    """What the launcher makes of the death of one part."""
    launcher = Launcher(Path("/nowhere"), Path("/nowhere/run"))
    process = subprocess.Popen(["sh", "-c", f"exit {code}"])
    part = _Part(name, process, os.pidfd_open(process.pid), time.monotonic() - lived_s, starts, quick_deaths, was_ready=was_ready)
    launcher._selector.register(part.pidfd, select.EPOLLIN, part)
    answer = launcher._died(part)
    close(launcher)
    return answer, part


@pytest.mark.parametrize(
    ("code", "starts", "lived_s", "expected"),
    [
        (2, 1, 0, 2),
        (3, 1, 0, 3),
        (5, 1, 0, 5),
        (1, 1, 0, 0),  # a fault in the program: it may not come again
        (6, 1, 0, 0),
        (7, 1, 0, 7),  # the store may be in use by another gate, for which failsafe must not be called again and again
        (5, 2, 0, 0),  # it has worked before
        (5, 1, FIRST_START_S + 1, 0),  # it has worked: a camera that broke in the evening does not end the gate
    ],
)
def test_only_a_first_start_is_hopeless(code: int, starts: int, lived_s: float, expected: int) -> None:
    assert died(code=code, starts=starts, lived_s=lived_s)[0] == expected


def test_a_part_that_was_ready_is_never_hopeless() -> None:
    assert died(code=5, was_ready=True)[0] == 0


def test_a_part_that_dies_at_once_again_and_again_is_started_ever_more_slowly() -> None:
    for quick_deaths in range(8):
        delay_s = min(DELAY_FIRST_S * 2 ** (quick_deaths + 1), DELAY_MAX_S)
        before_s = time.monotonic()
        _, part = died(code=1, starts=9, quick_deaths=quick_deaths)
        assert before_s + delay_s <= part.start_at_s <= time.monotonic() + delay_s
    assert delay_s == DELAY_MAX_S


def test_a_part_that_has_lived_is_started_again_at_once() -> None:
    _, part = died(code=1, starts=9, lived_s=60, quick_deaths=7)
    assert part.quick_deaths == 0
    assert part.start_at_s - time.monotonic() <= DELAY_FIRST_S


def test_a_reader_that_ended_well_has_ended() -> None:
    answer, part = died(name="reader", code=0)
    assert (answer, part.ended, part.process) == (0, True, None)
