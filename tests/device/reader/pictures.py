"""Codes as pictures for these tests, made with an encoder that shares nothing with the decoders."""

from __future__ import annotations

from typing import Any

import numpy as np
import segno

from device.reader.frame import Luma

VIETNAMESE = "999000000001||Nguyễn Thị Ánh Nguyệt|01021990|Nữ|Đường Lê Lợi, Huế|01012021".encode()
RANDOM = np.random.default_rng(7).bytes(64)


def code(payload: bytes, *, scale: int = 4, **options: Any) -> Luma:
    """The symbol of ``payload`` with its quiet zone, dark on light."""
    symbol = segno.make(payload, micro=False, **options)
    modules = np.array([[1 - (cell & 1) for cell in row] for row in symbol.matrix_iter(scale=scale, border=4)], np.uint8)
    return np.asarray(modules * np.uint8(255), np.uint8)


def scene(*codes: Luma, width: int = 1280, height: int = 720, at: tuple[int, int] = (40, 60)) -> Luma:
    """``codes`` side by side on a grey wall."""
    wall = np.full((height, width), 128, np.uint8)
    y, x = at
    for each in codes:
        wall[y : y + each.shape[0], x : x + each.shape[1]] = each
        x += each.shape[1] + 40
    return wall


def part_of_a_set() -> Luma:
    """One symbol of a structured-append set, whose other symbol is not there."""
    first = segno.make_sequence("999 structured append " * 4, symbol_count=2)[0]
    modules = np.array([[1 - (cell & 1) for cell in row] for row in first.matrix_iter(scale=4, border=4)], np.uint8)
    return np.asarray(modules * np.uint8(255), np.uint8)
