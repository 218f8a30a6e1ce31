"""The decoder chain: cheap looks first, costly ones seldom (decoding.md section 4).

    main decoder on half size ─▶ main decoder on the full picture ─▶ every 6th miss: the others, while something moves

A look ends at the first stage that reads something. Two exceptions keep a dense code from hiding behind a coarse
one beside it: a code known to be in view that was not read sends the look on, and so does every fourth hit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from device.clock import monotonic_ns
from device.domain import Corners
from device.errors import HardwareError
from device.reader.decoders import DECODERS, PAYLOAD_MAX, Decoder, Symbol, open_decoder
from device.reader.frame import Luma
from device.reader.reduction import Reducer

MISSES_A_NET = 6
"""zbar on every miss costs 10-20 times the stages before it, and gains 0.3 points (decoding.md section 4)."""

HITS_A_FULL_LOOK = 4
"""At 30 frames/s a dense pass beside a coarse code is read within 0.13 s, well inside the gate's ``settle_s``."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One attempt: a decoder, on the half-size picture or on the whole."""

    name: str
    decoder: Decoder
    half: bool


@dataclass(frozen=True, slots=True)
class Reading:
    """A payload, where it stood in the full picture, and the stage that read it."""

    payload: bytes = field(repr=False)
    corners: Corners
    stage: str


@dataclass(slots=True)
class Spent:
    """Time that went into libraries and pixels, so that the loop's own time can be told apart."""

    decoding_ns: int = 0
    reduction_ns: int = 0


class Chain:
    """Reads one picture after the other. ``failures`` counts decoder errors and payloads of impossible size."""

    def __init__(self, main: Sequence[Stage], nets: Sequence[Stage] = (), *, clock: Callable[[], int] = monotonic_ns) -> None:
        self._main = tuple(main)
        self._nets = tuple(nets)
        self._clock = clock
        self._reducer = Reducer()
        self._misses = 0
        self._hits = 0
        self.spent = Spent()
        self.failures = 0

    def read(self, luma: Luma, *, moving: bool, in_view: Mapping[bytes, str] | None = None) -> tuple[Reading, ...]:
        """The codes of ``luma``, each payload once.

        ``moving`` allows the costly stages; ``in_view`` names the payloads that are known to be in view, and the
        stage that read each last.
        """
        wanted = in_view or {}
        found: dict[bytes, Reading] = {}
        for stage in self._main:
            self._run(stage, luma, found)
            if found and wanted.keys() <= found.keys() and (self._hits + 1) % HITS_A_FULL_LOOK:
                break
        self._hits = self._hits + 1 if found else 0
        self._misses = 0 if found else self._misses + moving
        net_due = moving and not found and self._misses % MISSES_A_NET == 0
        hidden = {stage for payload, stage in wanted.items() if payload not in found}
        for net in self._nets:
            if net_due or net.name in hidden:
                self._run(net, luma, found)
        return tuple(found.values())

    def _run(self, stage: Stage, luma: Luma, found: dict[bytes, Reading]) -> None:
        picture, scale = luma, 1
        if stage.half:
            begun = self._clock()
            picture, scale = self._reducer.half(luma), 2
            self.spent.reduction_ns += self._clock() - begun
        for symbol in self._decode(stage.decoder, picture):
            if 0 < len(symbol.payload) <= PAYLOAD_MAX:
                found.setdefault(symbol.payload, Reading(symbol.payload, _scaled(symbol.corners, scale), stage.name))
            else:
                self.failures += 1

    def _decode(self, decoder: Decoder, picture: Luma) -> list[Symbol]:
        begun = self._clock()
        try:
            return decoder.read(picture)
        except Exception:  # noqa: BLE001  a printed paper must not stop the gate, whatever a library makes of it: counted
            self.failures += 1
            return []
        finally:
            self.spent.decoding_ns += self._clock() - begun


def _scaled(corners: Corners, scale: int) -> Corners:
    if scale == 1:
        return corners
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = corners.points
    return Corners(((ax * scale, ay * scale), (bx * scale, by * scale), (cx * scale, cy * scale), (dx * scale, dy * scale)))


def open_chain(names: Sequence[str], *, clock: Callable[[], int] = monotonic_ns) -> Chain:
    """The chain of the decoders ``names``: the first is the main one, the others are its safety nets.

    Raises:
        HardwareError: there is none, or one of them is unknown, not installed, or fails its self-test.
    """
    if not names:
        raise HardwareError("no decoder is chosen: nothing could be read", hint=f"set reader.decoders to some of {', '.join(DECODERS)}")
    main, *nets = dict.fromkeys(names)
    return Chain(
        (
            Stage(f"{main}-half", open_decoder(main, thorough=False), half=True),
            Stage(f"{main}-full", open_decoder(main, thorough=True), half=False),
        ),
        [Stage(f"{net}-full", open_decoder(net, thorough=False), half=False) for net in nets],
        clock=clock,
    )
