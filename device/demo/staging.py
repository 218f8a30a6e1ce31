"""Puts people and the things they hold into the hall, moment by moment."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from device.demo.lens import WIDTH, Pose, Sprite, glare, put, stand
from device.demo.props import held_thing
from device.demo.room import person
from device.demo.scenes import Held

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from device.demo.motion import Moment
    from device.demo.scenes import Presentation

_RESTING_Y_PX = 322.0
_SINGLE_SCALE, _SINGLE_ASIDE_PX = 1.05, 40.0
_PAIR_SCALE, _PAIR_APART_PX = 0.93, 450.0
_CARD_ASIDE_PX = 190.0  # a card reaches far to the left of its code: move it, or it hides a person who stands there
_PERSON_ASIDE_PX, _CHIN_Y_PX = 275.0, 345.0
_STEP_PX = 620.0  # from before the camera to out of sight, less what stands aside already
_GLARE_AT_PX = (112.0, 108.0)  # from the middle of the code: over its corner without a finder pattern


@dataclass(frozen=True, slots=True)
class Cast:
    """The people and things of one presentation, each with the place it comes to rest in."""

    person: Sprite
    stands_px: tuple[float, float]
    things: tuple[tuple[Sprite, Pose], ...]

    def enter(self, hall: NDArray[np.uint8], absence: float) -> NDArray[np.uint8]:
        """The hall (height x width) with the person in it, on the way from their side of the picture."""
        scene = hall.copy()
        x, y = self.stands_px
        stand(scene, self.person, x + absence * _STEP_PX * (1 if x > WIDTH / 2 else -1), y)
        return scene

    def hold_up(self, scene: NDArray[np.uint8], moment: Moment) -> NDArray[np.uint8]:
        """``scene`` with what they hold in it, where it is in this moment."""
        scene = scene.copy()
        for sprite, pose in self.things:
            put(scene, sprite, _moved(pose, moment), moment.smear_px)
        return scene


def cast_of(presentation: Presentation, seed: int) -> Cast:
    """The same person number gives the same person, the same hand and the same side of the picture."""
    look = presentation.look
    whose = np.random.default_rng([seed, 2, look.person])
    side = 1 if look.person % 2 else -1
    silhouette, hand = person(whose), whose.spawn(1)[0]
    pair = len(look.held) > 1
    stands = (WIDTH / 2 + side * (6 if pair else _PERSON_ASIDE_PX), _CHIN_Y_PX - (40 if pair else 0))
    things = []
    for number, (held, payload) in enumerate(zip(look.held, presentation.payloads, strict=True)):
        aside = _PAIR_APART_PX * (number - 0.5) if pair else -side * _SINGLE_ASIDE_PX
        if held is Held.CARD and side < 0:
            aside += _CARD_ASIDE_PX
        pose = Pose(WIDTH / 2 + aside, _RESTING_Y_PX, _PAIR_SCALE if pair else _SINGLE_SCALE, look.yaw_deg, look.roll_deg)
        thing = held_thing(held, payload, hand)
        if look.glare:
            thing = glare(thing, thing.anchor[0] + _GLARE_AT_PX[0], thing.anchor[1] + _GLARE_AT_PX[1])
        things.append((thing, pose))
    return Cast(silhouette, stands, tuple(things))


def _moved(pose: Pose, moment: Moment) -> Pose:
    x, y = moment.offset_px
    return replace(pose, x_px=pose.x_px + x, y_px=pose.y_px + y, scale=pose.scale * moment.scale, roll_deg=pose.roll_deg + moment.roll_deg)
