"""The command itself, at a folder and at the gate process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from device import status
from device.clock import boot_id, monotonic_ns
from device.domain import EventType, Track
from device.errors import SettingsError
from device.gate.status_file import NAME, process_started
from device.links import BrokerState, EyesState, ReaderState
from device.turnstile.lane import Sensor
from tests.device.gate.desk import Desk
from tests.device.status.last_word import file, gate
from tests.device.strangers import needs_root, open_folder, somebody_else
from tests.gates import Gate, show
from tests.played_pins import PlayedPins

WITHIN_S = 30.0
"""On a machine that is busy with other tests."""


@pytest.fixture
def here(tmp_path: Path) -> Gate:
    """Settings and a runtime folder; nothing runs."""
    here = Gate(tmp_path / "gate")
    here.runtime.mkdir()
    return here


def write(here: Gate, **told: Any) -> None:
    """As this process would write it, were it the gate."""
    process = {"pid": os.getpid(), "started": process_started(os.getpid())}
    (here.runtime / NAME).write_text(json.dumps(file(process=process, boot=boot_id(), at_ns=monotonic_ns(), **told)), encoding="ascii")


def run(here: Gate, *, as_json: bool = False, watch: bool = False, stopping: Event | None = None) -> int:
    return status.run(Namespace(settings=here.folder, json=as_json, watch=watch), stopping or Event())


@pytest.mark.parametrize(("health", "code"), [("ok", 0), ("degraded", 1), ("out_of_order", 1), ("free", 1)])
def test_the_exit_code_says_whether_all_is_well(here: Gate, capsys: pytest.CaptureFixture[str], health: str, code: int) -> None:
    write(here, gate=gate(health={"health": health, "troubles": []}))
    assert run(here) == code
    assert capsys.readouterr().out.startswith("gate g1 (p1/s1): ")


def test_a_gate_that_does_not_run_is_exit_code_6(here: Gate, capsys: pytest.CaptureFixture[str]) -> None:
    codes = [run(here)]
    write(here, stopped=True)
    codes.append(run(here))
    (here.runtime / NAME).write_bytes(b"")
    codes.append(run(here))
    told = [line for line in capsys.readouterr().out.splitlines() if line.startswith("gate g1 ")]
    assert codes == [6, 6, 6]
    assert told == [
        "gate g1 (p1/s1): it does not run, and has not since this machine started",
        "gate g1 (p1/s1): it does not run: somebody has stopped it",
        f"gate g1 (p1/s1): {here.runtime / NAME} is empty",
    ]


def test_settings_that_are_missing_are_told_as_ever(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no such file"):
        status.run(Namespace(settings=tmp_path, json=False, watch=False), Event())


@needs_root
def test_settings_that_may_not_be_read_are_told_with_who_may() -> None:
    with open_folder() as folder:
        here = Gate(folder / "gate")
        here.folder.chmod(0o700)
        with somebody_else(), pytest.raises(SettingsError) as caught:
            run(here)
    assert f"{here.folder}/gate.toml:1: may not be read by you (root may, and members of the group qrgate: sudo)" in str(caught.value)


def test_json_holds_all_that_the_gate_told(here: Gate, capsys: pytest.CaptureFixture[str]) -> None:
    write(here)
    assert run(here, as_json=True) == 0
    told = json.loads(capsys.readouterr().out)
    assert told.pop("age_s") >= 0
    assert told == {"ok": True, "life": "runs", "what": "it runs", "hint": "", "gate": gate()}


class Looks(Event):
    """Whoever watches is stopped after so many looks; between two of them something happens."""

    def __init__(self, *between: Callable[[], object]) -> None:
        super().__init__()
        self._between = list(between)

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout == status.EVERY_S
        if not self._between:
            return True
        self._between.pop(0)()
        return False


def test_whoever_watches_sees_it_change_and_the_last_look_counts(here: Gate, capsys: pytest.CaptureFixture[str]) -> None:
    write(here)
    looks = Looks(lambda: write(here, stopped=True), (here.runtime / NAME).unlink)
    assert run(here, as_json=True, watch=True, stopping=looks) == 6
    assert [json.loads(line)["life"] for line in capsys.readouterr().out.splitlines()] == ["runs", "stopped", "never"]


def test_between_two_looks_that_do_not_go_to_a_terminal_is_an_empty_line(here: Gate, capsys: pytest.CaptureFixture[str]) -> None:
    write(here)
    run(here)
    once = capsys.readouterr().out
    assert run(here, watch=True, stopping=Looks(lambda: None)) == 0
    assert capsys.readouterr().out == f"{once}\n{once}"


# --- at the gate process ---------------------------------------------------------------------------------------


def asked(here: Gate, *options: str) -> tuple[int, str]:
    """Exit code and stdout of `qrgate status`."""
    command = [sys.executable, "-m", "device", "status", "--settings", str(here.folder), *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=WITHIN_S, check=False)
    assert done.stderr == ""
    return done.returncode, done.stdout


def until(here: Gate, wanted: Callable[[dict[str, Any]], bool]) -> tuple[int, dict[str, Any]]:
    """Exit code and what `qrgate status --json` says, as soon as it is as ``wanted``: the gate writes once a second."""
    give_up_s = time.monotonic() + WITHIN_S
    while True:
        code, out = asked(here, "--json")
        if wanted(told := json.loads(out)):
            return code, told
        assert time.monotonic() < give_up_s, told
        time.sleep(0.1)  # what a file says cannot be awaited otherwise


def runs(told: dict[str, Any]) -> bool:
    return bool(told["life"] == "runs")


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[Gate, PlayedPins, Desk]]:
    """A gate with a fire contact; at the end it does not run."""
    lines = {"free_relay.pin": "18", "inputs.fire_pin": "6", "inputs.key_reset_pin": "16"}
    running = Gate(tmp_path / "gate", lines)
    with ExitStack() as stack:
        played = stack.enter_context(PlayedPins(running).start())
        yield running, played, stack.enter_context(closing(Desk(running)))
    if running.process is not None and running.process.returncode is None:
        running.process.kill()
        running.process.communicate()


def shown_to(here: Gate, payload: bytes) -> Track:
    """A reader comes, sees, and somebody holds up a code."""
    with closing(here.connect("reader")) as reader:
        assert reader.send(ReaderState(EyesState.OK, frames=1, dropped=0, looks=1, failures=0))
        track = here.track(payload)
        show(reader, track)
        until(here, lambda told: told["gate"]["eyes"] == "ok" and told["gate"]["last"]["decision_s"] is not None)
        return track


def test_what_the_gate_tells_is_so(running: tuple[Gate, PlayedPins, Desk]) -> None:
    here, played, desk = running
    code, told = until(here, runs)
    assert code == (0 if told["ok"] else 1)  # that it has no reader is told after a while
    assert told["gate"]["last"] == {"frame_s": None, "decision_s": None, "confirmation_s": None}
    assert not told["gate"]["broker"]["connected"]
    track = shown_to(here, here.issuer.issue(1))
    assert desk.decisions(1) == [(track.id, True, "ok")]
    desk.confirm(desk.ask(0)[:1], here.recorder)
    assert desk.link.send(BrokerState(connected=True))
    code, told = until(here, lambda told: told["gate"]["broker"]["connected"] and told["gate"]["last"]["confirmation_s"] is not None)
    assert told["gate"]["last"]["frame_s"] is not None
    assert told["gate"]["store"]["unconfirmed"] == told["gate"]["store"]["last_sequence"] - 1
    played.move(Sensor.FIRE, closed=False)
    code, told = until(here, lambda told: told["gate"]["health"]["health"] == "free")
    assert (code, told["ok"], told["gate"]["lane"]["free_by"]) == (1, False, "fire")
    assert asked(here)[1].startswith("gate g1 (p1/s1): the lane stands free\n\nfree ")
    words = (here.runtime / NAME).read_text(encoding="ascii")
    assert [each for each in (track.id, desk.data(EventType.DECISION, 1)[0].get("pseudonym", track.id)) if each in words] == []


def test_a_gate_that_was_killed_hangs_or_was_stopped_does_not_run(running: tuple[Gate, PlayedPins, Desk]) -> None:
    here, _, desk = running
    assert here.process is not None
    until(here, runs)
    here.process.send_signal(signal.SIGSTOP)
    code, told = until(here, lambda told: not runs(told))
    assert (code, told["life"]) == (6, "silent")
    here.process.send_signal(signal.SIGCONT)
    until(here, runs)
    desk.close()
    here.process.kill()
    os.waitid(os.P_PID, here.process.pid, os.WEXITED | os.WNOWAIT)
    code, told = until(here, lambda _told: True)
    assert (code, told["life"], told["what"]) == (6, "died", "it does not run: it was killed or broke down")
    here.process.communicate()
    assert asked(here)[1].startswith("gate g1 (p1/s1): it does not run: ")
    here.start()
    until(here, runs)
    assert "Traceback" not in here.stop()
    code, told = until(here, lambda _told: True)
    assert (code, told["life"]) == (6, "stopped")
