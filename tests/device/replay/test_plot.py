from __future__ import annotations

import re
from dataclasses import replace

from device.links import EyesState
from device.replay.findings import LOOKED, Findings, Timeline
from device.replay.plot import SIDE, WIDTH_MAX, Scale, legend, plot
from tests.device.replay.test_report import FINDINGS

SCALE = Scale.of(FINDINGS.timeline)


def bars(findings: Findings, name: str) -> list[tuple[float, float]]:
    """From and to, in seconds."""
    scale = Scale.of(findings.timeline)
    found = re.findall(rf'<rect class="{name}" x="([\d.]+)" y="[\d.]+" width="([\d.]+)"', plot(findings))
    return [
        (round((float(x) - SIDE) * scale.seconds / scale.width, 1), round((float(x) + float(w) - SIDE) * scale.seconds / scale.width, 1))
        for x, w in found
    ]


def test_a_bar_stands_where_its_frames_are() -> None:
    assert bars(FINDINGS, "moved") == [(0.8, 6.0)]
    assert bars(FINDINGS, "unread") == [(4.0, 5.5)]


def test_frames_farther_apart_than_a_pixel_leave_no_gaps() -> None:
    slow = Timeline([0.0, 10.0, 20.0], bytes([LOOKED] * 3), b"\xff\xff\xff", (), ((0.0, EyesState.OK),))
    assert bars(replace(FINDINGS, timeline=slow), "looked") == [(0.0, 30.0)]


def test_each_stage_has_its_colour_and_the_legend_says_which() -> None:
    assert {name for name in ("s0", "s1", "s2") if f'class="{name}"' in plot(FINDINGS)} == {"s0", "s1"}
    assert re.findall(r'key (s\d)"></span>read by ([\w-]+)', legend(FINDINGS.timeline)) == [("s0", "zxing-half"), ("s1", "zxing-full")]


def test_what_was_missed_is_marked_from_its_begin_to_its_end() -> None:
    assert bars(FINDINGS, "miss") == [(4.0, 5.5)]


def test_the_state_of_the_eyes_is_told_from_when_it_began() -> None:
    assert "<title>out of focus from 0:03.00</title>" in plot(FINDINGS)
    assert (bars(FINDINGS, "well"), bars(FINDINGS, "ill")) == ([(0.0, 3.0)], [(3.0, 6.0)])


def test_a_day_is_drawn_within_the_same_bounds() -> None:
    frames = 200_000
    day = Timeline([frame / 2 for frame in range(frames)], bytes([1, 0] * (frames // 2)), b"\xff" * frames, (), ((0.0, EyesState.OK),))
    drawing = plot(replace(FINDINGS, timeline=day))
    assert Scale.of(day).width == WIDTH_MAX
    assert len(drawing) < 2_000_000
