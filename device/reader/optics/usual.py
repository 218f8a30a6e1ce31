"""What is usual before this lens: learnt from its own pictures, as nothing else can tell. Pure: time is passed in."""

from __future__ import annotations

import math
from dataclasses import dataclass

from device.clock import NS
from device.reader.frame import Frame
from device.reader.optics.metering import Detail

USUAL_NS = 60 * NS
"""The still scene is known after a minute."""
BEST_FADES_NS = 6 * 3600 * NS
"""The best sharpness is forgotten to 1/e in so long: a shop window was rebuilt, a poster taken down."""

SOFT = 0.05
"""Sharpness of everything that ever moved here: an edge of 20 pixels. Modules of that size do not fit a picture."""
PEOPLE_S = 20
"""Seconds of movement, in which somebody stood still for a moment."""


@dataclass(slots=True)
class Usual:
    """What the scene looks like while nothing moves: how often there is something to see, and how sharp it is at best."""

    seen_ns: int = 0
    relief: float = 0.0  # share of the time
    sharpness: float = 0.0
    best: float = 0.0

    @property
    def known(self) -> bool:
        return self.seen_ns >= USUAL_NS

    @property
    def blank(self) -> bool:
        return not self.known or self.relief < 1 / 2

    def learn(self, detail: Detail, passed_ns: int, *, flat: bool) -> None:
        """Slow means over a minute; so neither a hand that rests nor one noisy frame counts for much."""
        self.seen_ns = min(self.seen_ns + passed_ns, USUAL_NS)
        part = passed_ns / self.seen_ns
        self.relief += part * ((not flat) - self.relief)
        if detail.sharpness is not None:
            self.sharpness += part * (detail.sharpness - self.sharpness)
        if self.known:
            self.best = max(self.best * math.exp(-passed_ns / BEST_FADES_NS), self.sharpness)


@dataclass(slots=True)
class Moving:
    """How sharp anything ever was while something moved: a person's outline, a hand, a bag."""

    seconds: int = 0
    best: float = 0.0

    def learn(self, detail: Detail) -> None:
        if detail.sharpness is not None:
            self.seconds = min(self.seconds + 1, PEOPLE_S)
            self.best = max(self.best, detail.sharpness)

    @property
    def never_sharp(self) -> bool:
        return self.seconds >= PEOPLE_S and self.best < SOFT


@dataclass(slots=True)
class Pace:
    """Time between frames as the sensor gave them, a mean over the last thirty."""

    wanted_ns: float
    mean_ns: float
    number: int = 0
    taken_ns: int = 0

    def see(self, frame: Frame) -> None:
        frames, passed_ns = frame.number - self.number, frame.taken_ns - self.taken_ns
        self.number, self.taken_ns = frame.number, frame.taken_ns
        # Not where a source began again, nor over a silence: that is a stall, and told elsewhere. Frames the reader had no time for count.
        if frames > 0 and 0 < passed_ns <= 2 * NS + 4 * self.wanted_ns:
            self.mean_ns += (passed_ns / frames - self.mean_ns) / 30

    def below(self, part: float) -> bool:
        return self.mean_ns * part > self.wanted_ns
