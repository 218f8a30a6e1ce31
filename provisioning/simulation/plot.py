"""A run as a picture over time: who is connected, what is confirmed, what waits. SVG by hand, light or dark as the reader's page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from provisioning.simulation.course import Moment

WIDTH, LEFT, RIGHT, TOP, PANEL, GAP = 960, 72, 940, 56, 120, 52
TICKS = 10

STYLE = """
  .page { fill: #ffffff; } text { fill: #1f2328; font: 12px system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
  .title { font-size: 14px; font-weight: 600; } .small { fill: #59636e; } .grid { stroke: #d1d9e0; }
  .line { fill: none; stroke: #0969da; stroke-width: 1.8; }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117; } text { fill: #e6edf3; } .small { fill: #9198a1; } .grid { stroke: #3d444d; } .line { stroke: #4493f8; }
  }
"""


@dataclass(frozen=True, slots=True)
class Panel:
    title: str
    values: Sequence[float]


def drawing(moments: Sequence[Moment], title: str) -> str:
    """The text of an SVG file. ``moments``, at least two, are in order of time."""
    panels = [
        Panel("gates connected", [each.up for each in moments]),
        Panel("events confirmed, a second", [each.confirmed_per_s for each in moments]),
        Panel("events that wait for their confirmation", [each.waiting for each in moments]),
    ]
    times_s = [each.at_s for each in moments]
    height = TOP + len(panels) * (PANEL + GAP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img">',
        f"<title>{escape(title)}</title>",
        f"<style>{STYLE}</style>",
        f'<rect class="page" width="{WIDTH}" height="{height}" rx="8"/>',
        _text(LEFT - 48, 26, title, "title"),
    ]
    for place, panel in enumerate(panels):
        parts += _panel(panel, times_s, TOP + place * (PANEL + GAP))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(panel: Panel, times_s: Sequence[float], top: float) -> list[str]:
    most, longest_s = _round_up(max(panel.values)), times_s[-1]
    bottom = top + 20 + PANEL - 20

    def across(at_s: float) -> float:
        return LEFT + at_s / longest_s * (RIGHT - LEFT)

    def up(value: float) -> float:
        return bottom - value / most * (PANEL - 20)

    parts = [_text(LEFT - 48, top + 8, panel.title, "title")]
    for share in (0, 0.5, 1):
        y = up(share * most)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(_text(LEFT - 6, y + 4, f"{share * most:g}", "small", "end"))
    step_s = _round_up(longest_s / TICKS)
    parts += [_text(across(tick * step_s), bottom + 16, f"{tick * step_s:g} s", "small", "middle") for tick in range(int(longest_s / step_s) + 1)]
    points = " ".join(f"{across(at_s):.1f},{up(value):.1f}" for at_s, value in zip(times_s, panel.values, strict=True))
    return [*parts, f'<polyline class="line" points="{points}"/>']


def _round_up(value: float) -> float:
    """To 1, 2 or 5 times a power of ten."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= value * 0.999)


def _text(x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{escape(words)}</text>'
