from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from device import failsafe
from device.errors import StoreError
from device.gate.latch import Latch
from device.turnstile.freedom import Cause
from device.turnstile.machine import Service
from tests.device.strangers import needs_root

NEITHER, LATCHED, ORDERED = (False, False), (True, False), (False, True)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    (tmp_path / "state").mkdir()
    return tmp_path / "state"


@pytest.fixture
def runtime(tmp_path: Path) -> Path:
    (tmp_path / "run").mkdir()
    return tmp_path / "run"


def test_a_gate_that_never_was_free_is_not_latched(runtime: Path, state: Path) -> None:
    assert Latch(runtime, state).read() == NEITHER


@pytest.mark.parametrize(
    ("cause", "after"),
    [
        (Cause.FIRE, LATCHED),
        (Cause.BREAK_GLASS, LATCHED),
        (Cause.LATCHED, LATCHED),
        (Cause.ORDER, ORDERED),
        (Cause.KEY, NEITHER),  # the key itself tells
    ],
)
def test_why_the_lane_is_free_is_known_after_a_crash_without_the_disk(runtime: Path, state: Path, cause: Cause, after: tuple[bool, bool]) -> None:
    Latch(runtime, state).mark(cause)
    assert Latch(runtime, state).read() == after
    assert failsafe.must_be_free(state, runtime)
    assert list(state.iterdir()) == []


def test_a_lane_that_is_no_longer_free_is_not_after_a_crash(runtime: Path, state: Path) -> None:
    latch = Latch(runtime, state)
    latch.mark(Cause.FIRE)
    latch.mark(None)
    latch.mark(None)
    assert (Latch(runtime, state).read(), failsafe.must_be_free(state, runtime), list(runtime.iterdir())) == (NEITHER, False, [])


def test_each_cause_replaces_the_one_before(runtime: Path, state: Path) -> None:
    latch = Latch(runtime, state)
    for cause in (Cause.KEY, Cause.FIRE, Cause.LATCHED, Cause.ORDER):
        latch.mark(cause)
    assert (Latch(runtime, state).read(), [path.name for path in runtime.iterdir()]) == (ORDERED, [failsafe.FREE])


def test_a_latch_that_was_kept_outlives_a_loss_of_power_until_it_is_reset(runtime: Path, state: Path) -> None:
    latch = Latch(runtime, state)
    assert latch.read() == NEITHER
    latch.mark(Cause.FIRE)
    assert latch.keep(latched=True)
    (runtime / failsafe.FREE).unlink()  # as a power cut does, which empties the runtime folder
    after = Latch(runtime, state)
    assert (after.read(), failsafe.must_be_free(state, runtime)) == (LATCHED, True)
    assert after.keep(latched=False)
    assert (Latch(runtime, state).read(), failsafe.must_be_free(state, runtime)) == (NEITHER, False)


def test_a_fire_that_only_memory_knew_is_kept_by_the_next_life(runtime: Path, state: Path) -> None:
    Latch(runtime, state).mark(Cause.FIRE)
    latch = Latch(runtime, state)
    assert latch.read() == LATCHED
    assert latch.keep(latched=True)
    assert (state / failsafe.LATCHED).exists()


def test_what_is_kept_already_costs_no_disk(runtime: Path, state: Path) -> None:
    latch = Latch(runtime, state)
    latch.read()
    state.rmdir()
    assert latch.keep(latched=False)


def test_a_disk_that_will_not_do_is_told_once_and_tried_again(runtime: Path, state: Path, caplog: pytest.LogCaptureFixture) -> None:
    latch = Latch(runtime, state)
    latch.read()
    state.rmdir()
    with caplog.at_level(logging.ERROR):
        assert [latch.keep(latched=True) for _ in range(5)] == [False] * 5
    assert [record.getMessage().partition(": ")[0] for record in caplog.records] == [f"{state / failsafe.LATCHED} cannot be written"]
    state.mkdir()
    assert latch.keep(latched=True)
    assert Latch(runtime, state).read() == LATCHED


def test_a_reset_is_kept_though_the_disk_failed_half_way_through_the_latch(runtime: Path, state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    latch = Latch(runtime, state)
    latch.read()
    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", fails)
        assert not latch.keep(latched=True)
    assert (state / failsafe.LATCHED).exists()
    assert latch.keep(latched=False)
    assert Latch(runtime, state).read() == NEITHER


def test_memory_that_cannot_be_written_is_told_and_stops_nobody(runtime: Path, state: Path, caplog: pytest.LogCaptureFixture) -> None:
    runtime.rmdir()
    with caplog.at_level(logging.ERROR):
        Latch(runtime, state).mark(Cause.FIRE)
    assert [record.getMessage().partition(": ")[0] for record in caplog.records] == [f"{runtime / failsafe.FREE} cannot be written"]


# --- what cannot be known --------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"", b"\xff", b"fir", b"fire\n"])
def test_a_file_that_does_not_say_why_is_not_guessed_about(runtime: Path, state: Path, content: bytes) -> None:
    (runtime / failsafe.FREE).write_bytes(content)
    with pytest.raises(StoreError) as caught:
        Latch(runtime, state).read()
    assert str(caught.value) == (
        f"{runtime / failsafe.FREE} does not say why the lane is free\n"
        "  → the lane stands free meanwhile; delete the file if nobody has to be let out"
    )


def test_a_folder_that_cannot_be_read_is_not_guessed_about(runtime: Path, state: Path) -> None:
    (runtime / failsafe.FREE).mkdir()
    with pytest.raises(StoreError) as caught:
        Latch(runtime, state).read()
    assert str(caught.value) == (
        f"{runtime / failsafe.FREE} or {state / failsafe.LATCHED} cannot be read: [Errno 21] Is a directory: '{runtime / failsafe.FREE}'\n"
        "  → the gate's user must own both folders"
    )


READ = """
import sys
from pathlib import Path
from device.errors import StoreError
from device.gate.latch import Latch
try:
    print(Latch(Path(sys.argv[1]), Path(sys.argv[2])).read())
except StoreError as error:
    print(error.what)
"""


@needs_root
@pytest.mark.parametrize("closed", ["run", "state"])
def test_a_folder_of_another_user_is_not_guessed_about(runtime: Path, state: Path, tmp_path: Path, closed: str) -> None:
    os.chown(tmp_path / closed, 65534, 65534)
    (tmp_path / closed).chmod(0o700)
    ordinary = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]  # root without root's keys to other people's folders
    done = subprocess.run([*ordinary, sys.executable, "-c", READ, str(runtime), str(state)], capture_output=True, text=True, timeout=20, check=True)
    assert done.stdout.startswith(f"{runtime / failsafe.FREE} or {state / failsafe.LATCHED} cannot be read: [Errno 13] Permission denied: ")


def test_that_the_gate_did_not_serve_is_known_after_a_crash_and_forgotten_with_the_power(runtime: Path, state: Path) -> None:
    assert Latch(runtime, state).service() is Service.NORMAL
    Latch(runtime, state).mark(None, Service.SETUP)
    assert Latch(runtime, state).service() is Service.SETUP
    (runtime / "service").write_text("nonsense", encoding="ascii")
    assert Latch(runtime, state).service() is Service.NORMAL
    Latch(runtime, state).mark(None, Service.NORMAL)
    assert list(runtime.iterdir()) == []
