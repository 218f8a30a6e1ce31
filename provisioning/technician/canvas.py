"""A drawing as SVG: lines, boxes and words, in the order in which they are drawn. Lengths are the drawing's own units."""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.sax.saxutils import escape, quoteattr

INK = "#1a1a1a"
FAINT = "#8a8a8a"
FONT = "'DejaVu Sans', Verdana, 'Segoe UI', sans-serif"
CHARACTER = 0.62
"""Width of a character of DejaVu Sans, which is wide, as a part of its size: the mean over texts such as ours."""

Point = tuple[float, float]


Room = tuple[float, float, float, float]
"""Left, top, right, bottom."""


@dataclass(frozen=True, slots=True)
class Words:
    """A text and the room that it takes."""

    text: str
    room: Room


@dataclass(slots=True)
class Canvas:
    width: float
    height: float
    millimetres: tuple[int, int]  # its size on paper
    words: list[Words] = field(default_factory=list)
    boxes: list[Room] = field(default_factory=list)
    _parts: list[str] = field(default_factory=list)

    def line(self, *points: Point, ink: str = INK, width: float = 1.8, dashed: bool = False) -> None:
        path = " ".join(f"{x:g},{y:g}" for x, y in points)
        dashes = ' stroke-dasharray="6 4"' if dashed else ""
        self._parts.append(f'<polyline points="{path}" fill="none" stroke="{ink}" stroke-width="{width:g}" stroke-linejoin="round"{dashes}/>')

    def shape(self, *points: Point, ink: str = INK) -> None:
        """A filled polygon."""
        path = " ".join(f"{x:g},{y:g}" for x, y in points)
        self._parts.append(f'<polygon points="{path}" fill="{ink}"/>')

    def box(
        self, corner: Point, size: Point, *, fill: str = "none", ink: str = INK, width: float = 1.8, dashed: bool = False, behind: bool = False
    ) -> None:
        """With its upper left ``corner``; lengths are across and down. ``behind``: beneath all that was drawn before."""
        (x, y), (across, down) = corner, size
        dashes = ' stroke-dasharray="6 4"' if dashed else ""
        place = f'x="{x:g}" y="{y:g}" width="{across:g}" height="{down:g}" rx="2"'
        part = f'<rect {place} fill="{fill}" stroke="{ink}" stroke-width="{width:g}"{dashes}/>'
        self.boxes.append((x, y, x + across, y + down))
        self._parts.insert(0 if behind else len(self._parts), part)

    def circle(self, middle: Point, radius: float, *, fill: str = "none", ink: str = INK, width: float = 1.8) -> None:
        self._parts.append(f'<circle cx="{middle[0]:g}" cy="{middle[1]:g}" r="{radius:g}" fill="{fill}" stroke="{ink}" stroke-width="{width:g}"/>')

    def text(self, place: Point, text: str, *, size: float = 13, anchor: str = "start", bold: bool = False, ink: str = INK) -> None:
        """``place`` is on the base line, at the text's ``start``, ``middle`` or ``end``."""
        (x, y), across = place, len(text) * size * CHARACTER * (1.08 if bold else 1)
        left = x - {"start": 0.0, "middle": across / 2, "end": across}[anchor]
        self.words.append(Words(text, (left, y - size * 0.78, left + across, y + size * 0.22)))
        weight = ' font-weight="bold"' if bold else ""
        self._parts.append(f'<text x="{x:g}" y="{y:g}" font-size="{size:g}" text-anchor="{anchor}" fill="{ink}"{weight}>{escape(text)}</text>')

    def svg(self, title: str) -> str:
        (across, down), box = self.millimetres, f"0 0 {self.width:g} {self.height:g}"
        head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{across}mm" height="{down}mm" viewBox="{box}" font-family={quoteattr(FONT)}>'
        paper = f'<rect width="{self.width:g}" height="{self.height:g}" fill="#ffffff"/>'
        return "\n".join([head, f"<title>{escape(title)}</title>", paper, *self._parts, "</svg>\n"])
