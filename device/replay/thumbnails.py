"""Small pictures of what was held up, only if somebody asks for them. The picture of a code *is* the credential: it is made unreadable.

Each symbol that was read is averaged into ``BLOCKS`` x ``BLOCKS`` tiles of at least three modules a side, before the picture is made
smaller. Where a symbol was only found, a decoder may have taken a part for the whole: all around it is averaged too, more coarsely.
What is left shows light, glare, tilt and the hand. A picture in which a decoder still reads something is thrown away.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from device.domain import Corners
from device.errors import HardwareError
from device.reader import read_still
from device.reader.frame import Box, Luma
from device.reader.outline import around

BLOCKS = 6
BLOCKS_UNSURE = 4
"""For each side of a symbol that was only found."""
SIDE_MAX_PX = 120
CONTEXT = 0.4
"""How much of the surroundings is shown on each side, as a share of the symbol: the hand, not the face."""
QUALITY = 70


class Thumbnails:
    """Makes none unless ``keep``. ``read`` and ``unread`` are the symbols of the frame at hand."""

    def __init__(self, *, keep: bool) -> None:
        """Raises HardwareError where pictures cannot be written."""
        self._picture = _pictures() if keep else None
        self.read: Sequence[Corners] = ()
        self.unread: Sequence[Corners] = ()

    def crop(self, luma: Luma, corners: Corners) -> str | None:
        """A JPEG as base64, or ``None``: none is wanted, or a code could still be read in it."""
        if self._picture is None:
            return None
        hidden = luma.copy()
        for each in self.read:
            _tile(hidden, around(each, luma.shape), BLOCKS)
        for each in self.unread:
            box = around(each, luma.shape)
            _tile(hidden, box.grown(max(box.width, box.height), luma.shape), 3 * BLOCKS_UNSURE)
        box = around(corners, luma.shape)
        part = box.grown(round(CONTEXT * max(box.width, box.height)), luma.shape).of(hidden)
        if read_still(part):
            return None
        picture = self._picture.fromarray(part)
        picture.thumbnail((SIDE_MAX_PX, SIDE_MAX_PX))
        written = io.BytesIO()
        picture.save(written, "JPEG", quality=QUALITY)
        return base64.b64encode(written.getvalue()).decode("ascii")


def _tile(luma: Luma, box: Box, blocks: int) -> None:
    """Average ``box`` of ``luma`` into ``blocks`` x ``blocks`` tiles, in place."""
    rows, columns = (np.linspace(start, end, blocks + 1).astype(int) for start, end in ((box.top, box.bottom), (box.left, box.right)))
    for top, bottom in pairwise(rows):
        for left, right in pairwise(columns):
            tile = luma[top:bottom, left:right]
            if tile.size:
                tile[:] = round(float(tile.mean()))


def _pictures() -> Any:
    try:
        from PIL import Image  # noqa: PLC0415  Pillow is no part of what a gate needs
    except ImportError as error:
        raise HardwareError(f"thumbnails cannot be made: {error}", hint="pip install 'qrgate[provision]'") from None
    return Image
