"""What a generated sequence is made of: frames with their truth, and codes that people hold up."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageFilter

from device.demo.lens import HEIGHT, WIDTH, Pose, Sprite, homography, project, put
from device.demo.props import CODE_PX, QUIET_ZONE
from device.reader.frame import Luma

BYTES_OF_VERSION = {3: 42, 4: 62, 5: 84, 6: 106, 7: 122, 8: 152, 9: 180, 10: 213}
"""What fits a version, error correction M, byte mode (ISO/IEC 18004, table 7)."""

LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_|:"
"""ASCII only: zbar guesses charsets, and here reading is compared, not guessing."""


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """One frame. ``code`` is the payload held up, or ``None``; ``whole`` says that all of its symbol is in the picture."""

    luma: Luma
    code: bytes | None = field(default=None, repr=False)
    whole: bool = False


def payload_of(version: int, rng: np.random.Generator) -> bytes:
    """A made-up payload that needs a symbol of just this version."""
    most = BYTES_OF_VERSION[version]
    least = BYTES_OF_VERSION.get(version - 1, most - 16) + 1
    letters = rng.choice(np.frombuffer(LETTERS, np.uint8), int(rng.integers(least, most + 1)))
    return b"999" + letters.astype(np.uint8).tobytes()[3:]


def modules_of(version: int) -> int:
    """Modules a side, without the quiet zone."""
    return 17 + 4 * version


def drawn_px_a_module(version: int) -> int:
    """How large ``device.demo.props`` draws a module."""
    return CODE_PX // (modules_of(version) + 2 * QUIET_ZONE)


def dimmed(sprite: Sprite, gain: float) -> Sprite:
    return Sprite(sprite.light.point(lambda grey: round(grey * gain)), sprite.cover, sprite.anchor)


class Thing:
    """A thing with a code on it, ready to be drawn small and out of focus without aliasing."""

    def __init__(self, sprite: Sprite, version: int) -> None:
        self._sprites = functools.lru_cache(maxsize=8)(self._prepared)
        self._sprite = sprite
        self._half_side = modules_of(version) * drawn_px_a_module(version) / 2

    def draw(self, scene: Luma, pose: Pose, *, smear_px: tuple[float, float] = (0.0, 0.0), defocus_px: float = 0.0) -> None:
        """``defocus_px`` is the blur's standard deviation, in pixels of the frame."""
        factor = max(1, int(1 / pose.scale))
        blur_px = round(4 * defocus_px / (pose.scale * factor)) / 4  # in quarters of a pixel, so that a resting hand is prepared once
        put(scene, self._sprites(factor, blur_px), _scaled(pose, factor), smear_px)

    def whole(self, pose: Pose) -> bool:
        """Is all of the symbol in the picture?"""
        matrix = homography(pose, self._sprite.anchor)
        x, y = self._sprite.anchor
        corners = [project(matrix, x + across * self._half_side, y + down * self._half_side) for across in (-1, 1) for down in (-1, 1)]
        return all(0 <= left < WIDTH and 0 <= top < HEIGHT for left, top in corners)

    def _prepared(self, factor: int, blur_px: float) -> Sprite:
        light, cover = (_blurred(_reduced(each, factor), blur_px) for each in (self._sprite.light, self._sprite.cover))
        x, y = self._sprite.anchor
        return Sprite(light, cover, (x / factor, y / factor))


def _scaled(pose: Pose, factor: int) -> Pose:
    return Pose(pose.x_px, pose.y_px, pose.scale * factor, pose.yaw_deg, pose.roll_deg, pose.pitch_deg)


def _reduced(picture: Image.Image, factor: int) -> Image.Image:
    return picture.reduce(factor) if factor > 1 else picture


def _blurred(picture: Image.Image, blur_px: float) -> Image.Image:
    return picture.filter(ImageFilter.GaussianBlur(blur_px)) if blur_px else picture
