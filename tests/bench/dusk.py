"""Low light, as decoding.md section 11 describes it: gain 0.35, a hand that sways 3 pixels a frame, and much noise.

Presentations of 24 frames after an empty scene, the code 25 to 45 % of the picture's height, at another place each time;
before a hall, with a person behind it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from device.demo.lens import HEIGHT, WIDTH, Pose, Sprite, stand
from device.demo.props import QUIET_ZONE, held_thing
from device.demo.room import person
from device.demo.scenes import Held
from device.reader.frame import Luma
from tests.bench import empty
from tests.bench.seeds import DUSK, stream
from tests.bench.sensor import Sensor
from tests.bench.sequence import Shown, Thing, dimmed, drawn_px_a_module, modules_of, payload_of

SIGMAS = (12.0, 18.0, 24.0, 32.0)
PRESENTATIONS = 16
"""For each sigma."""

GAIN = 0.35
THING_GAIN = 0.5
"""What is held up turns its back to the light. Chosen on tuning pictures so that single frames are read about as section 11
says; no chain had a say. Half > full reads 36, 0, 0 and 0 % of the frames (there: 28, 3, 0 and 0); with frames smoothed,
29 of 64 presentations are read (there: 33).
"""

SWAY_PX = 3.0
"""A frame, whichever way."""

EMPTY_FRAMES, HELD_FRAMES = 12, 24
SHUTTER = 0.9
"""The part of a frame's time that the shutter is open: long, as it must be at dusk."""

TURN_FRAMES = 14
"""The hand goes round once in so many frames."""


@dataclass(frozen=True, slots=True)
class Presentation:
    """``frames()`` makes it anew each time, the same to the bit."""

    base: int
    number: int
    payload: bytes = field(repr=False)
    sensor: Sensor
    room: Luma = field(repr=False)
    silhouette: Sprite = field(repr=False)
    chin_px: tuple[float, float]
    thing: Thing = field(repr=False)
    rest: Pose
    phase: float

    def frames(self) -> Iterator[Shown]:
        for number in range(EMPTY_FRAMES):
            yield Shown(self._expose(self.room, number))
        standing = self.room.copy()
        stand(standing, self.silhouette, *self.chin_px)
        for number in range(EMPTY_FRAMES, EMPTY_FRAMES + HELD_FRAMES):
            scene = standing.copy()
            here, there = self._pose(number), self._pose(number + SHUTTER)
            self.thing.draw(scene, here, smear_px=(there.x_px - here.x_px, there.y_px - here.y_px))
            yield Shown(self._expose(scene, number), self.payload, self.thing.whole(here))

    def _pose(self, number: float) -> Pose:
        angle = 2 * math.pi * number / TURN_FRAMES + self.phase
        radius = SWAY_PX / (2 * math.sin(math.pi / TURN_FRAMES))  # the chord between two frames is SWAY_PX
        rest = self.rest
        x, y = rest.x_px + radius * math.cos(angle), rest.y_px + radius * math.sin(angle)
        return Pose(x, y, rest.scale, rest.yaw_deg, rest.roll_deg, rest.pitch_deg)

    def _expose(self, scene: Luma, number: int) -> Luma:
        return self.sensor.expose(self.sensor.light(scene), stream(self.base, DUSK, self.number, number))


def presentation(base: int, number: int, sigma: float) -> Presentation:
    """Presentation ``number`` of the seed ``base``; the same number is the same hand at another noise."""
    rng = stream(base, DUSK, number)
    version = int(rng.integers(5, 11))
    payload = payload_of(version, rng)
    side_px = HEIGHT * float(rng.uniform(0.25, 0.45))
    rest = Pose(
        x_px=WIDTH / 2 + float(rng.uniform(-240, 240)),
        y_px=HEIGHT / 2 + float(rng.uniform(-70, 70)),
        scale=side_px / ((modules_of(version) + 2 * QUIET_ZONE) * drawn_px_a_module(version)),
        yaw_deg=float(rng.uniform(-12, 12)),
        roll_deg=float(rng.uniform(-12, 12)),
        pitch_deg=float(rng.uniform(-12, 12)),
    )
    held = (Held.PHONE, Held.PAPER, Held.CARD)[int(rng.integers(3))]
    side = 1 if rest.x_px < WIDTH / 2 else -1
    return Presentation(
        base,
        number,
        payload,
        sensor=Sensor(gain=GAIN, sigma=sigma, shot=False),
        room=empty.scene("smooth", base),
        silhouette=person(rng),
        chin_px=(rest.x_px + side * float(rng.uniform(150, 320)), float(rng.uniform(240, 340))),
        thing=Thing(dimmed(held_thing(held, payload, rng), THING_GAIN), version),
        rest=rest,
        phase=float(rng.uniform(0, 2 * math.pi)),
    )
