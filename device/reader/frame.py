"""One picture from a camera, without its colours: QR codes are black and white."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from device.errors import FrameError

Pixel = TypeVar("Pixel", bound=np.generic)

Luma: TypeAlias = NDArray[np.uint8]
"""Brightness, height x width, one byte a pixel; rows may be padded, pixels of a row lie side by side."""


@dataclass(frozen=True, slots=True)
class Box:
    """A part of a picture, in pixels; ``right`` and ``bottom`` lie just outside."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top

    @property
    def area(self) -> int:
        return self.width * self.height

    def of(self, plane: NDArray[Pixel]) -> NDArray[Pixel]:
        """That part of ``plane`` (height x width), as a view."""
        return plane[self.top : self.bottom, self.left : self.right]

    def halved(self) -> Box:
        """The same part of the half-size picture; of an odd last row or column nothing is left."""
        return Box(self.left // 2, self.top // 2, self.right // 2, self.bottom // 2)

    def joined(self, other: Box) -> Box:
        """The smallest box that holds both."""
        return Box(min(self.left, other.left), min(self.top, other.top), max(self.right, other.right), max(self.bottom, other.bottom))

    def grown(self, by_px: int, shape: tuple[int, ...]) -> Box:
        """The box with ``by_px`` more on each side, inside a picture of ``shape`` (height, width); empty where it lies beyond."""
        height, width = shape
        left, top = max(self.left - by_px, 0), max(self.top - by_px, 0)
        return Box(left, top, max(min(self.right + by_px, width), left), max(min(self.bottom + by_px, height), top))


@dataclass(frozen=True, slots=True)
class Exposure:
    """How the sensor took a frame: ``shutter_us`` open, and amplified ``gain`` times after that (analogue)."""

    shutter_us: int
    gain: float


def nothing() -> None:
    """Release of a frame that nobody waits for."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture. ``luma`` may be a view into a camera's buffer: it is valid until ``release()`` is called, once.

    ``number`` is the source's own count; ``taken_ns`` is when it was taken, on the monotonic clock. ``half`` is the
    same picture at half width and height where the camera gives it for nothing (a Pi's second stream), a view likewise.
    ``exposure`` is known of cameras that tell it.
    """

    luma: Luma
    number: int
    taken_ns: int
    release: Callable[[], None] = nothing
    half: Luma | None = None
    exposure: Exposure | None = None


def luma_of(pixels: NDArray[np.uint8], *, width: int, height: int) -> Luma:
    """The ``height`` x ``width`` picture at the top left of ``pixels`` (2-D, rows may carry padding), as a view.

    Raises:
        FrameError: no bytes, another type than one byte a pixel, or fewer rows or columns than promised.
    """
    if pixels.size == 0:
        raise FrameError("a frame of zero bytes", hint="reseat the camera's ribbon or plug, then run: qrgate doctor")
    if pixels.dtype != np.uint8 or pixels.ndim != 2:
        raise FrameError(f"a frame of {pixels.dtype} in {pixels.ndim} dimensions, not of one byte a pixel", hint="ask the camera for a YUV format")
    rows, columns = pixels.shape
    if rows < height or columns < width:
        raise FrameError(f"a frame of {columns}x{rows} pixels, {width}x{height} were promised", hint="set width and height to a size the camera has")
    luma = pixels[:height, :width]
    # zxing-cpp takes rows that are 0 bytes apart for rows without padding, and would read what lies behind the picture (seen once).
    plain = luma.strides[1] == 1 and abs(luma.strides[0]) >= width
    return luma if plain else luma.copy(order="C")


def luma_of_bytes(buffer: bytes | memoryview | NDArray[np.uint8], *, width: int, height: int, stride: int) -> Luma:
    """The luma plane at the start of a flat ``buffer`` whose rows are ``stride`` bytes apart, as a view.

    Raises:
        FrameError: the buffer is shorter than the plane.
    """
    flat = np.frombuffer(buffer, np.uint8) if not isinstance(buffer, np.ndarray) else buffer.reshape(-1)
    if stride < width or flat.size < stride * (height - 1) + width:
        raise FrameError(f"a frame of {flat.size} bytes, {stride * height} were promised", hint="the camera broke off: reseat its plug")
    if flat.size >= stride * height:
        return luma_of(flat[: stride * height].reshape(height, stride), width=width, height=height)
    return np.lib.stride_tricks.as_strided(flat, (height, width), (stride, 1), writeable=False)  # the last row has no padding
