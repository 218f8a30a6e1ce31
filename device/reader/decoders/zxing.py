"""zxing-cpp: the best reader, and the cheapest (decoding.md section 2)."""

from __future__ import annotations

from typing import Any

import zxingcpp

from device.domain import Corners
from device.reader.decoders import Sight, Symbol, Unreadable
from device.reader.frame import Luma

QR_CODE = zxingcpp.BarcodeFormat.QRCode
QR_CODES = zxingcpp.BarcodeFormats(QR_CODE)
"""zxing-cpp takes Micro QR and rMQR for kinds of it; asked for model 2 alone it reads fewer photographs (230 of 244, not 232)."""

UNUSED_MIN = {("1", "L"): 0.4, ("1", "M"): 0.15, ("2", "L"): 0.15}
"""Version and level -> share of the error correction that must be left over. The smallest symbols may not use all of it
(ISO/IEC 18004, table 9, p codewords against misreading); zxing-cpp does, and noise then turns into a payload once in a million."""


class Zxing:
    """QR codes only (other formats cost ten times as much and are more parser to attack), dark or light."""

    def __init__(self, *, downscale: bool, inverted: bool = True, binarizer: zxingcpp.Binarizer = zxingcpp.Binarizer.LocalAverage) -> None:
        """``binarizer`` says what is dark: what is darker than the surroundings, or than one threshold for the picture."""
        self._downscale = downscale
        self._inverted = inverted
        self._binarizer = binarizer

    def read(self, luma: Luma) -> Sight:
        """The codes of ``luma``, which is not copied. ``.bytes``, never ``.text``: a charset is a guess.

        Symbols whose error correction fails are told as well, at no cost: the second chance looks there first.
        """
        found = zxingcpp.read_barcodes(
            luma,
            formats=QR_CODES,
            try_rotate=False,  # turns the rows of linear codes; a QR code is found in any direction
            try_downscale=self._downscale,
            try_invert=self._inverted,
            binarizer=self._binarizer,
            return_errors=True,
        )
        codes = [(code, _corners(code.position)) for code in found if code.format == QR_CODE]
        return Sight(
            tuple(Symbol(code.bytes, corners) for code, corners in codes if _is_read(code)),
            tuple(Unreadable(corners, _modules(code)) for code, corners in codes if not _is_read(code) and corners.points[0] != corners.points[2]),
        )


def _is_read(code: zxingcpp.Barcode) -> bool:
    """Micro QR is left out before: its smallest kind corrects nothing, and a torn QR code was read as one (3 of 50,000 looks)."""
    if not code.valid:
        return False
    told: Any = code.extra
    return bool(told["UEC"] >= UNUSED_MIN.get((told["Version"], told["ECLevel"]), 0))


def _modules(code: zxingcpp.Barcode) -> int:
    """Along a side (ISO/IEC 18004, table 1), as far as the decoder came; 0 where it did not."""
    told: Any = code.extra or {}
    version = told.get("Version", "")
    return 17 + 4 * int(version) if version.isdigit() else 0


def _corners(at: zxingcpp.Position) -> Corners:
    top_left, top_right, bottom_right, bottom_left = at.top_left, at.top_right, at.bottom_right, at.bottom_left
    return Corners(((top_left.x, top_left.y), (top_right.x, top_right.y), (bottom_right.x, bottom_right.y), (bottom_left.x, bottom_left.y)))


def open_zxing(*, thorough: bool, inverted: bool = True, one_threshold: bool = False) -> Zxing:
    """``one_threshold`` also reads codes whose light parts are larger than the local average sees."""
    binarizer = zxingcpp.Binarizer.GlobalHistogram if one_threshold else zxingcpp.Binarizer.LocalAverage
    return Zxing(downscale=thorough, inverted=inverted, binarizer=binarizer)
