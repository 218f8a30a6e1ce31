"""Read a still picture, with all the time there is: many treatments, both decoders, and a closer look at what was not read.

A gate does not call this (it has thirty pictures a second); ``qrgate replay``, the demo and the tests do. What each look
brings and costs was measured: docs/decisions/0007-still-pictures.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np

from device.domain import Corners
from device.reader import treatments
from device.reader.decoders import PAYLOAD_MAX, Decoder, Sight, Symbol, Unreadable, open_decoder
from device.reader.flattening import flattened
from device.reader.frame import Luma, luma_of
from device.reader.outline import side_px
from device.reader.rectification import straightened
from device.reader.treatments import (
    Treatment,
    cleaned,
    closed,
    darkened,
    doubled,
    enlarged,
    equalised,
    full,
    half,
    lightened,
    opened,
    quarter,
    sharpened,
    smoothed,
    third,
    thresholded,
)

Predicate = Callable[[Symbol], bool]


@dataclass(frozen=True, slots=True)
class Look:
    """A treated picture, shown to a decoder. ``cost`` of both: milliseconds a megapixel of the picture given."""

    decoder: str
    treatments: tuple[Treatment, ...]
    cost: float

    @property
    def scale(self) -> float:
        return math.prod(treatments.SCALES.get(each, 1.0) for each in self.treatments)


@dataclass(frozen=True, slots=True)
class CloseLook:
    """A symbol that was found and not read, drawn straight."""

    decoder: str
    side_px: int
    margin: float
    treatment: Treatment = full
    turn_deg: float = 0.0


LOOKS = (
    Look("global", (full,), 0.6),
    Look("local", (third,), 0.7),
    Look("local", (half,), 0.9),
    Look("local", (full,), 2.0),
    Look("local", (closed,), 1.5),
    Look("global", (half,), 0.5),
    Look("global", (half, sharpened), 1.2),
    Look("local", (third, sharpened), 1.1),
    Look("local", (third, doubled), 1.1),
    Look("local", (half, sharpened), 1.9),
    Look("local", (half, enlarged), 1.7),
    Look("local", (cleaned,), 2.3),
    Look("local", (darkened,), 2.3),
    Look("local", (lightened,), 2.3),
    Look("local", (doubled,), 6.4),
    Look("global", (doubled,), 3.5),
    Look("local", (smoothed, sharpened), 5.2),
    Look("local", (sharpened, doubled), 11.1),
)
"""For every picture."""

MORE_LOOKS = (
    Look("local", (quarter, sharpened), 0.7),
    Look("local", (opened,), 1.5),
    Look("local", (half, equalised), 1.8),
    Look("global", (half, thresholded), 1.0),
    Look("local", (half, sharpened, doubled), 3.2),
    Look("local", (half, sharpened, sharpened, doubled), 4.0),
    Look("global", (doubled, thresholded), 12.0),
    Look("local", (darkened, doubled), 6.3),
    Look("local", (lightened, enlarged), 6.4),
    Look("zbar", (third,), 5.9),
    Look("zbar", (half,), 11.2),
    Look("local", (doubled, smoothed), 12.4),
    Look("local", (enlarged, sharpened), 12.7),
    Look("zbar", (half, enlarged), 17.2),
    Look("local", (doubled, sharpened), 17.5),
    Look("local", (sharpened, doubled, sharpened), 22.0),
    Look("zbar", (full,), 34.0),
)
"""For a picture in which nothing was read, or a symbol was seen that could not be read."""

CLOSE_LOOKS = (
    CloseLook("local", 320, 0.2, sharpened),
    CloseLook("local", 480, 0.2),
    CloseLook("local", 320, 0.4, turn_deg=45),
    CloseLook("global", 200, 0.2, sharpened),
    CloseLook("zbar", 200, 0.2, sharpened),
)

GUESSES_MAX, GUESSES_APART = 8, 0.1
"""A bent symbol is laid flat from where up to eight looks saw its corners, if by a tenth of a module elsewhere: each leads the phases
another way through the creases."""

ROUNDS = 2
ROUND_US = 3.5
"""Of laying flat and reading, for each module of the symbol: 3 ms for version 3, 0.1 s for version 40."""
HALVING_MS = 3.0
"""A megapixel of the picture, at most: a large symbol is halved until it is about as large as it is drawn."""
FLATTENING_BUDGET_MS = 1000
"""For one picture, by these costs: eight places with eight guesses each up to version 6. Every place has its turn before any has a second."""

BUDGET_MS = 1500
"""For one picture, by the costs above: all looks up to 7 megapixels; the cheap half of them for the largest that is read (50)."""
TREATED_MAX_PX = 50_000_000
"""A treated picture is no larger. With working copies 150 MB were measured at most, for 12 megapixels doubled and for 48."""
PLACES_MAX = 8
"""Close looks at so many places: 40 ms each."""


def read_still(luma: Luma, *, enough: Predicate = lambda _: False) -> list[Symbol]:
    """The codes in ``luma`` (2-D, uint8), each once; empty where nothing helps.

    Corners are in pixels of ``luma``, clockwise from the symbol's own top left. The same payload at two places is two
    codes. The search ends early with the first symbol that is ``enough``.

    Raises:
        FrameError: no bytes, or not one byte a pixel.
        HardwareError: a decoder is not installed.
    """
    height, width = luma.shape if luma.ndim == 2 else (0, 0)  # refused at once
    luma = luma_of(luma, width=width, height=height)
    found = _Findings()
    for sight in _sights(luma, found):
        found.add(sight)
        if any(enough(symbol) for symbol in sight.symbols):
            break
    return [code.symbol() for code in found.codes]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a symbol was seen that could not be read, as the first look that saw it took it, and as others did."""

    guesses: list[Unreadable]

    @property
    def corners(self) -> Corners:
        return self.guesses[0].corners

    def add(self, guess: Unreadable) -> None:
        if len(self.guesses) < GUESSES_MAX and not any(_alike(each, guess) for each in self.guesses):
            self.guesses.append(guess)


