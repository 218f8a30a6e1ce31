"""A picture file as luma, by Pillow. Only for files: a camera's luma never passes through here."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from PIL import Image

from device.errors import FrameError
from device.reader.frame import Luma, luma_of

PIXELS_MAX = 50_000_000
"""A small file can unfold to gigabytes; 50 megapixels are more than any phone's picture of a code needs."""


def read_luma(path: Path) -> Luma:
    """The picture at ``path``, height x width; what is transparent is white.

    Raises:
        FrameError: it cannot be read, is no picture, is broken, or is larger than ``PIXELS_MAX``.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as picture:
                width, height = picture.size
                if width * height <= PIXELS_MAX:
                    return luma_of(np.asarray(_grey(picture)), width=width, height=height)
    # Pillow meets broken files with all of these.
    except (OSError, ValueError, SyntaxError, ArithmeticError, LookupError, EOFError, MemoryError, Warning, Image.DecompressionBombError) as error:
        raise FrameError(f"{path.name} is no picture that can be read: {type(error).__name__}", hint="save it again as PNG") from None
    raise FrameError(f"{path.name} has {width}x{height} pixels", hint=f"shrink it below {PIXELS_MAX:,} pixels")


def _grey(picture: Image.Image) -> Image.Image:
    if "A" not in picture.getbands() and "transparency" not in picture.info:
        return picture.convert("L")
    layer = picture.convert("RGBA")
    paper = Image.new("RGBA", layer.size, "white")
    paper.alpha_composite(layer)
    return paper.convert("L")
