"""``qrgate focus``: how sharp is the picture, now and at best, while somebody turns the lens?

The measure is the width of edges in pixels (``reader/edges.py``), of the code that is found, else of the middle of the picture. The score
is 100 at the narrowest edges so far and falls as they grow: 50 means twice as wide.

``--json`` writes one document a line: at_s, frame, score, edge_px, best_px (``null`` while there is nothing to focus on), code_read, module_px
(``null`` where no finder pattern was clear enough), and last one with final true.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np

from device import config
from device.clock import NS, monotonic_ns
from device.errors import EXIT_FAULT, EXIT_INTERRUPTED, EXIT_OK, HardwareError
from device.links import READER_SOCKET, listens
from device.reader.chain import Chain, open_chain
from device.reader.change import Change
from device.reader.edges import edges_of, noise_between, spatial_noise
from device.reader.feed import Feed
from device.reader.frame import Box, Frame, Luma
from device.reader.modules import module_px
from device.reader.outline import around
from device.reader.sources import open_source
from device.settings import Reader, SourceKind

MIDDLE = 1 / 3
"""Share of the picture's width and height that is measured while no code is found."""

STEADY_FRAMES = 5
"""The median of so many is told: a hand that shakes must not make a best that nobody finds again."""

GOOD = 90.0
"""A score from here on is as good as the best: the width of an edge is known to some 5 %."""

SILENCE_S = 5.0
WAIT_S = 0.1
BAR = 20


@dataclass(frozen=True, slots=True)
class Sharpness:
    """Of one moment. ``score`` is 0 to 100 against the best so far; ``None``: there is nothing to focus on."""

    at_s: float
    frame: int
    score: float | None
    edge_px: float | None
    best_px: float | None
    code_read: bool
    module_px: float | None


