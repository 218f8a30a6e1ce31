"""Which pictures a recording needs, and in which order they are played."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from device.demo.motion import Moment, approach, leave, rest, to_and_fro
from device.demo.scenes import CLOSING_GAP_S, FRAMES_PER_S, Presentation

if TYPE_CHECKING:
    from collections.abc import Sequence

REST_PLANES = 5
EMPTY_PLANES = 5
"""More than a gap has frames, so that no empty picture comes twice in one gap."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Pictures that are rendered together. ``planes`` are their numbers, ``moments`` says where the hand is in each."""

    planes: range
    dim: bool
    presentation: Presentation | None = None  # None: nobody is there
    moments: tuple[Moment, ...] = ()


@dataclass(frozen=True, slots=True)
class Shown:
    """When a presentation is played: the frames it is in view, and those of them in which it rests."""

    presentation: Presentation
    frames: range
    rest: range


@dataclass(frozen=True, slots=True)
class Plan:
    scenes: tuple[Scene, ...]
    schedule: tuple[int, ...]
    shown: tuple[Shown, ...]

    @property
    def planes(self) -> int:
        return sum(len(scene.planes) for scene in self.scenes)


def frames_of(seconds: float) -> int:
    return round(seconds * FRAMES_PER_S)


def way_of(presentation: Presentation) -> tuple[float, float]:
    """From where the hand comes, pixels from its resting place: from below, on the person's side; in a hurry, from the side."""
    look = presentation.look
    side = 1 if look.person % 2 else -1
    if look.hurried:
        return side * 620.0, 150.0
    return side * (60.0 if len(look.held) > 1 else 240.0), 500.0


def plan_of(presentations: Sequence[Presentation]) -> Plan:
    """The scenes, planes and playing order of a table of presentations. Raises ValueError for a time in view too short to rest in."""
    plan = _Growing()
    for presentation in presentations:
        plan.empty(frames_of(presentation.gap_s), dim=presentation.look.dim)
        plan.present(presentation)
    plan.empty(frames_of(CLOSING_GAP_S), dim=False)
    return Plan(tuple(plan.scenes), tuple(plan.schedule), tuple(plan.shown))


class _Growing:
    def __init__(self) -> None:
        self.scenes: list[Scene] = []
        self.schedule: list[int] = []
        self.shown: list[Shown] = []
        self._planes = 0
        self._empty: dict[bool, Scene] = {}

    def empty(self, frames: int, *, dim: bool) -> None:
        if frames and dim not in self._empty:
            self._empty[dim] = self._scene(EMPTY_PLANES, dim=dim)
        for _ in range(frames):
            planes = self._empty[dim].planes
            self.schedule.append(planes[len(self.schedule) % len(planes)])

    def present(self, presentation: Presentation) -> None:
        way = way_of(presentation)
        coming, going = approach(way, hurried=presentation.look.hurried), leave(way)
        resting = frames_of(presentation.hold_s) - len(coming) - len(going)
        if resting < 1:
            raise ValueError(f"{presentation.name!r} is in view for {presentation.hold_s} s, too short to rest in")
        places = max(2, min(REST_PLANES, resting))
        moments = (*coming, *rest(places), *going)
        scene = self._scene(len(moments), dim=presentation.look.dim, presentation=presentation, moments=moments)
        first, still = len(self.schedule), scene.planes[len(coming) : len(coming) + places]
        self.schedule += scene.planes[: len(coming)]
        self.schedule += [still[number] for number in to_and_fro(places, resting)]
        self.schedule += scene.planes[len(coming) + places :]
        begin = first + len(coming)
        self.shown.append(Shown(presentation, range(first, len(self.schedule)), range(begin, begin + resting)))

    def _scene(self, planes: int, *, dim: bool, presentation: Presentation | None = None, moments: tuple[Moment, ...] = ()) -> Scene:
        scene = Scene(range(self._planes, self._planes + planes), dim, presentation, moments)
        self.scenes.append(scene)
        self._planes += planes
        return scene
