"""Decoders, one file a library, behind one protocol. A new one is one file and one line in ``DECODERS``."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from device.domain import Corners
from device.errors import HardwareError
from device.reader.decoders import selftest
from device.reader.frame import Luma

PAYLOAD_MAX = 4296
"""Bytes. The most that a QR code (version 40-L) holds of what a credential is written in, alphanumeric text."""


@dataclass(frozen=True, slots=True)
class Symbol:
    """One code that was read: its exact bytes, and where it stood in the picture given, in pixels."""

    payload: bytes = field(repr=False)
    corners: Corners


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A symbol that was found and could not be read: about where, in pixels, and its ``modules`` a side; 0 where that is not known."""

    corners: Corners
    modules: int = 0


@dataclass(frozen=True, slots=True)
class Sight:
    """What one decoder made of one picture."""

    symbols: tuple[Symbol, ...] = ()
    unread: tuple[Unreadable, ...] = ()

    def scaled(self, scale: float, left: float = 0.0, top: float = 0.0) -> Sight:
        """The same in another picture: enlarged ``scale`` times, then moved by ``left`` and ``top`` pixels."""
        if scale == 1 and left == top == 0:
            return self
        return Sight(
            tuple(Symbol(each.payload, each.corners.scaled(scale, left, top)) for each in self.symbols),
            tuple(Unreadable(each.corners.scaled(scale, left, top), each.modules) for each in self.unread),
        )


class Decoder(Protocol):
    """Reads QR codes from a luma picture. Whatever the pixels are, it returns; an error is the caller's to count."""

    def read(self, luma: Luma) -> Sight: ...


@dataclass(frozen=True, slots=True)
class _Entry:
    factory: str  # "module:function", resolved only when it is chosen; function(thorough=bool, inverted=bool, one_threshold=bool) -> Decoder
    install: str


DECODERS: dict[str, _Entry] = {
    "zxing": _Entry("device.reader.decoders.zxing:open_zxing", "pip install 'zxing-cpp>=3.1.1' (no wheel for 32-bit systems: use zbar there)"),
    "zbar": _Entry("device.reader.decoders.zbar:open_zbar", "apt install libzbar0 and pip install pyzbar==0.1.9"),
}


def open_decoder(name: str, *, thorough: bool, inverted: bool = True, one_threshold: bool = False) -> Decoder:
    """The decoder ``name``, proven by reading a known code; ``thorough`` also tries what costs more.

    Without ``inverted`` it reads no codes that are light on dark, which saves a third of an empty picture's cost. With ``one_threshold``
    for the whole picture it costs a third, where it has that choice, and misses codes in uneven light.

    Raises:
        HardwareError: nobody knows that name, it is not installed, or it does not read the bytes that were written.
    """
    entry = DECODERS.get(name)
    if entry is None:
        raise HardwareError(f"no decoder is called {name!r}", hint=f"set reader.decoders to some of {', '.join(DECODERS)}")
    module, _, function = entry.factory.partition(":")
    try:
        make: Callable[..., Decoder] = getattr(importlib.import_module(module), function)
    except ImportError as error:
        raise HardwareError(f"the decoder {name} cannot be loaded: {error}", hint=entry.install) from None
    decoder = make(thorough=thorough, inverted=inverted, one_threshold=one_threshold)
    read = [symbol.payload for symbol in decoder.read(selftest.picture()).symbols]
    if read != [selftest.PAYLOAD]:
        raise HardwareError(f"the decoder {name} changes the bytes of a code (self-test)", hint=f"another version is needed: {entry.install}")
    return decoder
