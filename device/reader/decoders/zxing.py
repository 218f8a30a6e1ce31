"""zxing-cpp: the best reader, and the cheapest (decoding.md section 2)."""

from __future__ import annotations

import zxingcpp

from device.domain import Corners
from device.reader.decoders import Symbol
from device.reader.frame import Luma

QR_CODES = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)


class Zxing:
    """QR codes only (other formats cost ten times as much and are more parser to attack), dark or light."""

    def __init__(self, *, downscale: bool) -> None:
        self._downscale = downscale

    def read(self, luma: Luma) -> list[Symbol]:
        """The codes of ``luma``, which is not copied. ``.bytes``, never ``.text``: a charset is a guess."""
        found = zxingcpp.read_barcodes(
            luma,
            formats=QR_CODES,
            try_rotate=False,  # turns the rows of linear codes; a QR code is found in any direction
            try_downscale=self._downscale,
            try_invert=True,
        )
        return [Symbol(code.bytes, _corners(code.position)) for code in found if code.valid]


def _corners(at: zxingcpp.Position) -> Corners:
    top_left, top_right, bottom_right, bottom_left = at.top_left, at.top_right, at.bottom_right, at.bottom_left
    return Corners(((top_left.x, top_left.y), (top_right.x, top_right.y), (bottom_right.x, bottom_right.y), (bottom_left.x, bottom_left.y)))


def open_zxing(*, thorough: bool) -> Zxing:
    return Zxing(downscale=thorough)
