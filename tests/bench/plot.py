"""One picture of the benchmark, as SVG: what an empty frame costs, and how many frames with a code are read.

Written by hand, so that nobody needs a plotting library; it follows the reader's light or dark page.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from tests.bench.approach import SIGMAS
from tests.bench.empty import SCENES
from tests.bench.figures import Figures

WIDTH, HEIGHT = 960, 380
LINE_PX = 16

CONTESTANTS = {"reader": "qrgate", "zxing": "zxing-cpp, defaults", "pyzbar": "pyzbar.decode"}

STYLE = """
  .page { fill: #ffffff; } text { fill: #1f2328; font: 13px system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
  .small { font-size: 12px; fill: #59636e; } .title { font-size: 15px; font-weight: 600; } .value { font-size: 11px; }
  .grid { stroke: #d1d9e0; stroke-width: 1; } .line { fill: none; stroke-width: 2.5; }
  .reader { fill: #0969da; stroke: #0969da; } .zxing { fill: #bc4c00; stroke: #bc4c00; } .pyzbar { fill: #6e7781; stroke: #6e7781; }
  .bar { stroke: none; } .line.reader, .line.zxing, .line.pyzbar { fill: none; }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117; } text { fill: #e6edf3; } .small { fill: #9198a1; } .grid { stroke: #3d444d; }
    .reader { fill: #4493f8; stroke: #4493f8; } .zxing { fill: #f0883e; stroke: #f0883e; } .pyzbar { fill: #8b949e; stroke: #8b949e; }
  }
"""


@dataclass(frozen=True, slots=True)
class Panel:
    """Where one diagram stands in the picture, pixels."""

    left: float
    right: float
    top: float = 92
    bottom: float = 322


COST, READ = Panel(64, 486), Panel(572, 936)


def drawable(figures: Figures) -> bool:
    """Is all measured that the picture shows?"""
    costs = [_cost_name(scene, name) for scene in SCENES for name in CONTESTANTS]
    return figures.keys() >= {*costs, *(_read_name(sigma, name) for sigma in SIGMAS for name in CONTESTANTS)}


def drawing(figures: Figures) -> str:
    """The picture, as the text of an SVG file. ``drawable`` figures only."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img">',
        "<title>CPU time of an empty frame, and frames with a code that were read</title>",
        f"<style>{STYLE}</style>",
        f'<rect class="page" width="{WIDTH}" height="{HEIGHT}" rx="8"/>',
        *_legend(),
        *_cost_panel(figures),
        *_read_panel(figures),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _legend() -> list[str]:
    parts, x = [], COST.left - 44
    for name, told in CONTESTANTS.items():
        parts += [f'<rect class="bar {name}" x="{x:.0f}" y="16" width="14" height="14" rx="3"/>', _text(x + 20, 28, told)]
        x += 46 + 7.2 * len(told)
    return parts


# --- what an empty frame costs ---------------------------------------------------------------------------------


def _cost_panel(figures: Figures) -> list[str]:
    costs = {(scene, name): figures[_cost_name(scene, name)][0] for scene in SCENES for name in CONTESTANTS}
    lowest = 10.0 ** math.floor(math.log10(min(costs.values()) * 0.7))
    highest = 10.0 ** math.ceil(math.log10(max(costs.values()) * 1.3))

    def height(value_ms: float) -> float:
        part = math.log10(value_ms / lowest) / math.log10(highest / lowest)
        return COST.bottom - part * (COST.bottom - COST.top)

    parts = [_text(COST.left - 44, 66, "CPU time of an empty 1280x720 frame, ms (log scale)", "title")]
    decade = lowest
    while decade <= highest * 1.01:
        parts += _grid(COST, height(decade), f"{decade:g}")
        decade *= 10
    group = (COST.right - COST.left) / len(SCENES)
    bar = group * 0.25
    for place, scene in enumerate(SCENES):
        begin = COST.left + group * (place + 0.125)
        for turn, name in enumerate(CONTESTANTS):
            top = height(costs[scene, name])
            parts.append(
                f'<rect class="bar {name}" x="{begin + turn * bar:.1f}" y="{top:.1f}" width="{bar - 3:.1f}" height="{COST.bottom - top:.1f}"/>'
            )
            parts.append(_text(begin + (turn + 0.5) * bar - 1.5, top - 4, _short(costs[scene, name]), "value", "middle"))
        parts.append(_text(begin + 1.5 * bar, COST.bottom + LINE_PX + 2, scene, anchor="middle"))
    return [*parts, _text((COST.left + COST.right) / 2, COST.bottom + 2.4 * LINE_PX, "empty scene", "small", "middle")]


# --- frames read by noise --------------------------------------------------------------------------------------


def _read_panel(figures: Figures) -> list[str]:
    def height(share: float) -> float:
        return READ.bottom - share * (READ.bottom - READ.top)

    across = [READ.left + (place + 0.5) * (READ.right - READ.left) / len(SIGMAS) for place in range(len(SIGMAS))]
    parts = [_text(READ.left - 44, 66, "Frames read, of those with a code, %", "title")]
    for percent in range(0, 101, 20):
        parts += _grid(READ, height(percent / 100), str(percent))
    for x, sigma in zip(across, SIGMAS, strict=True):
        parts.append(_text(x, READ.bottom + LINE_PX + 2, f"{sigma:g}", anchor="middle"))
    for name in reversed(CONTESTANTS):
        parts += _curve(name, across, [height(figures[_read_name(sigma, name)][0]) for sigma in SIGMAS])
    parts.append(
        _text((READ.left + READ.right) / 2, READ.bottom + 2.4 * LINE_PX, "sensor noise, grey levels of 255 (standard deviation)", "small", "middle")
    )
    return parts


def _curve(name: str, across: Sequence[float], heights: Sequence[float]) -> list[str]:
    points = list(zip(across, heights, strict=True))
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return [
        f'<polyline class="line {name}" points="{line}"/>',
        *(f'<circle class="bar {name}" cx="{x:.1f}" cy="{y:.1f}" r="4.5"/>' for x, y in points),
    ]


# --- parts of both ---------------------------------------------------------------------------------------------


def _grid(panel: Panel, y: float, label: str) -> list[str]:
    return [
        f'<line class="grid" x1="{panel.left}" x2="{panel.right}" y1="{y:.1f}" y2="{y:.1f}"/>',
        _text(panel.left - 8, y + 4, label, "small", "end"),
    ]


def _text(x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{escape(words)}</text>'


def _short(value_ms: float) -> str:
    return f"{value_ms:.0f}" if value_ms >= 10 else f"{value_ms:.2g}"


def _cost_name(scene: str, name: str) -> str:
    return f"idle_ms_{scene}_{name}"


def _read_name(sigma: float, name: str) -> str:
    return f"frames_read_sigma_{sigma:g}_{name}"
