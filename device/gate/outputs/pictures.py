"""Pictures for a display: read as they lie in memory, and finished with hotline, gate and number.

They were drawn when the gate was installed (``drawing.py``), so that a gate needs no font and decodes no image: a page is
an array of palette indices, one byte a pixel, and a digit is a small array that is laid into it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from device.errors import HardwareError
from device.turnstile.words import LINES, Line

MADE = Path(__file__).parent / "made"
"""What is made when the gate is installed lies beside the code that reads it."""

GLYPHS = "0123456789abcdefghijklmnopqrstuvwxyz-+ #…☎"
"""All that the foot of a picture can say: the hotline, the gate's id, the event's number."""

NUMBERS = 10_000
"""An event's number is shown by its last four digits: enough to find it, short enough to say on the telephone."""

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Panel:
    """A display as a picture sees it: pixels after it was turned, and whether it has colours."""

    width: int
    height: int
    colour: bool

    def __str__(self) -> str:
        return f"{self.width}x{self.height}-{'colour' if self.colour else 'mono'}"


PANELS = (
    *(Panel(width, height, colour=False) for width, height in ((128, 64), (128, 128))),
    *(Panel(width, height, colour=True) for width, height in ((160, 80), (160, 128), (128, 160), (128, 128), (240, 240), (320, 240), (240, 320))),
)


@dataclass(frozen=True, slots=True)
class Foot:
    """Whom to call, and what to say there."""

    hotline: str
    gate: str

    def words(self, number: int | None) -> tuple[str, str, str]:
        """Left, middle and right of the foot's line."""
        return (
            f"☎{self.hotline}" if self.hotline else "",
            self.gate,
            "" if number is None else f"#{number % NUMBERS:04d}",
        )


@dataclass(frozen=True, slots=True)
class Pictures:
    """Everything for one panel. ``pages`` has for each line's name the pages that are shown in turn, each ``[height, width]``."""

    panel: Panel
    palette: Pixels  # [colours, 3]
    pages: Mapping[str, Sequence[Pixels]]
    glyphs: Mapping[str, Pixels]  # each [height, width]

    def finished(self, line: Line, foot: Foot, number: int | None) -> list[Pixels]:
        """The pages of ``line``, ``[height, width]``, with the foot where the line has one."""
        pages = self.pages[line.name]
        if not line.gives_hotline:
            return list(pages)
        strip = self._strip(foot.words(number))
        top = self.panel.height - len(strip)
        return [np.concatenate((page[:top], strip)) for page in pages]

    def _strip(self, words: tuple[str, str, str]) -> Pixels:
        left, middle, right = words
        ends = self._width(left), self._width(right)
        gap = self._width(" ")
        edge = gap // 2
        room = self.panel.width - sum(ends) - 2 * (edge + gap)
        strip = np.tile(self.glyphs[" "][:, :1], (1, self.panel.width))
        self._lay(strip, left, edge)
        self._lay(strip, right, self.panel.width - edge - ends[1])
        if middle := self._shortened(middle, room):
            self._lay(strip, middle, edge + ends[0] + gap + (room - self._width(middle)) // 2)
        return strip

    def _width(self, text: str) -> int:
        return sum(self.glyphs[each].shape[1] for each in text)

    def _shortened(self, text: str, room: int) -> str:
        """``text`` without as much of its beginning as has no room: gates are told apart by the end of their names."""
        if self._width(text) <= room:
            return text
        while text and self._width(f"…{text}") > room:
            text = text[1:]
        return f"…{text}" if text else ""

    def _lay(self, strip: Pixels, text: str, left: int) -> None:
        for each in text:
            glyph = self.glyphs[each]
            strip[:, left : left + glyph.shape[1]] = glyph
            left += glyph.shape[1]

    # --- on disk -----------------------------------------------------------------------------------------------

    def save(self, folder: Path) -> Path:
        """Raises OSError."""
        path = folder / f"{self.panel}.npz"
        names = [name for name, pages in self.pages.items() for _ in pages]
        glyphs = [self.glyphs[each] for each in GLYPHS]
        np.savez(
            path,
            words=np.array(_words()),
            palette=self.palette,
            names=np.array(names),
            pages=np.stack([page for pages in self.pages.values() for page in pages]),
            widths=np.array([glyph.shape[1] for glyph in glyphs]),
            glyphs=np.concatenate(glyphs, axis=1),
        )
        return path


def _words() -> list[str]:
    """The table that the pictures were drawn from."""
    return [f"{line.name}|{line.signal}|{line.symbol}|{line.vietnamese}|{line.english}" for line in LINES]


def load(panel: Panel, folder: Path = MADE) -> Pictures:
    """Raises HardwareError where there are no pictures for such a display, or those of another version."""
    hint = "`sudo make install` draws them; on a laptop: make pictures"
    if panel not in PANELS:
        raise HardwareError(
            f"there are no pictures for a display {panel}", hint="display.width and height in gate.toml; there are " + ", ".join(map(str, PANELS))
        )
    path = folder / f"{panel}.npz"
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            words, palette, names, pages, widths, glyphs = (file[name] for name in ("words", "palette", "names", "pages", "widths", "glyphs"))
    except (OSError, ValueError, TypeError, KeyError, EOFError, BadZipFile) as error:
        raise HardwareError(f"the pictures for a display {panel} cannot be read: {error}", hint=hint) from None
    if words.tolist() != _words():
        raise HardwareError(f"the pictures in {path} were drawn from other words than this version's", hint=hint)
    by_name: dict[str, list[Pixels]] = {line.name: [] for line in LINES}
    for name, page in zip(names.tolist(), pages, strict=True):
        by_name[name].append(page)
    cut = np.split(glyphs, np.cumsum(widths)[:-1], axis=1)
    return Pictures(panel, palette, by_name, dict(zip(GLYPHS, cut, strict=True)))
