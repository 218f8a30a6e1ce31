"""The hands that hold things up, drawn behind and before the thing they hold."""

from __future__ import annotations

from PIL import Image, ImageDraw

from device.demo.lens import Sprite, cut_out

MARGIN = 60
"""Room for hands around a thing, pixels; the thing's own top left corner is at (MARGIN, MARGIN)."""

_BELOW = 260  # room for the forearm
_RIM = 9  # steps of shade from a finger's edge to its middle
_RIM_PX, _RIM_GREY = 2.0, 5


class Stage:
    """A thing of ``width`` x ``height`` pixels in its hand. Draw what is behind it, ``outline`` it, draw it, then what is before it."""

    def __init__(self, width: int, height: int) -> None:
        self._width, self._height = width, height
        full = (width + 2 * MARGIN, height + 2 * MARGIN + _BELOW)
        self.picture = Image.new("L", full, 0)
        self.draw = ImageDraw.Draw(self.picture)
        self._cover = Image.new("L", full, 0)
        self._covering = ImageDraw.Draw(self._cover)

    def arm(self, skin: int, x: float) -> None:
        """The forearm, from ``x`` of the thing's lower edge down and out of the picture."""
        x += MARGIN
        top, bottom = MARGIN + self._height - 60, self.picture.height
        for step in range(_RIM):
            inset = _RIM_PX * 2 * step
            sleeve = ((x - 62 + inset, top), (x + 66 - inset, top), (x + 96 - inset, bottom), (x - 74 + inset, bottom))
            self.draw.polygon(sleeve, fill=skin - 14 - _RIM_GREY * (_RIM - step))
            self._covering.polygon(sleeve, fill=255)

    def palm(self, skin: int) -> None:
        """The heel of the hand, seen below and beside the thing it holds from behind."""
        self._flesh(skin - 8, (MARGIN - 28, MARGIN + self._height * 0.62, MARGIN + self._width * 0.62, MARGIN + self._height + 46))

    def outline(self, radius: int) -> None:
        """The thing itself is opaque, and its corners are round."""
        box = (MARGIN, MARGIN, MARGIN + self._width - 1, MARGIN + self._height - 1)
        self._covering.rounded_rectangle(box, radius=radius, fill=255)

    def fingers(self, skin: int, *, top: float) -> None:
        """Four finger tips around the right edge and the thumb along the left one, from ``top`` of the thing downwards."""
        right = MARGIN + self._width
        for number in range(4):
            y = MARGIN + top + 20 + 62 * number
            self._flesh(skin + 6 - 5 * number, (right - 26 + 3 * number, y, right + 44, y + 58))
        self._flesh(skin, (MARGIN - 46, MARGIN + top + 6, MARGIN + 22, MARGIN + top + 178))

    def thumb(self, skin: int, x: float, y: float) -> None:
        """A thumb laid on the thing from below, its tip at (``x``, ``y``) of the thing."""
        x, y = MARGIN + x, MARGIN + y
        self._flesh(skin, (x - 40, y - 34, x + 40, y + 150))
        self.draw.ellipse((x - 20, y - 22, x + 20, y + 22), fill=skin + 24)  # the nail

    def sprite(self, anchor: tuple[float, float]) -> Sprite:
        return cut_out(self.picture, self._cover, anchor)

    def _flesh(self, skin: int, box: tuple[float, float, float, float]) -> None:
        left, top, right, bottom = box
        self._covering.ellipse(box, fill=255)
        for step in range(_RIM):
            inset = _RIM_PX * step
            self.draw.ellipse((left + inset, top + inset, right - inset, bottom - inset), fill=skin - _RIM_GREY * (_RIM - step))
