"""The second chance: a frame that could not be read is treated, one treatment after the other, and shown to a decoder again.

Each treatment alone reads no more than the plain picture; all of them together read more than all known decoders together
(decoding.md section 11). A code is held up for many frames, so nobody needs to pay for all of them at once: every missed
frame is given some time, and spends it on the treatments whose turn it is, on the part of the picture where a symbol was
found and not read, or where something moved. What has just read something is tried first the next time.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from device.domain import Corners
from device.reader import treatments
from device.reader.candidate import Candidate, candidate
from device.reader.change import Change
from device.reader.decoders import Decoder, Sight, Symbol, Unreadable
from device.reader.flattening import flattened
from device.reader.frame import Box, Exposure, Frame, Luma
from device.reader.fusion import Fusion
from device.reader.outline import box_of

BUDGET_MS = 3.5
"""Processor time a missed frame, where a symbol was found, or where noise would hide one."""

MOVED_PART = 4
"""A frame in which something moved and no symbol was found is given a quarter: most of those are people who walk past."""

NOISY = 6.0
"""Standard deviation of a pixel, steps of brightness: above this noise, not blur or light, is what defeats the decoder."""

MARGIN = 0.25
"""A symbol that was found has its corners about where they are; its quiet zone of four modules is 1/5 of the smallest."""

PARTS = 3
"""About the symbol that was found, the busiest part, all that moved: glare hides edges and bends corners, and each may miss a part of the code."""

SEARCH_PART = 0.75
"""A frame in debt is searched for its busiest part only where that leaves a quarter of what it is given to pay back. Measured on x86-64
at 1280x720: 0.5 of 1 ms at most, in noise 1.1 of 4 ms."""

SIDE_MIN_PX = 16
NS_PER_MS = 1e6

FLAT_MODULES_MAX = 57
"""Version 10: a symbol of this side is laid flat in 9 ms (x86-64), which two further frames pay back."""

Decode: TypeAlias = Callable[[Decoder, Luma], Sight]
"""Runs a decoder, guarded."""

Picture: TypeAlias = Callable[[Luma], Luma]


@dataclass(frozen=True, slots=True)
class Treatment:
    """Another picture of the same part, and who is to read it: together a decoder. ``scale``: its pixels for each pixel of the part."""

    name: str
    decoder: Decoder
    picture: Picture
    scale: float = 1.0
    fused: bool = False

    def read(self, luma: Luma) -> Sight:
        """What is read of the treated ``luma``, in pixels of ``luma`` itself."""
        return self.decoder.read(self.picture(luma)).scaled(1 / self.scale)


@dataclass(frozen=True, slots=True)
class Flattening:
    """A symbol that was found, laid flat, and who is to read it: a decoder of whole pictures, once it has been told which symbol."""

    name: str
    decoder: Decoder
    symbol: Unreadable | None = None

    def read(self, luma: Luma) -> Sight:
        """What is read of the symbol, in pixels of ``luma``."""
        flats = flattened(luma, self.symbol) if self.symbol else ()
        symbols = (Symbol(each.payload, flat.in_picture(each.corners)) for flat in flats for each in self.decoder.read(flat.luma).symbols)
        return Sight(tuple(symbols))


@dataclass(frozen=True, slots=True)
class Second:
    """What a treatment read: the name of it, and the symbols with their corners in pixels of the frame."""

    name: str
    sight: Sight


class SecondChance:
    """Takes turns with its treatments, and keeps to ``budget_ms`` of processor time a missed frame."""

    def __init__(
        self,
        plan: Sequence[Treatment | Flattening],
        decode: Decode,
        *,
        budget_ms: float = BUDGET_MS,
        clock: Callable[[], int] = time.thread_time_ns,
    ) -> None:
        self._single = deque(each for each in plan if isinstance(each, Flattening) or not each.fused)
        self._fused = deque(each for each in plan if isinstance(each, Treatment) and each.fused)
        self._decode = decode
        self._budget_ns = budget_ms * NS_PER_MS
        self._clock = clock
        self._credit_ns = 0.0
        self._fusion = Fusion()
        self._averaged = False
        self._averaged_number = -1
        self._averaged_exposure: Exposure | None = None
        self._part_turn = 0
        self._search_ns = 0  # what it took to find the busiest part
        self._promising = False  # was it like a code?
        self.missed = 0  # frames that were given time
        self.spent_ns = 0

    def read(self, recent: Sequence[Frame], half: Luma, change: Change, unread: Sequence[Unreadable], *, known: bool = False) -> Second | None:
        """One missed frame, the last of the ``recent`` ones, whose half-size picture is ``half``.

        ``unread`` are the symbols that were found in it; ``known``: a code was read just before.
        """
        if not self._budget_ns or not (self._single or self._fused):
            return None
        begun = self._clock()
        luma = recent[-1].luma
        noisy = change.noise >= NOISY
        self.missed += 1
        try:
            largest = max(unread, key=lambda each: box_of(each.corners).area, default=None)
            found = around_symbol(largest.corners, luma.shape) if largest else None
            busiest = self._busiest(half, change.where, noisy=noisy) if change.where and (found is None or self._part_turn == 1) else None
            seen = noisy or known or found is not None or self._promising
            given_ns = self._budget_ns if seen else self._budget_ns / MOVED_PART
            # Time that was not used is not saved up, or one frame would take what ten did not; time that was overdrawn is paid back.
            self._credit_ns = min(self._credit_ns + given_ns, given_ns)
            where = self._part(change.where, found, busiest.box if busiest else None, noisy=noisy)
            if self._credit_ns <= 0 or where is None or min(where.width, where.height) < SIDE_MIN_PX:
                return None
            if noisy:
                self._average(recent, where)
            return self._turns(luma, where, largest, noisy=noisy, end_ns=begun + self._credit_ns)
        finally:
            took_ns = self._clock() - begun
            self.spent_ns += took_ns
            self._credit_ns -= took_ns

    def _busiest(self, half: Luma, moved: Box, *, noisy: bool) -> Candidate | None:
        """Looked for while time is owed only where that costs little: on a slow board the search alone would let the debt grow for ever."""
        least_ns = self._budget_ns if noisy else self._budget_ns / MOVED_PART
        if self._credit_ns + least_ns <= 0 and self._search_ns > SEARCH_PART * least_ns:
            return None
        begun = self._clock()
        busiest = candidate(half, moved, noisy=noisy)
        self._search_ns, self._promising = self._clock() - begun, busiest.promising
        return busiest

    def _part(self, moved: Box | None, found: Box | None, busiest: Box | None, *, noisy: bool) -> Box | None:
        """What is to be treated, by turns; in noise always the same, or the frames could not be averaged."""
        if noisy and busiest:
            return busiest
        return (found or busiest or moved, busiest or found or moved, moved or found)[self._part_turn]

    def _average(self, recent: Sequence[Frame], where: Box) -> None:
        """Take in every frame that is not in the average yet: those that were read, or for which there was no time."""
        newest = recent[-1]
        if newest.exposure != self._averaged_exposure:
            self._fusion.clear()  # twice as bright, it is no further look at the same thing
            self._averaged_exposure = newest.exposure
        for frame in recent:
            if frame is newest or (frame.number > self._averaged_number and frame.exposure == newest.exposure):
                self._fusion.add(frame.luma, where)
        self._averaged_number = newest.number

    def _turns(self, luma: Luma, where: Box, symbol: Unreadable | None, *, noisy: bool, end_ns: float) -> Second | None:
        """One treatment after the other, each once at the most, until one reads something or the time is over."""
        for _ in range(len(self._single) + len(self._fused)):
            averaged = noisy and self._fusion.count > 1 and not self._averaged
            self._averaged = averaged  # in noise every other turn is the average's
            turns = self._fused if averaged else self._single
            if not turns:
                continue
            treatment = turns[0]
            turns.rotate(-1)
            sight = self._tried(treatment, luma, where, symbol, averaged=averaged)
            if sight is None:
                continue
            if sight.symbols:
                turns.rotate(1)  # it is first again, and on such a part
                self._averaged = not averaged
                return Second(treatment.name, sight)
            if self._clock() >= end_ns:
                break
        self._part_turn = (self._part_turn + 1) % PARTS
        return None

    def _tried(self, treatment: Treatment | Flattening, luma: Luma, where: Box, symbol: Unreadable | None, *, averaged: bool) -> Sight | None:
        """What is read in this way, in pixels of the frame; None where there is nothing for it."""
        if isinstance(treatment, Flattening):
            sized = symbol is not None and 0 < symbol.modules <= FLAT_MODULES_MAX
            return self._decode(replace(treatment, symbol=symbol), luma) if sized else None
        box, part = (self._fusion.box, self._fusion.picture()) if averaged else (where, where.of(luma))
        return self._decode(treatment, part).scaled(1, box.left, box.top)


def around_symbol(corners: Corners, shape: tuple[int, ...]) -> Box:
    """The part of a picture of ``shape`` about the symbol at ``corners``."""
    box = box_of(corners)
    return box.grown(round(MARGIN * max(box.width, box.height)) + SIDE_MIN_PX // 2, shape)


def plan_of(main: str, decoder: Decoder, others: Mapping[str, Decoder]) -> list[Treatment | Flattening]:
    """In order of reads gained for their cost (docs/decisions/0007); the ``others`` cost ten times as much and come last."""
    same_size: list[tuple[str, Picture]] = [
        ("thresholded", treatments.thresholded),
        ("darkened", treatments.darkened),
        ("closed", treatments.closed),
        ("sharpened", treatments.sharpened),
        ("smoothed", treatments.smoothed),
        ("equalised", treatments.equalised),
    ]
    other: list[tuple[str, Picture]] = [("full", treatments.full), ("smoothed", treatments.smoothed)]
    return [
        Treatment(f"{main}-doubled", decoder, treatments.doubled, 2),
        *(Treatment(f"{main}-{name}", decoder, picture) for name, picture in same_size),
        Treatment(f"{main}-third", decoder, treatments.third, 1 / 3),
        Flattening(f"{main}-flattened", decoder),
        *(Treatment(f"{name}-{how}", each, picture) for name, each in others.items() for how, picture in other),
        Treatment(f"{main}-fused-smoothed", decoder, treatments.smoothed, fused=True),
        Treatment(f"{main}-fused-half", decoder, treatments.half, 1 / 2, fused=True),
        Treatment(f"{main}-fused-sharp", decoder, lambda part: treatments.sharpened(treatments.doubled(part)), 2, fused=True),
    ]
