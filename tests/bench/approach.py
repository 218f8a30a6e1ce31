"""Approach sequences: an empty scene, somebody brings a code from afar to its place, holds it there as hands do, and goes.

About 55 frames at 30 frames/s each, generated one by one. What makes them hard is what section 5 of decoding.md measured:
pixels a module, motion blur by the hand's speed, defocus, tilt, glare, dark mode, noise.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from device.demo.lens import HEIGHT, WIDTH, Pose, Sprite, glare, stand
from device.demo.props import held_thing
from device.demo.room import person
from device.demo.scenes import Held
from device.reader.frame import Luma
from tests.bench import empty
from tests.bench.seeds import APPROACH, stream
from tests.bench.sensor import Sensor
from tests.bench.sequence import BYTES_OF_VERSION, Shown, Thing, drawn_px_a_module, payload_of

SEQUENCES = 100
SIGMAS = (1.5, 3.0, 6.0, 10.0, 15.0)
"""Noise in grey levels; the sequences take turns."""

FRAMES_PER_S = 30
LEAVING_FRAMES = 4


@dataclass(frozen=True, slots=True)
class Hand:
    """How the code moves: where it comes from and rests, how large it is there, and how it sways (pixels, hertz)."""

    coming_frames: int
    holding_frames: int
    rest: Pose
    way_px: tuple[float, float]
    far_scale: float
    sway_px: tuple[float, float]
    sway_hz: tuple[float, float]
    phase: float
    shutter: float  # the part of a frame's time that it is open

    def pose(self, frame: float) -> Pose:
        """Where the code is; ``frame`` counts from its first appearance, with fractions."""
        away = self._away(frame)
        t = frame / FRAMES_PER_S
        x = self.sway_px[0] * math.sin(2 * math.pi * self.sway_hz[0] * t + self.phase)
        y = self.sway_px[1] * math.sin(2 * math.pi * self.sway_hz[1] * t)
        tilt = 1.5 * math.sin(2 * math.pi * self.sway_hz[1] * 0.6 * t + self.phase)
        rest = self.rest
        return Pose(
            x_px=rest.x_px + self.way_px[0] * away + x,
            y_px=rest.y_px + self.way_px[1] * away + y,
            scale=rest.scale + (self.far_scale - rest.scale) * min(away, 1.0),
            yaw_deg=rest.yaw_deg + tilt,
            roll_deg=rest.roll_deg - 8 * away,
            pitch_deg=rest.pitch_deg - tilt,
        )

    def smear_px(self, frame: float) -> tuple[float, float]:
        here, there = self.pose(frame), self.pose(frame + self.shutter)
        return there.x_px - here.x_px, there.y_px - here.y_px

    def _away(self, frame: float) -> float:
        """1 where the hand comes from, 0 at rest: quick at first, then slower and slower; and off again."""
        if frame < self.coming_frames:
            return float((1 - max(frame, 0.0) / self.coming_frames) ** 2.2)
        gone = frame - self.coming_frames - self.holding_frames
        return 1.4 * (gone / LEAVING_FRAMES) ** 2 if gone > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Approach:
    """One sequence; ``frames()`` makes it anew each time, the same to the bit."""

    base: int
    number: int
    payload: bytes = field(repr=False)
    sigma: float
    empty_frames: int
    room: Luma = field(repr=False)
    sensor: Sensor
    silhouette: Sprite = field(repr=False)
    chin_px: tuple[float, float]
    thing: Thing = field(repr=False)
    hand: Hand
    defocus_px: tuple[float, float]  # at rest, and far away

    def frames(self) -> Iterator[Shown]:
        hand = self.hand
        for number in range(self.empty_frames):
            yield Shown(self._expose(self.room, number))
        standing = self.room.copy()
        stand(standing, self.silhouette, *self.chin_px)
        for number in range(hand.coming_frames + hand.holding_frames + LEAVING_FRAMES):
            yield self._with_code(standing, number)

    def _with_code(self, standing: Luma, number: int) -> Shown:
        scene, pose = standing.copy(), self.hand.pose(number)
        near, far = self.defocus_px
        nearness = (pose.scale - self.hand.far_scale) / (self.hand.rest.scale - self.hand.far_scale)
        self.thing.draw(scene, pose, smear_px=self.hand.smear_px(number), defocus_px=far + (near - far) * nearness)
        return Shown(self._expose(scene, self.empty_frames + number), self.payload, self.thing.whole(pose))

    def _expose(self, scene: Luma, number: int) -> Luma:
        return self.sensor.expose(self.sensor.light(scene), stream(self.base, APPROACH, self.number, number))


def approach(base: int, number: int) -> Approach:
    """Sequence ``number`` of the seed ``base``."""
    rng = stream(base, APPROACH, number)
    version = 3 + number % len(BYTES_OF_VERSION)
    payload = payload_of(version, rng)
    held = _held(rng)
    sigma = SIGMAS[number % len(SIGMAS)]
    sprite = held_thing(held, payload, rng)
    if held in {Held.PHONE, Held.DARK_PHONE} and rng.random() < 0.3:
        x, y = sprite.anchor
        sprite = glare(sprite, x + float(rng.uniform(-130, 130)), y + float(rng.uniform(-130, 130)))
    hand = _hand(version, rng)
    side = 1 if hand.rest.x_px < WIDTH / 2 else -1
    return Approach(
        base,
        number,
        payload,
        sigma,
        empty_frames=int(rng.integers(10, 26)),
        room=empty.scene(empty.SCENES[int(rng.integers(len(empty.SCENES)))], base),
        sensor=_sensor(sigma, rng),
        silhouette=person(rng),
        chin_px=(hand.rest.x_px + side * float(rng.uniform(120, 320)), float(rng.uniform(230, 340))),
        thing=Thing(sprite, version),
        hand=hand,
        defocus_px=(float(rng.uniform(0.7, 1.4) if rng.random() < 0.25 else rng.uniform(0, 0.6)), float(rng.uniform(1.0, 2.2))),
    )


def _held(rng: np.random.Generator) -> Held:
    if rng.random() < 0.18:
        return Held.DARK_PHONE
    return (Held.PHONE, Held.PAPER, Held.CARD)[int(rng.integers(3))]


def _hand(version: int, rng: np.random.Generator) -> Hand:
    drawn_px = drawn_px_a_module(version)
    angle = float(rng.uniform(0, 2 * math.pi))
    way = float(rng.uniform(180, 420))
    return Hand(
        coming_frames=int(rng.integers(8, 15)),
        holding_frames=int(rng.integers(15, 21)),
        rest=Pose(
            x_px=WIDTH / 2 + float(rng.uniform(-220, 220)),
            y_px=HEIGHT / 2 + float(rng.uniform(-90, 60)),
            scale=float(rng.uniform(3.0, 7.0)) / drawn_px,
            yaw_deg=float(rng.uniform(-27, 27)),
            roll_deg=float(rng.uniform(-20, 20)),
            pitch_deg=float(rng.uniform(-27, 27)),
        ),
        way_px=(way * math.cos(angle), way * math.sin(angle)),
        far_scale=float(rng.uniform(1.3, 1.8)) / drawn_px,
        sway_px=(float(rng.uniform(1.5, 6)), float(rng.uniform(1.0, 4.5))),
        sway_hz=(float(rng.uniform(0.8, 2.2)), float(rng.uniform(0.7, 2.5))),
        phase=float(rng.uniform(0, 2 * math.pi)),
        shutter=float(rng.uniform(0.1, 0.5)),
    )


def _sensor(sigma: float, rng: np.random.Generator) -> Sensor:
    return Sensor(
        gain=float(rng.uniform(0.4, 1.1)),
        sigma=sigma,
        slope=float(rng.uniform(-0.35, 0.35)),
        sharpening=float(rng.uniform(0.8, 2.0)) if rng.random() < 0.3 else 0.0,
        jpeg_quality=int(rng.integers(55, 91)) if rng.random() < 0.3 else 0,
    )
