from __future__ import annotations

import xml.etree.ElementTree as ET

from provisioning.simulation.course import Moment
from provisioning.simulation.plot import LEFT, RIGHT, drawing

SVG = "{http://www.w3.org/2000/svg}"


def test_a_run_is_drawn_as_three_lines_over_its_whole_time() -> None:
    moments = [Moment(at_s=0.5 * number, up=min(number, 20), confirmed_per_s=3.0 * number, waiting=0) for number in range(101)]
    root = ET.fromstring(drawing(moments, "20 gates & 40 events a second"))  # noqa: S314 - our own
    lines = [line.attrib["points"].split() for line in root.iter(f"{SVG}polyline")]
    assert [(line[0].split(",")[0], line[-1].split(",")[0], len(line)) for line in lines] == [(f"{LEFT:.1f}", f"{RIGHT:.1f}", 101)] * 3
    texts = [text.text for text in root.iter(f"{SVG}text")]
    assert texts[:2] == ["20 gates & 40 events a second", "gates connected"]
    assert [text for text in texts if text and text.endswith(" s")] == [f"{tick} s" for tick in range(0, 51, 5)] * 3