class Meter:
    """Measures one frame after the other."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._before: Luma | None = None
        self._widths: deque[float] = deque(maxlen=STEADY_FRAMES)
        self._start_ns: int | None = None
        self._best_px: float | None = None

    def see(self, frame: Frame) -> Sharpness:
        """The sharpness with this frame; it may be released afterwards."""
        self._start_ns = frame.taken_ns if self._start_ns is None else self._start_ns
        look = self._chain.read(frame, Change(moved=True))
        places = [*(reading.corners for reading in look.readings), *look.unread]
        shape = frame.luma.shape
        edge_px = self._steady(self._edge_px(frame.luma, around(places[0], shape) if places else _middle(shape)))
        if edge_px is not None:
            self._best_px = min(edge_px, self._best_px or edge_px)
        module = module_px(frame.luma, places[0]) if look.readings else None
        return Sharpness(
            at_s=round((frame.taken_ns - self._start_ns) / NS, 3),
            frame=frame.number,
            score=round(100 * self._best_px / edge_px, 1) if edge_px and self._best_px else None,
            edge_px=edge_px,
            best_px=self._best_px,
            code_read=bool(look.readings),
            module_px=round(module, 2) if module else None,
        )

    def _edge_px(self, luma: Luma, box: Box) -> float | None:
        region, noise = box.of(luma), spatial_noise(box.of(luma))
        if self._before is not None and self._before.shape == luma.shape:
            # Fine texture deceives the one, movement the other, and both only upwards: the smaller is nearer.
            noise = min(noise, noise_between(region, box.of(self._before)))
        self._before = np.array(luma)
        return edges_of(region, noise=noise).px

    def _steady(self, edge_px: float | None) -> float | None:
        if edge_px is None:
            self._widths.clear()
            return None
        self._widths.append(edge_px)
        return round(statistics.median(self._widths), 2)


def _middle(shape: tuple[int, ...]) -> Box:
    height, width = shape
    across, down = round(width * MIDDLE), round(height * MIDDLE)
    return Box((width - across) // 2, (height - down) // 2, (width + across) // 2, (height + down) // 2)


# --- the command -----------------------------------------------------------------------------------------------


def run(options: argparse.Namespace, stopping: threading.Event) -> int:
    """Tell the sharpness until ``stopping`` is set or the frames end.

    0 if it ended within a tenth of its best, 1 if it did not, 130 if there was nothing to focus on.

    Raises:
        SettingsError: the settings are missing or wrong.
        HardwareError: no camera, no frames from it, or the running gate has it.
    """
    try:
        return _follow(options, stopping)
    except HardwareError as error:
        if not (options.video or options.frames):
            raise
        # A source speaks to the technician of a gate, who has settings; here it was an option.
        raise HardwareError(error.what, hint=error.hint.replace("set reader.path to", "give")) from None


def _follow(options: argparse.Namespace, stopping: threading.Event) -> int:
    wanted = _wanted(options)
    show = _shown(as_json=options.json)
    meter, last = Meter(open_chain(wanted.decoders)), None
    with open_source(wanted) as source, Feed(source, frames_per_s=wanted.frames_per_s) as feed:
        heard_ns = monotonic_ns()
        while not (stopping.is_set() or feed.over()):
            frame = feed.take(WAIT_S)
            if frame is None:
                if monotonic_ns() - heard_ns > SILENCE_S * NS and not source.ended:
                    raise HardwareError(f"no frame for {SILENCE_S:g} s", hint="reseat the camera's ribbon or plug, then run: qrgate doctor")
                continue
            heard_ns = monotonic_ns()
            try:
                last = meter.see(frame)
            finally:
                frame.release()
            show(last)
    return _end(last, as_json=options.json)


def _wanted(options: argparse.Namespace) -> Reader:
    """Raises HardwareError where the gate has the camera."""
    if options.webcam:
        return Reader(source=SourceKind.WEBCAM, path=options.webcam)
    if options.video:
        return Reader(source=SourceKind.VIDEO, path=str(options.video))
    if options.frames:
        return Reader(source=SourceKind.FOLDER, path=str(options.frames), frames_per_s=10)
    settings = config.load(options.settings)
    if listens(settings.paths.runtime / READER_SOCKET):
        raise HardwareError("the gate runs, and has the camera", hint="stop it first: systemctl stop qrgate.target; afterwards start it again")
    return settings.reader


def _shown(*, as_json: bool) -> Callable[[Sharpness], None]:
    """One line that is written over on a terminal, also over SSH; elsewhere one a second, as JSON five."""
    terminal = sys.stdout.isatty() and not as_json
    step_s = 0.1 if terminal else 0.2 if as_json else 1.0
    due_s = 0.0

    def show(now: Sharpness) -> None:
        nonlocal due_s
        if now.at_s < due_s:
            return
        due_s = now.at_s + step_s
        text = json.dumps({**asdict(now), "final": False}) if as_json else line(now)
        if terminal:
            sys.stdout.write("\r\x1b[K" + text[: shutil.get_terminal_size().columns - 1])  # a line that wraps cannot be written over
        else:
            sys.stdout.write(text + "\n")
        sys.stdout.flush()

    return show


def line(now: Sharpness) -> str:
    """Score, bar, widths and the code, in 78 columns and plain ASCII: a serial console shows it, too."""
    if now.score is None or now.edge_px is None or now.best_px is None:
        return "  -  nothing to focus on: hold up a printed code"
    bar = "#" * round(BAR * now.score / 100)
    code = "not read" if not now.code_read else "read" if now.module_px is None else f"read, {now.module_px:.1f} px/module"
    return f"{now.score:3.0f} [{bar:<{BAR}}] edge {now.edge_px:4.1f} px, best {now.best_px:4.1f}  code {code}"


def _end(last: Sharpness | None, *, as_json: bool) -> int:
    if last is None or last.score is None:
        sys.stdout.write("\nthere was nothing to focus on\n" if not as_json else "")
        return EXIT_INTERRUPTED
    if as_json:
        sys.stdout.write(json.dumps({**asdict(last), "final": True}) + "\n")
    else:
        advice = "leave it there" if last.score >= GOOD else "turn it back: it was sharper"
        sys.stdout.write(f"\nat the end {last.score:.0f} of 100, edges {last.edge_px:.1f} px; best {last.best_px:.1f} px: {advice}\n")
    return EXIT_OK if last.score >= GOOD else EXIT_FAULT
