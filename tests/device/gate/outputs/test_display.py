"""A display with a screen that remembers what it was shown, and breaks when it is told to."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from device.config import load
from device.domain import Reason
from device.errors import HardwareError
from device.gate.outputs.display import Display, Pace, open_display
from device.gate.outputs.pictures import GLYPHS, PANELS, Foot, Pictures, Pixels
from device.settings import Display as DisplaySettings
from device.settings import DisplayKind, Settings
from device.turnstile.signals import Signal
from device.turnstile.words import LINES
from tests.gates import Gate

WAIT_S = 10.0
LONG = Pace(shown_s=600, page_s=600, retry_s=600)
NAMES = [line.name for line in LINES]


def numbered() -> Pictures:
    """Two pages a line, filled with the line's place in the table; the second is 100 more."""
    panel = PANELS[0]
    pages = {line.name: [np.full((panel.height, panel.width), at + more, dtype=np.uint8) for more in (0, 100)] for at, line in enumerate(LINES)}
    glyphs = {glyph: np.zeros((1, 1), dtype=np.uint8) for glyph in GLYPHS}
    return Pictures(panel, np.zeros((256, 3), dtype=np.uint8), pages, glyphs)


class Memory:
    """A screen. What it was shown comes out of ``seen`` as the line's name, with ``/2`` for its second page."""

    def __init__(self) -> None:
        self.seen: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.opened = 0
        self.closed = 0
        self.dimmed: list[bool] = []
        self.fails_at = ""
        self.hold = threading.Event()
        self.hold.set()

    def open(self) -> Memory:
        self.opened += 1
        if self.fails_at == "open":
            raise OSError(121, "Remote I/O error")
        return self

    def show(self, pixels: Pixels, _palette: Pixels) -> None:
        if self.fails_at == "show":
            raise OSError(121, "Remote I/O error")
        name = NAMES[pixels[0, 0] % 100] + ("/2" if pixels[0, 0] >= 100 else "")
        self.seen.put(name)
        self.hold.wait(WAIT_S)

    def dim(self, *, dimmed: bool) -> None:
        self.dimmed.append(dimmed)

    def close(self) -> None:
        self.closed += 1

    def next(self) -> str:
        return self.seen.get(timeout=WAIT_S)


@contextmanager
def running(screen: Memory, pace: Pace = LONG, broken: Callable[[str], None] = print) -> Iterator[Display]:
    display = Display(screen.open, numbered(), Foot("1022", "gate-a"), broken, pace)
    try:
        yield display
    finally:
        screen.hold.set()
        display.close()


def test_an_idle_gate_invites_and_is_dimmed_until_somebody_is_answered() -> None:
    screen = Memory()
    with running(screen) as display:
        assert screen.next() == "dark"
        display.tell(Signal.ANOTHER_CODE, Reason.PAYMENT_CODE, 12)
        assert screen.next() == "payment_code"
    assert screen.dimmed == [True, False]
    assert (screen.opened, screen.closed) == (1, 1)


def test_languages_take_turns() -> None:
    screen = Memory()
    with running(screen, Pace(shown_s=600, page_s=0.01, retry_s=600)):
        assert [screen.next() for _ in range(4)] == ["dark", "dark/2", "dark", "dark/2"]


def test_after_an_answer_what_stands_comes_back() -> None:
    screen = Memory()
    with running(screen, Pace(shown_s=0.05, page_s=600, retry_s=600)) as display:
        assert screen.next() == "dark"
        display.tell(Signal.NO, Reason.EXPIRED, 1)
        assert screen.next() == "expired"
        display.tell(Signal.OUT_OF_ORDER)
        assert screen.next() == "out_of_order"
        display.tell(Signal.NO, Reason.DENIED, 2)
        assert [screen.next(), screen.next()] == ["no", "out_of_order"]
        display.tell(Signal.DARK)
        assert screen.next() == "dark"


def test_what_stands_does_not_cut_an_answer_short() -> None:
    screen = Memory()
    with running(screen) as display:
        assert screen.next() == "dark"
        display.tell(Signal.GO)
        assert screen.next() == "go"
        display.tell(Signal.DEGRADED)
        display.tell(Signal.NO)
        assert screen.next() == "no"


def test_the_same_words_for_the_next_person_are_shown_again() -> None:
    screen = Memory()
    with running(screen) as display:
        for _ in range(3):
            display.tell(Signal.NO, None, 1)
            while screen.next() != "no":
                pass


def test_nobody_waits_for_a_slow_screen_and_the_newest_words_win() -> None:
    screen = Memory()
    screen.hold.clear()
    with running(screen) as display:
        assert screen.next() == "dark"  # and it hangs there
        for reason in (Reason.EXPIRED, Reason.NOT_YET, Reason.WIFI):
            display.tell(Signal.NO, reason)
        display.tell(Signal.GO)
        assert screen.seen.empty()
        screen.hold.set()
        assert screen.next() == "go"


@pytest.mark.parametrize("where", ["open", "show"])
def test_a_display_that_breaks_is_told_once_tried_again_and_comes_back(where: str) -> None:
    screen, told = Memory(), queue.SimpleQueue[str]()
    screen.fails_at = where
    with running(screen, Pace(shown_s=600, page_s=600, retry_s=0.01), told.put) as display:
        assert told.get(timeout=WAIT_S) == "[Errno 121] Remote I/O error"
        tries = screen.opened
        display.tell(Signal.SERVICE)
        while screen.opened < tries + 3:
            threading.Event().wait(0.01)
        screen.fails_at = ""
        while (name := screen.next()) == "dark":
            pass
        assert name == "service"
        assert told.empty()


def test_a_broken_display_is_left_alone_for_a_while() -> None:
    screen, told = Memory(), queue.SimpleQueue[str]()
    screen.fails_at = "open"
    with running(screen, LONG, told.put) as display:
        told.get(timeout=WAIT_S)
        for _ in range(100):
            display.tell(Signal.NO)
    assert screen.opened == 1


def fitted(folder: Path, display: DisplaySettings) -> Settings:
    return replace(load(Gate(folder / "gate").folder), display=display)


def test_a_gate_without_a_display_has_none(tmp_path: Path) -> None:
    assert open_display(fitted(tmp_path, DisplaySettings()), print) is None


def test_a_display_without_its_pictures_is_told_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(HardwareError) as caught:
        open_display(fitted(tmp_path, DisplaySettings(kind=DisplayKind.SSD1306, width=64, height=48)), print)
    assert caught.value.what == "there are no pictures for a display 64x48-mono"
