from __future__ import annotations

from xml.etree import ElementTree as ET

from tests.bench.approach import SIGMAS
from tests.bench.empty import SCENES
from tests.bench.figures import Figures
from tests.bench.plot import CONTESTANTS, HEIGHT, WIDTH, drawable, drawing

SVG = "{http://www.w3.org/2000/svg}"

FIGURES: Figures = {
    **{f"idle_ms_{scene}_{name}": (0.1 * 10**turn, "ms") for scene in SCENES for turn, name in enumerate(CONTESTANTS)},
    **{f"frames_read_sigma_{sigma:g}_{name}": (0.25 * (turn + 1), "of frames") for sigma in SIGMAS for turn, name in enumerate(CONTESTANTS)},
}


def test_every_figure_has_its_bar_or_point_within_the_picture() -> None:
    picture = ET.fromstring(drawing(FIGURES))  # noqa: S314  written two lines above
    for name in CONTESTANTS:
        bars = [each for each in picture.iter(f"{SVG}rect") if each.get("class") == f"bar {name}" and each.get("rx") is None]
        points = [each for each in picture.iter(f"{SVG}circle") if each.get("class") == f"bar {name}"]
        assert (len(bars), len(points)) == (len(SCENES), len(SIGMAS))
    places = [(float(each.get("x", 0)), float(each.get("y", 0))) for tag in ("rect", "text") for each in picture.iter(f"{SVG}{tag}")]
    assert [(x, y) for x, y in places if not (0 <= x <= WIDTH and 0 <= y <= HEIGHT)] == []


def test_ten_times_the_cost_is_the_same_step_everywhere() -> None:
    picture = ET.fromstring(drawing(FIGURES))  # noqa: S314
    heights = {
        name: {float(bar.get("height", 0)) for bar in picture.iter(f"{SVG}rect") if bar.get("class") == f"bar {name}" and bar.get("rx") is None}
        for name in CONTESTANTS
    }
    (low,), (middle,), (high,) = heights.values()
    assert abs((middle - low) - (high - middle)) < 0.2 < middle - low  # rounded to tenths of a pixel


def test_a_picture_is_drawn_only_of_what_was_measured() -> None:
    assert drawable(FIGURES)
    assert not drawable({name: figure for name, figure in FIGURES.items() if name != "idle_ms_night_zxing"})
