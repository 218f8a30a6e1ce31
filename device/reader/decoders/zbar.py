"""zbar: the second opinion, and the only one where zxing-cpp has no wheel.

Called through the functions that pyzbar declares, not through ``pyzbar.decode``, which has no switch for binary
mode, and which raises ValueError for a whole frame when one symbol in it is part of a structured-append set.
Without binary mode zbar guesses a charset and eats bytes (decoding.md section 6).
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pyzbar import wrapper

from device.domain import Corners
from device.errors import HardwareError
from device.reader.decoders import Sight, Symbol
from device.reader.frame import Luma

# zbar.h
QRCODE = 64  # the type of a whole QR code; a part of a structured-append set alone has type PARTIAL and is left out
ALL = 0
CFG_ENABLE, CFG_BINARY, CFG_TEST_INVERTED = 0, 4, 0x81
GREY = int.from_bytes(b"Y800", "little")


class Zbar:
    """QR codes only: the linear formats cost 2-4 times as much and had memory errors (CVE-2023-40890)."""

    def __init__(self, *, inverted: bool) -> None:
        """Raises HardwareError where libzbar is too old for binary mode."""
        self._switches = [(ALL, CFG_ENABLE, 0), (QRCODE, CFG_ENABLE, 1), (QRCODE, CFG_BINARY, 1)]
        if inverted:
            self._switches.append((ALL, CFG_TEST_INVERTED, 1))
        with self._scanner():
            pass

    def read(self, luma: Luma) -> Sight:
        """The codes of ``luma``, which is copied once (13 us at 1280x720)."""
        height, width = luma.shape
        pixels = luma.tobytes()
        with self._scanner() as scanner, _picture(pixels, width, height) as picture:
            if wrapper.zbar_scan_image(scanner, picture) <= 0:
                return Sight()
            return Sight(tuple(_symbol(each) for each in _symbols(picture) if each.contents.type == QRCODE))

    @contextmanager
    def _scanner(self) -> Iterator[Any]:
        """A scanner for one picture: 27 us, and no state of one frame can reach the next."""
        scanner = wrapper.zbar_image_scanner_create()
        if not scanner:
            raise MemoryError
        try:
            for switch in self._switches:
                if wrapper.zbar_image_scanner_set_config(scanner, *switch) != 0:
                    raise HardwareError("this libzbar has no binary mode", hint="apt install libzbar0 (0.23.1 or newer)")
            yield scanner
        finally:
            wrapper.zbar_image_scanner_destroy(scanner)


@contextmanager
def _picture(pixels: bytes, width: int, height: int) -> Iterator[Any]:
    picture = wrapper.zbar_image_create()
    if not picture:
        raise MemoryError
    try:
        wrapper.zbar_image_set_format(picture, GREY)
        wrapper.zbar_image_set_size(picture, width, height)
        wrapper.zbar_image_set_data(picture, ctypes.cast(ctypes.c_char_p(pixels), ctypes.c_void_p), len(pixels), None)
        yield picture
    finally:
        wrapper.zbar_image_destroy(picture)


def _symbols(picture: Any) -> Iterator[Any]:
    symbol = wrapper.zbar_image_first_symbol(picture)
    while symbol:
        yield symbol
        symbol = wrapper.zbar_symbol_next(symbol)


def _symbol(symbol: Any) -> Symbol:
    payload = ctypes.string_at(wrapper.zbar_symbol_get_data(symbol), wrapper.zbar_symbol_get_data_length(symbol))
    points = [(float(wrapper.zbar_symbol_get_loc_x(symbol, i)), float(wrapper.zbar_symbol_get_loc_y(symbol, i))) for i in range(4)]
    top_left, bottom_left, bottom_right, top_right = points  # zbar goes round the other way
    return Symbol(payload, Corners((top_left, top_right, bottom_right, bottom_left)))


def open_zbar(*, thorough: bool, inverted: bool = True, one_threshold: bool = False) -> Zbar:  # noqa: ARG001 - it has no thresholds
    return Zbar(inverted=thorough and inverted)
