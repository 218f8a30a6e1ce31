"""A decoder that dies takes the reader along, and nothing else; and the reader is back soon, or ever more slowly."""

from __future__ import annotations

import os
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from device.clock import monotonic_ns
from device.domain import EventType
from device.launch import DELAY_FIRST_S, DELAY_MAX_S
from tests.device.boards import ON, Board
from tests.device.complete import complete
from tests.device.reader.pictures import code, scene
from tests.gates import Gate, Issuer
from tests.hostile.aborting import POSTER
from tests.hostile.films import film
from tests.hostile.records import recorded

EMPTY_S = 4.0
"""From the start of the launcher to the poster: so long may the three take to be there."""

BACK_S = 3.0
"""The promise: so long after the crash the next person's code was read, decided, and the turnstile released."""

POSTED_S = 6.0
STARTS_MAX = 5
"""In that time, on a machine that starts the reader in no time: the delays alone add up to 6.2 s after five."""

WIDTH, HEIGHT = 640, 480
EMPTY, POSTED, HELD_UP = range(3)


@pytest.fixture
def board() -> Iterator[Board]:
    with Board() as board:
        yield board


@contextmanager
def launched(folder: Path, board: Board, shots: list[tuple[int, float]]) -> Iterator[tuple[Gate, subprocess.Popen[str]]]:
    """The three processes with a reader that the poster kills; it is shown ``shots``, from now on."""
    passes = code(Issuer().issue(1), scale=3)
    pictures = [
        scene(width=WIDTH, height=HEIGHT),
        scene(code(POSTER, scale=6), width=WIDTH, height=HEIGHT),
        scene(passes, width=WIDTH, height=HEIGHT),
    ]
    gate, _ = complete(
        folder,
        board,
        reader__path=f'"{film(folder / "film", pictures, shots)}"',
        reader__loop="false",
        reader__started_ns=str(monotonic_ns()),
        relay__pulse_s="0.2",
        relay__max_on_s="0.5",
    )
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-m", "tests.hostile.launch", str(folder)], stderr=log, text=True)
    try:
        yield gate, process
    finally:
        process.terminate()
        process.wait(15)


def part(launcher: subprocess.Popen[str], name: str, *, other_than: int = 0, within_s: float = 10) -> int:
    """The process id of one part, once it runs."""
    give_up_s = time.monotonic() + within_s
    while time.monotonic() < give_up_s:
        for child in Path(f"/proc/{launcher.pid}/task/{launcher.pid}/children").read_text(encoding="ascii").split():
            try:
                words = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if name.encode() in words and int(child) != other_than:
                return int(child)
        time.sleep(0.005)  # there is no event for "a process appeared"
    raise AssertionError(name)


def await_end(process_id: int, *, within_s: float) -> float:
    """When the process ended."""
    descriptor = os.pidfd_open(process_id)
    try:
        assert select.select([descriptor], [], [], within_s)[0], "it lives on"
        return time.monotonic()
    finally:
        os.close(descriptor)


def reasons(gate: Gate) -> list[str]:
    return [data["reason"] for data in recorded(gate, EventType.DECISION)]


def camera_alarms(gate: Gate) -> list[str]:
    return [data["state"] for data in recorded(gate, EventType.ALARM) if data["what"] == "camera"]


def test_a_crashed_reader_reads_the_next_person_within_three_seconds_and_the_gate_never_noticed(tmp_path: Path, board: Board) -> None:
    with launched(tmp_path / "gate", board, [(EMPTY, EMPTY_S), (POSTED, 0.4), (HELD_UP, 8)]) as (gate, launcher):
        gate_id, reader_id = part(launcher, "gate"), part(launcher, "reader")
        crashed_s = await_end(reader_id, within_s=EMPTY_S + 5)
        assert ON not in board.switched()
        switched = board.switched(within_s=BACK_S)
        while ON not in switched:
            news = board.switched(within_s=max(0.0, crashed_s + BACK_S - time.monotonic()))
            assert news, (gate.folder / "log").read_text("utf-8")
            switched += news
        back_s = time.monotonic() - crashed_s
        assert part(launcher, "gate") == gate_id
        part(launcher, "reader", other_than=reader_id)
        assert (reasons(gate), camera_alarms(gate)) == (["ok"], [])
    print(f"\nfrom the crash of the decoder to the open turnstile: {back_s:.2f} s")
    assert back_s < BACK_S


def test_a_poster_that_kills_the_reader_again_and_again_is_met_ever_more_slowly_and_the_gate_says_so(tmp_path: Path, board: Board) -> None:
    """The bound: after the delays of the first seconds, one start each 5 s and what a start takes. When it is taken down, people are read again."""
    with launched(tmp_path / "gate", board, [(EMPTY, EMPTY_S), (POSTED, POSTED_S), (HELD_UP, 20)]) as (gate, launcher):
        gate_id = part(launcher, "gate")
        switched: list[tuple[int, int]] = []
        while ON not in switched:
            news = board.switched(within_s=EMPTY_S + POSTED_S + DELAY_MAX_S + BACK_S)
            assert news, (gate.folder / "log").read_text("utf-8")
            switched += news
        assert part(launcher, "gate") == gate_id
        words, decided, alarms = (gate.folder / "log").read_text("utf-8"), reasons(gate), camera_alarms(gate)
    delays_s = [float(each) for each in re.findall(r"reader ended \(SIGABRT\) after [\d.]+ s; it starts again in ([\d.]+) s", words)]
    assert delays_s == [min(DELAY_FIRST_S * 2**number, DELAY_MAX_S) for number in range(1, len(delays_s) + 1)]
    assert (3 <= len(delays_s) <= STARTS_MAX, decided, alarms[:1]) == (True, ["ok"], ["no_reader"])
