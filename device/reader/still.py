"""Read a still picture, with all the time there is: every treatment, both decoders.

A gate does not call this (it has thirty pictures a second); ``qrgate replay``, the demo and the tests do.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from device.reader import treatments
from device.reader.chain import Chain, Stage
from device.reader.decoders import Symbol, open_decoder
from device.reader.frame import Luma, luma_of

PLAN: tuple[tuple[str, Callable[[Luma], Luma]], ...] = (
    ("zxing", treatments.full),
    ("zxing", treatments.half),
    ("zxing", treatments.doubled),
    ("zxing", treatments.darkened),
    ("zxing", treatments.stretched),
    ("zxing", treatments.sharpened),
    ("zxing", treatments.smoothed),
    ("zbar", treatments.full),
    ("zbar", treatments.doubled),
    ("zbar", treatments.smoothed),
)
"""In order of reads gained for their cost, on the 244 photographs; the first that reads anything ends the search.
A union of all of them reads the same photographs, and takes twenty times as long."""


def read_still(luma: Luma) -> list[Symbol]:
    """The codes in ``luma`` (2-D, uint8); empty where nothing helps. Corners are in pixels of the treated picture.

    Raises:
        FrameError: no bytes, or not one byte a pixel.
        HardwareError: a decoder is not installed.
    """
    luma = luma_of(luma, width=luma.shape[-1], height=luma.shape[0])
    for name, treatment in PLAN:
        found = _chain(name).read(treatment(luma), moving=False)
        if found:
            return [Symbol(reading.payload, reading.corners) for reading in found]
    return []


@cache
def _chain(name: str) -> Chain:
    """One decoder alone, with the chain's guard against its errors."""
    return Chain([Stage(name, open_decoder(name, thorough=True), half=False)])
