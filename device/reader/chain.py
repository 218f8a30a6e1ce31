"""The decoder chain: cheap looks first, costly ones seldom (decoding.md section 4).

    main decoder on half size ─▶ main decoder on full size, both where something moved ─▶ second chance, while something moves

A look ends at the first stage that reads something. Two exceptions keep a dense code from hiding behind a coarse
one beside it: a code known to be in view that was not read sends the look on, and so does every fourth hit.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from device.clock import monotonic_ns
from device.domain import Corners
from device.errors import HardwareError
from device.reader.change import Change
from device.reader.decoders import DECODERS, PAYLOAD_MAX, Decoder, Sight, Unreadable, open_decoder
from device.reader.frame import Box, Frame, Luma
from device.reader.reduction import Reducer
from device.reader.second_chance import BUDGET_MS, Flattening, SecondChance, Treatment, around_symbol, plan_of

HITS_A_FULL_LOOK = 4
"""At 30 frames/s a dense pass beside a coarse code is read within 0.13 s, well inside the gate's ``settle_s``."""

PARTS_A_WHOLE = 9
"""Looks of which one is at the whole picture: a third of a second at 30 frames/s. Odd, as every fourth hit is the one that goes on to full
size, and the two are to meet: every 36 looks."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One attempt: a decoder, on the half-size picture or on the whole.

    While nothing moves and nobody is there, those of ``calm`` take its place by turns: whoever comes moves, and what the change
    detector should not notice is read within some looks, by the cheaper ones first.
    """

    name: str
    decoder: Decoder
    half: bool
    calm: tuple[Decoder, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """A payload, where it stood in the full picture, and the stage that read it."""

    payload: bytes = field(repr=False)
    corners: Corners
    stage: str


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at a frame gave: the codes that were read, and where others were seen and not read."""

    readings: tuple[Reading, ...] = ()
    unread: tuple[Corners, ...] = ()


@dataclass(slots=True)
class Spent:
    """Time that went into libraries and pixels, so that the loop's own time can be told apart."""

    decoding_ns: int = 0
    reduction_ns: int = 0


class Chain:
    """Reads one frame after the other. ``failures`` counts decoder errors and payloads of impossible size."""

    def __init__(
        self,
        main: Sequence[Stage],
        plan: Sequence[Treatment | Flattening] = (),
        *,
        budget_ms: float = BUDGET_MS,
        clock: Callable[[], int] = monotonic_ns,
    ) -> None:
        """``plan`` are the second chance's treatments, which may take ``budget_ms`` of processor time a missed frame."""
        self._main = tuple(main)
        self.second = SecondChance(plan, self._decode, budget_ms=budget_ms)
        self._clock = clock
        self._reducer = Reducer()
        self._hits = 0
        self._calm_looks = 0
        self._half_plane: Luma = np.empty((0, 0), np.uint8)
        self._looks = 0
        self._places: dict[bytes, Box] = {}  # where the codes in view were read last
        self.spent = Spent()
        self.failures = 0

    def read(self, frame: Frame, change: Change, *, in_view: Mapping[bytes, str] | None = None, recent: Sequence[Frame] = ()) -> Look:
        """The codes of ``frame``, each once.

        ``in_view`` names the payloads that are known to be in view, and the stage that read each last; ``recent`` are the last few
        frames up to this one, for the second chance.
        """
        wanted = in_view or {}
        self._looks += 1
        self._places = {payload: box for payload, box in self._places.items() if payload in wanted}
        part = self._part(frame.luma, change)
        half = self._half(frame, part)
        found: list[Reading] = []
        unread: list[Unreadable] = []
        calm = not change.moved and not wanted
        self._calm_looks += calm
        for stage in self._main:
            decoder = stage.calm[self._calm_looks % len(stage.calm)] if calm and stage.calm else stage.decoder
            if stage.half:
                sight = self._decode(decoder, part.halved().of(half)).scaled(2, part.left, part.top)
            else:
                sight = self._decode(decoder, part.of(frame.luma)).scaled(1, part.left, part.top)
            self._keep(sight, stage.name, found)
            unread += sight.unread
            if found and wanted.keys() <= {each.payload for each in found} and (self._hits + 1) % HITS_A_FULL_LOOK:
                break
        if not found and (change.moved or wanted):
            begun, decoding_ns = self._clock(), self.spent.decoding_ns
            second = self.second.read(recent or (frame,), half, change, unread, known=bool(wanted))
            self.spent.reduction_ns += self._clock() - begun - (self.spent.decoding_ns - decoding_ns)
            if second is not None:
                self._keep(second.sight, second.name, found)
        self._hits = self._hits + 1 if found else 0
        self._places |= _places(found, frame.luma.shape)
        return Look(tuple(found), tuple(each.corners for each in unread))

    def _keep(self, sight: Sight, stage: str, found: list[Reading]) -> None:
        """Add what is new; two hands may hold up the same code."""
        for symbol in sight.symbols:
            if not 0 < len(symbol.payload) <= PAYLOAD_MAX:
                self.failures += 1
            elif not any(each.payload == symbol.payload and each.corners.hold_centre_of(symbol.corners) for each in found):
                found.append(Reading(symbol.payload, symbol.corners, stage))

    def _part(self, luma: Luma, change: Change) -> Box:
        """Where a look is worth its while: where something moved, and where each code in view was read last; with even edges.

        A code that lies still would seem to have left, were it not looked for while something else moves.
        Every ninth look is at the whole picture, so that a part that is wrong delays a read and never prevents it.
        """
        whole = Box(0, 0, luma.shape[1], luma.shape[0])
        if not change.moved or change.where is None or self._looks % PARTS_A_WHOLE == 0:
            return whole
        part = functools.reduce(Box.joined, self._places.values(), change.where)
        return Box(part.left // 2 * 2, part.top // 2 * 2, part.right, part.bottom)

    def _half(self, frame: Frame, part: Box) -> Luma:
        """A picture of half the size, which shows ``frame`` at ``part``; elsewhere whatever was there."""
        if frame.half is not None:
            return frame.half
        begun = self._clock()
        shape = frame.luma.shape[0] // 2, frame.luma.shape[1] // 2
        if self._half_plane.shape != shape:
            self._half_plane = np.zeros(shape, np.uint8)
        self._reducer.half(part.of(frame.luma), part.halved().of(self._half_plane))
        self.spent.reduction_ns += self._clock() - begun
        return self._half_plane

    def _decode(self, decoder: Decoder, picture: Luma) -> Sight:
        begun = self._clock()
        try:
            return decoder.read(picture)
        except Exception:  # noqa: BLE001  a printed paper must not stop the gate, whatever a library makes of it: counted
            self.failures += 1
            return Sight()
        finally:
            self.spent.decoding_ns += self._clock() - begun


def _places(found: Sequence[Reading], shape: tuple[int, ...]) -> dict[bytes, Box]:
    """Where each code is; one box for one that is in view twice."""
    places: dict[bytes, Box] = {}
    for each in found:
        box = around_symbol(each.corners, shape)
        places[each.payload] = places.get(each.payload, box).joined(box)
    return places


def open_chain(names: Sequence[str], *, budget_ms: float = BUDGET_MS, clock: Callable[[], int] = monotonic_ns) -> Chain:
    """The chain of the decoders ``names``: the first is the main one, the others are asked in the second chance.

    Raises:
        HardwareError: there is none, or one of them is unknown, not installed, or fails its self-test.
    """
    if not names:
        raise HardwareError("no decoder is chosen: nothing could be read", hint=f"set reader.decoders to some of {', '.join(DECODERS)}")
    main, *others = dict.fromkeys(names)
    plain, thorough = open_decoder(main, thorough=False), open_decoder(main, thorough=True)
    quick = open_decoder(main, thorough=False, inverted=False, one_threshold=True)
    calm, calm_half = (plain, quick, quick, quick), (quick, quick, plain, quick)
    return Chain(
        (Stage(f"{main}-half", plain, half=True, calm=calm_half), Stage(f"{main}-full", thorough, half=False, calm=calm)),
        plan_of(main, plain, {other: open_decoder(other, thorough=True) for other in others}),
        budget_ms=budget_ms,
        clock=clock,
    )
