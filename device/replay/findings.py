"""What a replay finds, as frozen values. Times are seconds since the first frame; frames are numbered by the source.

Nothing here can be turned back into a payload. Equal codes are told to be equal by a number: 1 for the first code of the replay,
2 for the next that is another. A keyed hash would do that too; a number cannot be reversed, whoever learns whatever.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from device.links import EyesState
from device.replay.diagnosis import Diagnosis

MOVING, LOOKED, UNREAD = 1, 2, 4
"""Bits of ``Timeline.flags``: something moved; the decoders looked; a symbol was found and not read."""


@dataclass(frozen=True, slots=True)
class Presentation:
    """One code, held up once.

    ``seen_s`` is when something began to move before it, or its symbol was found; ``found_s`` when the symbol was found, read or not.
    ``frames`` are those from then to the last read, ``looks`` those of them that the decoders saw, ``reads`` those that were read, by
    stage in ``stages``. ``left_s`` is when the reader said that it left: ``None`` where the material ended before.
    """

    code: int
    kind: str
    bytes: int
    seen_s: float
    found_s: float
    read_s: float
    read_frame: int
    waited_s: float
    stage: str
    stages: dict[str, int]
    frames: int
    looks: int
    reads: int
    last_read_s: float
    left_s: float | None
    module_px: float | None
    thumbnail: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Missed:
    """A span in which something was before the lens and nothing was read.

    ``found`` says whether a symbol was found (``looks`` counts how often): only that is a fault. Else something moved for long.
    """

    found: bool
    from_s: float
    to_s: float
    first_frame: int
    last_frame: int
    looks: int
    why: Diagnosis
    thumbnail: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Totals:
    """``looks_read`` counts, by stage, the looks that read something; ``looks_unread`` those that only found a symbol. CPU is the reader's
    own thread, without reading the file and without the diagnosis.
    """

    frames: int
    broken: int
    seconds: float
    idle_share: float
    looks: int
    looks_read: dict[str, int]
    looks_unread: int
    looks_nothing: int
    cpu_mean_ms: float
    cpu_p95_ms: float
    cpu_worst_ms: float


@dataclass(frozen=True, slots=True)
class Timeline:
    """Frame by frame, for the plot: when, what, which stage read (an index into ``stages``, 255 for none), and the state of the eyes."""

    at_s: list[float]
    flags: bytes
    stage: bytes
    stages: tuple[str, ...]
    eyes: tuple[tuple[float, EyesState], ...]


@dataclass(frozen=True, slots=True)
class Findings:
    """All of it. ``broke_off`` says why the material ended early, ``interrupted`` that somebody pressed Ctrl-C."""

    name: str
    kind: str
    width: int
    height: int
    totals: Totals
    presentations: tuple[Presentation, ...]
    missed: tuple[Missed, ...]
    timeline: Timeline = field(repr=False)
    broke_off: str = ""
    interrupted: bool = False

    @property
    def unread(self) -> tuple[Missed, ...]:
        """The misses that are faults: a symbol was found and never read."""
        return tuple(each for each in self.missed if each.found)
