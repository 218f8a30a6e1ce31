"""QR symbols from any bit stream, well-formed or not: the error correction always holds, so a decoder must face what is inside.

Encoders of payloads refuse to write what ISO/IEC 18004 forbids. Here each segment is a text of bits; segno's matrix
functions (blocks, error correction, placement, masks) do the rest.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from typing import Any

import numpy as np
from segno import consts

from device.reader.frame import Luma

encoder: Any = importlib.import_module("segno.encoder")  # has no types of its own

ALPHANUMERIC = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
SYMBOL_CAPACITY: Any = consts.SYMBOL_CAPACITY  # bits
LEVELS = {"L": consts.ERROR_LEVEL_L, "M": consts.ERROR_LEVEL_M, "Q": consts.ERROR_LEVEL_Q, "H": consts.ERROR_LEVEL_H}
COUNT_BITS = {"numeric": (10, 12, 14), "alphanumeric": (9, 11, 13), "byte": (8, 16, 16), "kanji": (8, 10, 12)}
"""Of the character count, for versions 1 to 9, 10 to 26 and 27 to 40 (table 3)."""

NUMERIC, ALNUM, BYTE, KANJI = "0001", "0010", "0100", "1000"
TERMINATOR, FNC1_FIRST = "0000", "0101"
PADS = "1110110000010001"


def bits(value: int, length: int) -> str:
    return format(value, f"0{length}b")[-length:]


def _count(kind: str, number: int, version: int) -> str:
    return bits(number, COUNT_BITS[kind][(version > 9) + (version > 26)])


def numeric(text: str, *, version: int = 5, count: int | None = None) -> str:
    groups = [text[at : at + 3] for at in range(0, len(text), 3)]
    digits = "".join(bits(int(group), 3 * len(group) + 1) for group in groups)
    return NUMERIC + _count("numeric", len(text) if count is None else count, version) + digits


def alphanumeric(text: str, *, version: int = 5, count: int | None = None) -> str:
    values = [ALPHANUMERIC.index(letter) for letter in text]
    pairs = "".join(bits(45 * one + two, 11) for one, two in zip(values[::2], values[1::2], strict=False))
    rest = bits(values[-1], 6) if len(values) % 2 else ""
    return ALNUM + _count("alphanumeric", len(text) if count is None else count, version) + pairs + rest


def byte(payload: bytes, *, version: int = 5, count: int | None = None) -> str:
    return BYTE + _count("byte", len(payload) if count is None else count, version) + "".join(bits(each, 8) for each in payload)


def kanji(values: Iterable[int], *, version: int = 5, count: int | None = None) -> str:
    """``values`` of 13 bits, which need not stand for any character."""
    values = list(values)
    return KANJI + _count("kanji", len(values) if count is None else count, version) + "".join(bits(each, 13) for each in values)


def eci(designator: int) -> str:
    """One, two or three bytes (table 4)."""
    if designator < 1 << 7:
        return "0111" + bits(designator, 8)
    if designator < 1 << 14:
        return "0111" + "10" + bits(designator, 14)
    return "0111" + "110" + bits(designator, 21)


def fnc1_second(indicator: int) -> str:
    return "1001" + bits(indicator, 8)


def part(index: int, last: int, parity: int = 0x5A) -> str:
    """The head of symbol ``index`` of a structured-append set whose last one has number ``last``."""
    return "0011" + bits(index, 4) + bits(last, 4) + bits(parity, 8)


def symbol(stream: str, *, version: int = 5, level: str = "M", filled: bool = True, scale: int = 4, border: int = 4) -> Luma:
    """The picture of ``stream``, which is padded as the standard says, or not ``filled``: with zeros only. What does not fit is cut off.

    Any mask will do: the best is for weak readers, and takes most of the time to find.
    """
    error = LEVELS[level]
    capacity = SYMBOL_CAPACITY[version][error]
    stream = (stream + (TERMINATOR if filled else ""))[:capacity]
    stream += "0" * (-len(stream) % 8)
    stream += (PADS * (capacity // 16 + 1) if filled else "0" * capacity)[: capacity - len(stream)]
    message = encoder.make_final_message(version, error, encoder.Buffer(int(bit) for bit in stream))
    side = encoder.calc_matrix_size(version)
    matrix = encoder.make_matrix(side, side)
    encoder.add_finder_patterns(matrix, side, side)
    encoder.add_alignment_patterns(matrix, side, side)
    encoder.add_codewords(matrix, message, version)
    mask, matrix = encoder.find_and_apply_best_mask(matrix, side, side, len(stream) // 8 % 8)
    encoder.add_format_info(matrix, version, error, mask)
    encoder.add_version_info(matrix, version)
    return picture(matrix, scale=scale, border=border)


def picture(rows: Iterable[Iterable[int]], *, scale: int = 4, border: int = 4) -> Luma:
    """Modules, 1 is dark, as a picture with its quiet zone."""
    dark = np.array([[module & 1 for module in row] for row in rows], np.uint8)
    light = np.pad(np.uint8(1) - dark, border, constant_values=1) * np.uint8(255)
    return np.ascontiguousarray(light.repeat(scale, axis=0).repeat(scale, axis=1))
