"""The timeline of a replay as inline SVG: one lane each for movement, looks, symbols found unread, reads by stage, and the eyes."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby

from device.links import EyesState
from device.replay.findings import LOOKED, MOVING, UNREAD, Findings, Timeline
from device.replay.report import clock, verdict

PX_A_SECOND = 40
WIDTH_MIN, WIDTH_MAX = 1180, 6000
"""Pixels of the plot itself: a phone scrolls through it. A whole day is 15 s a pixel, and the page stays below a few MB."""
LANE, GAP, TOP, BOTTOM, SIDE = 22, 26, 36, 26, 12
TICKS_MAX = 12
TICKS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400)

COLOURS = 6
"""The style has so many for stages (``.s0`` …); more stages share them, and the legend says which."""

LANES = ("something moved", "the decoders looked", "found, not read", "read", "the eyes")
NOTHING = ""


@dataclass(frozen=True, slots=True)
class Scale:
    seconds: float
    width: int

    @classmethod
    def of(cls, timeline: Timeline) -> Scale:
        last_s = timeline.at_s[-1] if timeline.at_s else 0.0
        frame_s = last_s / max(len(timeline.at_s) - 1, 1)
        seconds = max(last_s + frame_s, 0.1)
        return cls(seconds, round(min(max(seconds * PX_A_SECOND, WIDTH_MIN), WIDTH_MAX)))

    def x(self, at_s: float) -> float:
        return round(SIDE + self.width * at_s / self.seconds, 1)


def plot(findings: Findings) -> str:
    """The whole drawing; its colours are the page's."""
    timeline, scale = findings.timeline, Scale.of(findings.timeline)
    width, height = scale.width + 2 * SIDE, TOP + len(LANES) * (LANE + GAP) + BOTTOM
    parts = [
        f'<svg role="img" aria-labelledby="plot-title plot-about" width="{width}" height="{height}" viewBox="0 0 {width} {height}">',
        f'<title id="plot-title">Timeline of {escape(findings.name)}</title><desc id="plot-about">{escape(verdict(findings))}</desc>',
        *_axis(scale, height),
        *_missed(findings, scale, height),
        *_lanes(timeline, scale),
        *_reads(findings, scale),
        "</svg>",
    ]
    return "\n".join(parts)


def legend(timeline: Timeline) -> str:
    """What the colours of the reads mean."""
    stages = "".join(f'<li><span class="key s{index % COLOURS}"></span>read by {escape(stage)}</li>' for index, stage in enumerate(timeline.stages))
    return f'<ul class="legend">{stages}<li><span class="key miss"></span>missed: a code was found and never read</li></ul>'


def _lanes(timeline: Timeline, scale: Scale) -> Iterator[str]:
    lanes: tuple[Callable[[range], str], ...] = (
        _flagged(timeline, MOVING, "moved"),
        _flagged(timeline, LOOKED, "looked"),
        _flagged(timeline, UNREAD, "unread"),
        _staged(timeline),
    )
    bins = _bins(timeline, scale)
    for number, name in enumerate(LANES):
        top = TOP + number * (LANE + GAP) + GAP - 8
        yield f'<text class="lane" x="{SIDE}" y="{top - 5}">{name}</text>'
        yield f'<rect class="ground" x="{SIDE}" y="{top}" width="{scale.width}" height="{LANE}"/>'
        if number < len(lanes):
            yield from _runs([lanes[number](each) for each in bins], top)
        else:
            yield from _eyes(timeline, scale, top)


def _bins(timeline: Timeline, scale: Scale) -> list[range]:
    """For each pixel the frames that it shows: those that began in it, else the one that was still shown."""
    bins, begin = [], 0
    for pixel in range(scale.width):
        end = bisect_right(timeline.at_s, (pixel + 1) * scale.seconds / scale.width - 1e-9, begin)
        bins.append(range(begin, end) if end > begin else range(max(begin - 1, 0), begin))
        begin = end
    return bins


def _flagged(timeline: Timeline, flag: int, name: str) -> Callable[[range], str]:
    return lambda frames: name if any(timeline.flags[frame] & flag for frame in frames) else NOTHING


def _staged(timeline: Timeline) -> Callable[[range], str]:
    def stage(frames: range) -> str:
        read = next((timeline.stage[frame] for frame in frames if timeline.stage[frame] < len(timeline.stages)), None)
        return NOTHING if read is None else f"s{read % COLOURS}"

    return stage


def _runs(colours: Sequence[str], top: float) -> Iterator[str]:
    x = SIDE
    for colour, run in groupby(colours):
        length = len(list(run))
        if colour:
            yield f'<rect class="{colour}" x="{x}" y="{top}" width="{length}" height="{LANE}"/>'
        x += length


def _eyes(timeline: Timeline, scale: Scale, top: float) -> Iterator[str]:
    ends = [*(at_s for at_s, _ in timeline.eyes[1:]), scale.seconds]
    for (at_s, state), end_s in zip(timeline.eyes, ends, strict=False):  # no state, no bar: there were no frames
        x, width = scale.x(at_s), max(scale.x(end_s) - scale.x(at_s), 1)
        name = state.value.replace("_", " ")
        word = f'<text class="word" x="{x + 4}" y="{top + 15}">{name}</text>' if width > 9 * len(name) else ""
        yield (
            f'<g><title>{name} from {clock(at_s)}</title><rect class="{"well" if state is EyesState.OK else "ill"}" '
            f'x="{x}" y="{top}" width="{round(width, 1)}" height="{LANE}"/>{word}</g>'
        )


def _axis(scale: Scale, height: int) -> Iterator[str]:
    step_s = next((each for each in TICKS_S if scale.seconds / each <= max(TICKS_MAX, scale.width / 90)), TICKS_S[-1])
    for number in range(int(scale.seconds / step_s) + 1):
        x, at_s = scale.x(number * step_s), number * step_s
        label = clock(at_s) if step_s < 1 else clock(at_s).partition(".")[0]
        yield f'<line class="tick" x1="{x}" y1="{TOP}" x2="{x}" y2="{height - BOTTOM}"/><text class="time" x="{x}" y="{height - 8}">{label}</text>'


def _missed(findings: Findings, scale: Scale, height: int) -> Iterator[str]:
    for each in findings.unread:
        x, width = scale.x(each.from_s), max(scale.x(each.to_s) - scale.x(each.from_s), 3)
        yield (
            f"<g><title>missed from {clock(each.from_s)} to {clock(each.to_s)}</title>"
            f'<rect class="miss" x="{x}" y="{TOP}" width="{round(width, 1)}" height="{height - TOP - BOTTOM}"/></g>'
        )


def _reads(findings: Findings, scale: Scale) -> Iterator[str]:
    """Above the lanes: the number of each row, where it was first read. Numbers that would lie over each other are left out."""
    free = 0.0
    for number, each in enumerate(findings.presentations, 1):
        x = scale.x(each.read_s)
        if x >= free:
            free = x + 8 + 8 * len(str(number))
            yield f'<line class="read" x1="{x}" y1="{TOP - 14}" x2="{x}" y2="{TOP - 4}"/><text class="number" x="{x}" y="{TOP - 18}">{number}</text>'
