"""Tells people on a small display what lamps and buzzer tell, with words: what to show instead, whom to call.

It has a thread of its own, because writing a picture takes up to 0.2 s (ST7789 at 8 MHz). Nobody waits for it, and a
display that breaks disturbs nothing else: it is told once, and tried again every half minute.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from device.clock import NS, monotonic_ns
from device.domain import Reason
from device.gate.outputs.pictures import Foot, Pictures, Pixels, load
from device.gate.outputs.screen import Screen, opener, panel
from device.settings import DisplayKind, Settings
from device.turnstile.signals import STANDING, Signal
from device.turnstile.words import Line, line

log = logging.getLogger("qrgate.gate")

SHOWN_S = 6.0
"""An answer stays so long: both languages once, and the first again."""
PAGE_S = 2.0
RETRY_S = 30.0


@dataclass(frozen=True, slots=True)
class Pace:
    """How long an answer stays, one of its pages stays, and a broken display is left alone."""

    shown_s: float = SHOWN_S
    page_s: float = PAGE_S
    retry_s: float = RETRY_S


@dataclass(frozen=True, slots=True, eq=False)
class _Told:
    """Compared by identity: the same words for the next person are new words."""

    line: Line
    number: int | None
    until_ns: int | None  # None: it stands

    def is_over(self, now_ns: int) -> bool:
        return self.until_ns is not None and now_ns >= self.until_ns


class Display:
    """Begins to show when made. ``tell`` and ``close`` may be called by any thread."""

    def __init__(
        self, open_screen: Callable[[], Screen], pictures: Pictures, foot: Foot, broken: Callable[[str], None], pace: Pace | None = None
    ) -> None:
        self._open_screen = open_screen
        self._pictures = pictures
        self._foot = foot
        self._broken = broken
        self._pace = pace or Pace()
        self._told = threading.Condition()
        self._standing = _Told(line(Signal.DARK), None, None)
        self._answer: _Told | None = None
        self._closing = False
        # the thread's own
        self._screen: Screen | None = None
        self._is_broken = False
        self._retry_ns = 0
        self._shown: _Told | None = None
        self._pages: list[Pixels] = []
        self._turns = 0
        self._turn_ns = 0
        self._thread = threading.Thread(target=self._run, name="display", daemon=True)
        self._thread.start()

    def tell(self, signal: Signal, reason: Reason | None = None, number: int | None = None) -> None:
        """Show ``signal``; returns at once. Newest wins: what was not shown yet never will be.

        ``reason`` is the decision's (its hint, where it admits), ``number`` the event's sequence. A signal about the gate
        itself stands until the next of its kind or ``DARK``, and comes back after a person was answered.
        """
        told = line(signal, reason)
        with self._told:
            if signal in STANDING or signal is Signal.DARK:
                self._standing = _Told(told, number, None)
            else:
                self._answer = _Told(told, number, monotonic_ns() + int(self._pace.shown_s * NS))
            self._told.notify()

    def close(self) -> None:
        """Dark, and no more; bounded, also where the bus hangs."""
        with self._told:
            self._closing = True
            self._told.notify()
        self._thread.join(timeout=2.0)

    # --- the thread --------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            now_ns = monotonic_ns()
            with self._told:
                if self._closing:
                    break
                told = self._due(now_ns)
            wake_ns = self._show(told, now_ns)
            with self._told:
                if self._is_still(told):
                    self._told.wait(None if wake_ns is None else max(wake_ns - monotonic_ns(), 0) / NS)
        self._let_go()

    def _due(self, now_ns: int) -> _Told:
        """What is to be seen now. With the lock held."""
        if self._answer and self._answer.is_over(now_ns):
            self._answer = None
        return self._answer or self._standing

    def _is_still(self, told: _Told) -> bool:
        """Did nothing new come while it was written? With the lock held."""
        return not self._closing and self._due(monotonic_ns()) is told

    def _show(self, told: _Told, now_ns: int) -> int | None:
        """Bring the screen up to date; when to look again, ``None`` where only new words change anything."""
        if self._screen is None and now_ns < self._retry_ns:
            return self._retry_ns
        try:
            self._write(told, now_ns)
        except Exception as error:  # noqa: BLE001 - drivers share no root, and none may end this thread
            self._break(error)
            return self._retry_ns
        if self._is_broken:
            self._is_broken = False
            log.info("the display works again")
        moments = [self._turn_ns] if len(self._pages) > 1 else []
        return min([*moments, told.until_ns]) if told.until_ns is not None else min(moments, default=None)

    def _write(self, told: _Told, now_ns: int) -> None:
        if self._screen is None:
            self._screen = self._open_screen()
            self._shown = None
        if told is not self._shown:
            self._pages = self._pictures.finished(told.line, self._foot, told.number)
            self._screen.dim(dimmed=told.line.signal is Signal.DARK)
            self._turns = 0
        elif len(self._pages) == 1 or now_ns < self._turn_ns:
            return
        self._screen.show(self._pages[self._turns % len(self._pages)], self._pictures.palette)
        self._shown = told
        self._turns += 1
        self._turn_ns = now_ns + int(self._pace.page_s * NS)

    def _break(self, error: Exception) -> None:
        self._let_go()
        self._retry_ns = monotonic_ns() + int(self._pace.retry_s * NS)
        if not self._is_broken:
            self._is_broken = True
            log.error("the display does not work: %s", error)
            self._broken(str(error))

    def _let_go(self) -> None:
        if self._screen:
            with suppress(Exception):
                self._screen.close()
        self._screen = None


def open_display(settings: Settings, broken: Callable[[str], None]) -> Display | None:
    """The display that the settings name; ``None`` where there is none. ``broken`` is told, by another thread, why it does not work.

    Raises:
        HardwareError: its driver or its pictures are missing. A display that does not answer is only told: people pass without it.
    """
    if settings.display.kind is DisplayKind.NONE:
        return None
    pictures = load(panel(settings.display))
    return Display(opener(settings), pictures, Foot(settings.display.hotline, settings.site.gate), broken)
