"""Exposure for a hand that moves, in place of the camera's own. Pure: frames come in, wishes go out to a ``CameraControl``.

A camera's own exposure serves the eye: it keeps noise low and opens the shutter for long. A decoder bears noise better
than blur: half a module of blur is reached in 0.7 ms at 0.5 m/s (decoding.md section 5). So the shutter stays short and
the amplifier works first. Short shutters see the 100 Hz of lamps on 50 Hz mains as slow bands across the picture and
as frames that are lighter or darker by a third; decoders take their thresholds from the neighbourhood and do not care,
and the metering here is damped. Only a shutter that must be long anyway is made a multiple of 10 ms.

The exposure of each frame is told by the camera, and only frames that were taken as was asked are metered: so the two
or three frames between a wish and its effect cannot make it swing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from device.reader.chain import Look
from device.reader.change import Change
from device.reader.frame import Exposure, Frame, Luma
from device.reader.optics.bracket import Bracket
from device.reader.optics.metering import Light, light_of

SHARP_US, SOFT_US = 700, 1400
"""Blur of half a module at 0.5 and at 0.25 m/s; a phone's code has modules of 0.7 mm."""

CLEAN_GAIN = 8.0
"""Up to here the amplifier is used rather than a shutter of more than ``SHARP_US``."""

FLICKER_US = 10_000

TARGET = 110.0
"""Mean brightness. Below the middle: what is white to the end of the scale is lost, what is dark can be read."""

HIGH_MAX = 235
WHITE_MAX, WHITE_SOME = 0.02, 0.005
"""Shares of pixels without a value: with more the exposure goes down, with some it does not go up."""

STEP_MAX = 8.0
STEPS_DOWN = ((0.5, 1 / STEP_MAX), (0.1, 0.5), (0.0, 0.8))
DEAD = 1.15
"""A picture that is lighter or darker by less than this is left alone: one step of a wish is never seen twice."""

DAMPING = 0.3
FAR = 2.0
"""Beyond this factor the wish is followed at once, below it in parts: a lamp's flicker is a third."""

LOOKS_A_METERING = 3

NEAR = 1.3
LOOKS_TO_FOLLOW = 12
"""A frame is as was asked within this factor; a camera that has not followed by then cannot, and is taken as it is."""


LOOKS_TO_LEAVE = 10
"""A code that was read is lost for some frames while a hand sways; then the next person's turn has come."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a sensor can do; its least gain is 1."""

    shutter_min_us: int
    shutter_max_us: int
    gain_max: float

    @property
    def least(self) -> float:
        return float(self.shutter_min_us)

    @property
    def most(self) -> float:
        return self.shutter_max_us * self.gain_max


@runtime_checkable
class CameraControl(Protocol):
    """A camera whose exposure can be set. Both may be asked from another thread than the one its frames are taken in."""

    @property
    def limits(self) -> Limits | None:
        """``None`` where this camera has no such controls."""

    def expose(self, exposure: Exposure) -> None:
        """From some frame on, within three or so, take frames like this. Only a wish is left: this call waits for nothing."""


def amount_of(exposure: Exposure) -> float:
    """Microseconds at gain 1 that give the same brightness."""
    return exposure.shutter_us * exposure.gain


def split(amount: float, limits: Limits) -> Exposure:
    """``amount`` as a shutter as short as it can be: up to 0.7 ms, then gain up to 8, then 1.4 ms, then all of the gain, then longer."""
    amount = min(max(amount, limits.least), limits.most)
    shutter_us = min(amount, SHARP_US)
    if amount / shutter_us > min(CLEAN_GAIN, limits.gain_max):
        shutter_us = min(amount / min(CLEAN_GAIN, limits.gain_max), SOFT_US)
    if amount / shutter_us > limits.gain_max:
        shutter_us = amount / limits.gain_max
    if shutter_us >= FLICKER_US:
        shutter_us = math.ceil(shutter_us / FLICKER_US) * FLICKER_US
    whole_us = min(max(math.ceil(shutter_us), limits.shutter_min_us), limits.shutter_max_us)
    return Exposure(whole_us, min(max(amount / whole_us, 1.0), limits.gain_max))


def correction(light: Light) -> float:
    """By what factor the exposure is to change for this picture; 1 where it is well."""
    if light.white > WHITE_MAX:  # how much too light it is cannot be seen: the more is lost, the larger the step
        return next(step for share, step in STEPS_DOWN if light.white >= share)
    wanted = min(TARGET / max(light.mean, 1.0), HIGH_MAX / max(light.high, 1), STEP_MAX)
    if 1 / DEAD < wanted < DEAD or (wanted > 1 and light.white > WHITE_SOME):
        return 1.0
    return wanted


class HandExposure:
    """The strategy. ``look`` is called after every look."""

    def __init__(self, control: CameraControl, limits: Limits) -> None:
        self._control = control
        self._limits = limits
        self._base: float | None = None
        self._asked: Exposure | None = None
        self._bracket = Bracket()
        self._unmetered = 0
        self._well = False
        self._unfollowed = 0
        self._missed = 0
        self._held: float | None = None
        """The exposure at which a code was read that is in view: it is kept, or its track would leave and come again."""

    def look(self, frame: Frame, change: Change, look: Look) -> None:
        """Take in one look; frames that do not tell their exposure are left alone."""
        if frame.exposure is None or not frame.luma.size:
            return
        taken = amount_of(frame.exposure)
        if self._base is None:
            self._base = taken
        if look.readings:
            self._held = self._held or (taken if self._bracket.running else None)
            self._bracket.end()
            self._missed = 0
        else:
            self._unread(frame, change, look, taken)
        self._ask(self._held or self._base * self._bracket.factor)

    def _unread(self, frame: Frame, change: Change, look: Look, taken: float) -> None:
        self._missed += 1
        if not change.moved or self._missed >= LOOKS_TO_LEAVE:
            self._held = None
        if self._bracket.running:
            self._bracket.look(frame, change, look)
        elif not self._held and self._followed(taken):
            self._meter(frame.luma, taken, moved=change.moved)
            if self._well:  # else a better exposure is on its way
                self._bracket.look(frame, change, look)

    def _followed(self, taken: float) -> bool:
        """Does the camera do what was asked?"""
        assert self._base is not None  # noqa: S101  set by the caller
        self._unfollowed = 0 if 1 / NEAR < taken / self._base < NEAR else self._unfollowed + 1
        return not 0 < self._unfollowed < LOOKS_TO_FOLLOW

    def _meter(self, luma: Luma, taken: float, *, moved: bool) -> None:
        self._unmetered += 1
        if moved and self._well and self._unmetered < LOOKS_A_METERING:
            return
        self._unmetered = 0
        assert self._base is not None  # noqa: S101  set by the caller
        wanted = min(max(taken * correction(light_of(luma)), self._limits.least), self._limits.most)
        apart = wanted / self._base
        self._well = 1 / DEAD < apart < DEAD
        self._base *= apart if not 1 / FAR < apart < FAR else apart**DAMPING

    def _ask(self, amount: float) -> None:
        exposure = split(amount, self._limits)
        if self._asked is None or not 1 / DEAD < amount_of(exposure) / amount_of(self._asked) < DEAD:
            self._asked = exposure
            self._control.expose(exposure)