def _alike(one: Unreadable, other: Unreadable) -> bool:
    """Would they be laid flat to the same picture?"""
    if one.modules != other.modules or not one.modules:
        return one.modules == other.modules
    apart_px = max(math.dist(*pair) for pair in zip(one.corners.points, other.corners.points, strict=True))
    return apart_px < GUESSES_APART * side_px(one.corners) / one.modules


@dataclass(frozen=True, slots=True)
class _Found:
    """One code, and its corners as each look saw them: a decoder finds the fourth by guess where there is no alignment pattern."""

    payload: bytes
    corners: list[Corners]

    def symbol(self) -> Symbol:
        top_left, top_right, bottom_right, bottom_left = np.median([each.points for each in self.corners], axis=0).tolist()
        return Symbol(self.payload, Corners((tuple(top_left), tuple(top_right), tuple(bottom_right), tuple(bottom_left))))


class _Findings:
    """What has been read so far, and what was seen and not read."""

    def __init__(self) -> None:
        self.codes: list[_Found] = []
        self._places: list[_Place] = []

    def add(self, sight: Sight) -> None:
        for symbol in sight.symbols:
            if not 0 < len(symbol.payload) <= PAYLOAD_MAX:
                continue
            for code in self.codes:
                if code.payload == symbol.payload and symbol.corners.hold_centre_of(code.corners[0]):
                    code.corners.append(symbol.corners)
                    break
            else:
                self.codes.append(_Found(symbol.payload, [symbol.corners]))
        for guess in sight.unread:
            place = next((each for each in self._places if each.corners.hold_centre_of(guess.corners)), None)
            if place:
                place.add(guess)
            else:
                self._places.append(_Place([guess]))

    def unread(self) -> list[_Place]:
        """The places, at most ``PLACES_MAX``, where a symbol was seen and none was read by now."""
        return [place for place in self._places if self.is_unread(place)][:PLACES_MAX]

    def is_unread(self, place: _Place) -> bool:
        return not any(code.corners[0].hold_centre_of(place.corners) for code in self.codes)


def _sights(luma: Luma, found: _Findings) -> Iterator[Sight]:
    """One look after the other; ``found`` says whether more are worth their time."""
    megapixels = luma.size / 1e6
    left_ms = float(BUDGET_MS)
    for looks in (LOOKS, MORE_LOOKS):
        for look in looks:
            cost_ms = look.cost * megapixels
            if cost_ms <= left_ms and luma.size * look.scale**2 <= TREATED_MAX_PX:
                left_ms -= cost_ms
                yield _look(luma, look)
        if found.codes and not found.unread():
            return
    left_ms = float(FLATTENING_BUDGET_MS)
    places = found.unread()
    for place, guess in (each for turn in range(GUESSES_MAX) for each in _guesses(places, turn)):
        cost_ms = ROUNDS * ROUND_US / 1000 * guess.modules**2 + HALVING_MS * megapixels
        if cost_ms <= left_ms and found.is_unread(place):
            left_ms -= cost_ms
            yield from _look_flat(luma, guess)
    for place in places:
        for close in CLOSE_LOOKS if found.is_unread(place) else ():
            yield _look_close(luma, place.corners, close)


def _guesses(places: list[_Place], turn: int) -> Iterator[tuple[_Place, Unreadable]]:
    return ((place, place.guesses[turn]) for place in places if turn < len(place.guesses) and place.guesses[turn].modules)


def _look(luma: Luma, look: Look) -> Sight:
    treated = luma
    for treatment in look.treatments:
        treated = treatment(treated)
        if treated.size == 0:  # a few pixels, averaged away
            return Sight()
    return _read(look.decoder, treated).scaled(1 / look.scale)


def _look_flat(luma: Luma, symbol: Unreadable) -> Iterator[Sight]:
    for flat in flattened(luma, symbol, rounds=ROUNDS):
        yield Sight(tuple(Symbol(each.payload, flat.in_picture(each.corners)) for each in _read("local", flat.luma).symbols))


def _look_close(luma: Luma, corners: Corners, look: CloseLook) -> Sight:
    straight = straightened(luma, corners, side_px=look.side_px, margin=look.margin, turn_deg=look.turn_deg)
    if straight is None:
        return Sight()
    symbols = _read(look.decoder, look.treatment(straight.luma)).symbols
    return Sight(tuple(Symbol(each.payload, straight.in_picture(each.corners)) for each in symbols))


def _read(decoder: str, treated: Luma) -> Sight:
    try:
        return _decoder(decoder).read(treated)
    except Exception:  # noqa: BLE001  whatever a library makes of one treated picture, the others may be read
        return Sight()


@cache
def _decoder(name: str) -> Decoder:
    if name == "zbar":
        return open_decoder("zbar", thorough=True)
    return open_decoder("zxing", thorough=False, one_threshold=name == "global")
