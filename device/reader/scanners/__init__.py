"""Serial scan modules: eyes that read a code by themselves and send its text. One file a family, and one line in ``SCANNERS``.

A family knows its language and nothing else: no port, no clock. ``session.py`` speaks it over a port (``port.py``),
``held.py`` makes tracks of the texts, ``loop.py`` tells the gate.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from device.errors import HardwareError
from device.settings import Scanner, ScannerModel, ScannerTrigger


@dataclass(frozen=True, slots=True)
class Request:
    """Bytes for the module. ``answered``: it answers them, and nothing else is asked before."""

    data: bytes
    answered: bool = True


@dataclass(frozen=True, slots=True)
class Answer:
    """What the module said to the last request, without its frame."""

    content: bytes


Talk: TypeAlias = Generator[Request, bytes, None]
"""A conversation: yields each request and is sent the content of its answer, empty where it has none."""


class ScanModule(Protocol):
    """One family's language, from the opening of its port to the closing: bytes in, texts and answers out.

    ``failures`` counts what was thrown away: texts that are too long, broken answers, pieces of something.
    ``host``: it reads only when ``ask`` triggers it. ``silent``: it never answers anything, so that nobody can know
    whether it is well. ``stop`` ends a reading that was triggered, and may be empty.
    """

    @property
    def failures(self) -> int: ...

    @property
    def host(self) -> bool: ...

    @property
    def silent(self) -> bool: ...

    @property
    def stop(self) -> bytes: ...

    def set_up(self) -> Talk:
        """Make the module what the settings say, and see that it is. Changes its flash only where that must be.

        Raises:
            HardwareError: it does not take a setting.
        """

    def ask(self) -> Talk:
        """A sign of life, asked for every two seconds; in host mode also the next reading.

        Raises:
            ScannerError: it is not as it was set up.
        """

    def asked(self, *, quiet: bool) -> None:
        """A request that is answered was sent. ``quiet``: again, and nothing has come for so long that no text can be under way."""

    def heard(self, data: bytes) -> list[bytes | Answer]:
        """What is complete with ``data``, in order: texts as exact bytes, and answers."""

    def begin(self) -> None:
        """What is under way now is no text: its beginning was not seen, or came under other settings."""


@dataclass(frozen=True, slots=True)
class _Entry:
    factory: str  # "module:function", resolved only when it is chosen; function(host=bool) -> ScanModule
    setup_codes: str  # what is true of the printed codes that set the module up, once it was set up by us


SCANNERS: dict[ScannerModel, _Entry] = {
    ScannerModel.GM65: _Entry("device.reader.scanners.gm65:open_gm65", "set-up codes are off, as read back"),
    ScannerModel.HONEYWELL: _Entry("device.reader.scanners.honeywell:open_honeywell", "set-up codes are as the module was left"),
    ScannerModel.TERMINATED: _Entry("device.reader.scanners.terminated:open_terminated", "it cannot be asked anything: show it a code"),
}


def open_scanner(settings: Scanner) -> ScanModule:
    """The language of the module that the settings name, at its beginning.

    Raises:
        HardwareError: none is named.
    """
    module, _, function = _entry(settings).factory.partition(":")
    make: Callable[..., ScanModule] = getattr(importlib.import_module(module), function)
    return make(host=settings.trigger is ScannerTrigger.HOST)


def setup_codes(settings: Scanner) -> str:
    """What is known of the module's printed set-up codes after it was set up."""
    return _entry(settings).setup_codes


def _entry(settings: Scanner) -> _Entry:
    if settings.model is None:
        raise HardwareError("no scan module is chosen", hint=f"set scanner.model to one of {', '.join(SCANNERS)}")
    return SCANNERS[settings.model]
