"""Display and voice together, where they are fitted: what tells people in words.

Neither is imported where the settings want none: both are options that cost a plain gate nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Protocol

from device.domain import Reason
from device.settings import DisplayKind, Settings
from device.turnstile.signals import Signal


class Tells(Protocol):
    def __call__(self, signal: Signal, reason: Reason | None = None, number: int | None = None) -> None: ...


class Telling:
    """Nothing, a display, a voice, or both. Each has a thread of its own: no call here waits."""

    def __init__(self) -> None:
        self._tells: list[Tells] = []
        self._closing = ExitStack()

    def add(self, tells: Tells, close: Callable[[], None]) -> None:
        self._tells.append(tells)
        self._closing.callback(close)

    def tell(self, signal: Signal, reason: Reason | None = None, number: int | None = None) -> None:
        """``reason`` is the decision's (its hint, where it admits), ``number`` the sequence of the event that says why."""
        for tells in self._tells:
            tells(signal, reason, number)

    def close(self) -> None:
        self._closing.close()


def open_telling(settings: Settings, broken: Callable[[str, str], None]) -> Telling:
    """What the settings name. ``broken("display" or "voice", why)`` is called by another thread, once each time one breaks.

    Raises:
        HardwareError: a driver, pictures or recordings are missing. Nothing stays open then.
    """
    telling = Telling()
    try:
        if settings.display.kind is not DisplayKind.NONE:
            from device.gate.outputs.display import open_display  # noqa: PLC0415 - only where there is one

            if display := open_display(settings, lambda why: broken("display", why)):
                telling.add(display.tell, display.close)
        if settings.voice.speaks:
            from device.gate.outputs.voice import open_voice  # noqa: PLC0415 - the same

            if voice := open_voice(settings, lambda why: broken("voice", why)):
                telling.add(lambda signal, reason=None, number=None: voice.say(signal, reason), voice.close)  # noqa: ARG005 - numbers are not spoken
    except BaseException:
        telling.close()
        raise
    return telling
