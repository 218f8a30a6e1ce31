"""The eyes of the gate: frames in, tracks of codes out."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from device.reader.decoders import Symbol
    from device.reader.frame import Luma


def read_still(luma: Luma, *, enough: Callable[[Symbol], bool] = lambda _: False) -> list[Symbol]:
    """The codes in one still picture (2-D, uint8), by every means there is, or up to the first that is ``enough``; see ``still.py``."""
    from device.reader import still  # noqa: PLC0415  the decoders are loaded when a picture is read, not before

    return still.read_still(luma, enough=enough)
