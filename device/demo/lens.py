"""From things in a room to the luma of a camera frame: perspective, motion, glare, lens, vignette, sensor noise."""

from __future__ import annotations

import functools
import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageChops, ImageFilter

if TYPE_CHECKING:
    from numpy.typing import NDArray

WIDTH, HEIGHT = 1280, 720
FOCAL_PX = 1300.0
"""Focal length: a 52° wide lens, as small board cameras have."""

DAY_NOISE, DIM_NOISE = 3.0, 8.0
"""Sensor noise in grey levels (standard deviation); in low light the sensor is amplified, and its noise with it."""
DIM_LIGHT = 0.36
BLACK_LEVEL = 6
GLARE_PX = (250, 190)
"""Wide and high: a lamp mirrored in a phone's glass."""


@dataclass(frozen=True, slots=True)
class Sprite:
    """A flat thing: light times coverage, and coverage (8-bit pictures of one size).

    Its ``anchor`` (pixels) is put where the pose says, at one pixel of the sprite a pixel of the frame for scale 1.
    """

    light: Image.Image
    cover: Image.Image
    anchor: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Pose:
    x_px: float
    y_px: float
    scale: float = 1.0
    yaw_deg: float = 0.0
    roll_deg: float = 0.0
    pitch_deg: float = 0.0


def cut_out(picture: Image.Image, cover: Image.Image, anchor: tuple[float, float], softness_px: float = 0.0) -> Sprite:
    """A sprite of a picture and its outline; softened after cutting out, so that the outline is as soft as the rest."""
    black = Image.new("L", picture.size, 0)
    light = Image.composite(picture, black, cover)
    if softness_px:
        blur = ImageFilter.GaussianBlur(softness_px)
        light, cover = light.filter(blur), cover.filter(blur)
    return Sprite(light, cover, anchor)


def homography(pose: Pose, anchor: tuple[float, float]) -> NDArray[np.float64]:
    """The 3x3 matrix from sprite pixels to frame pixels of a pinhole camera that looks straight at the pose's place."""
    yaw, roll, pitch = math.radians(pose.yaw_deg), math.radians(pose.roll_deg), math.radians(pose.pitch_deg)
    across = np.array([math.cos(roll) * math.cos(yaw), math.sin(roll), -math.cos(roll) * math.sin(yaw)])
    along = np.array([-math.sin(roll) * math.cos(yaw), math.cos(roll), math.sin(roll) * math.sin(yaw)])
    along = along * math.cos(pitch) + np.cross(across, along) * math.sin(pitch)
    distance = FOCAL_PX / pose.scale
    plane = np.column_stack([across, along, np.array([0.0, 0.0, distance])])
    camera = np.array([[FOCAL_PX, 0.0, pose.x_px], [0.0, FOCAL_PX, pose.y_px], [0.0, 0.0, 1.0]])
    to_anchor = np.array([[1.0, 0.0, -anchor[0]], [0.0, 1.0, -anchor[1]], [0.0, 0.0, 1.0]])
    matrix: NDArray[np.float64] = camera @ plane @ to_anchor
    return matrix


def project(matrix: NDArray[np.float64], x: float, y: float) -> tuple[float, float]:
    across, along, depth = matrix @ np.array([x, y, 1.0])
    return float(across / depth), float(along / depth)


def put(scene: NDArray[np.uint8], sprite: Sprite, pose: Pose, smear_px: tuple[float, float] = (0.0, 0.0)) -> None:
    """Draw the sprite into ``scene`` (height x width), smeared along ``smear_px``, cut at the edges."""
    matrix = homography(pose, sprite.anchor)
    box = _box(matrix, sprite.light.size, smear_px)
    if box is None:
        return
    left, top, right, bottom = box
    back = np.linalg.inv(matrix) @ np.array([[1.0, 0.0, left], [0.0, 1.0, top], [0.0, 0.0, 1.0]])
    coefficients = tuple(float(value) for value in (back / back[2, 2]).ravel()[:8])
    if pose.yaw_deg or pose.pitch_deg:
        method = Image.Transform.PERSPECTIVE
    else:
        method, coefficients = Image.Transform.AFFINE, coefficients[:6]  # the same picture, a quarter faster
    light, cover = (
        _smear(np.asarray(picture.transform((right - left, bottom - top), method, coefficients, Image.Resampling.BILINEAR), np.float32), smear_px)
        for picture in (sprite.light, sprite.cover)
    )
    _blend(scene, light, cover, left, top)


def stand(scene: NDArray[np.uint8], sprite: Sprite, x_px: float, y_px: float) -> None:
    """Draw the sprite as it is, its anchor at (``x_px``, ``y_px``): for what is far and out of focus, where no tilt shows."""
    left, top = round(x_px - sprite.anchor[0]), round(y_px - sprite.anchor[1])
    _blend(scene, np.asarray(sprite.light, np.float32), np.asarray(sprite.cover, np.float32), left, top)


def glare(sprite: Sprite, x_px: float, y_px: float) -> Sprite:
    """The sprite with a lamp mirrored in its glass at (``x_px``, ``y_px``) of it: burnt out in the middle, soft at the rim."""
    spot = Image.new("L", sprite.light.size, 0)
    rim = Image.radial_gradient("L").resize(GLARE_PX)  # 0 in the middle, 255 at the corners
    spot.paste(rim.point(lambda grey: max(0, 330 - 3 * grey)).rotate(-25), (round(x_px) - GLARE_PX[0] // 2, round(y_px) - GLARE_PX[1] // 2))
    lit = ImageChops.multiply(spot, sprite.cover)
    return Sprite(ImageChops.add(sprite.light, lit), sprite.cover, sprite.anchor)


def expose(scene: NDArray[np.uint8], rng: np.random.Generator, *, dim: bool) -> NDArray[np.uint8]:
    """What the sensor makes of the scene (both height x width): lens blur, light and vignette, noise."""
    light = _through_lens(scene) * _vignette()
    if dim:
        light *= np.float32(DIM_LIGHT)
    chances = np.frombuffer(rng.bytes(WIDTH * HEIGHT), np.uint8).reshape(HEIGHT, WIDTH)
    light += _noise_levels(DIM_NOISE if dim else DAY_NOISE)[chances]
    np.clip(light, 0, 255, out=light)
    return light.astype(np.uint8)


def _through_lens(scene: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Blurred by 1-2-1 both ways, which is a Gaussian of 0.7 pixels."""
    down = scene.astype(np.uint16) * 4
    down[1:-1] = scene[:-2] + 2 * scene[1:-1].astype(np.uint16) + scene[2:]
    both = down * 4
    both[:, 1:-1] = down[:, :-2] + 2 * down[:, 1:-1] + down[:, 2:]
    return both.astype(np.float32) / np.float32(16)


@functools.cache
def _noise_levels(deviation: float) -> NDArray[np.float32]:
    """The 256 equally likely levels of a normal distribution around the black level, plus half a grey level for rounding.

    A random byte chooses one of them: four times faster than drawing each from the distribution.
    """
    normal = statistics.NormalDist(BLACK_LEVEL + 0.5, deviation)
    return np.array([normal.inv_cdf((chance + 0.5) / 256) for chance in range(256)], np.float32)


def _blend(scene: NDArray[np.uint8], light: NDArray[np.float32], cover: NDArray[np.float32], left: int, top: int) -> None:
    """Lay ``light`` over what it leaves uncovered of the scene, cut at the scene's edges."""
    height, width = light.shape
    x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + width, WIDTH), min(top + height, HEIGHT)
    if x0 >= x1 or y0 >= y1:
        return
    cut = np.s_[y0 - top : y1 - top, x0 - left : x1 - left]
    under = scene[y0:y1, x0:x1]
    mixed = under * (np.float32(1) - cover[cut] * np.float32(1 / 255))
    mixed += light[cut]
    np.clip(mixed, 0, 255, out=mixed)
    under[:] = mixed


def _box(matrix: NDArray[np.float64], size: tuple[int, int], smear_px: tuple[float, float]) -> tuple[int, int, int, int] | None:
    """Where the sprite falls in the frame, with a margin for the smear; ``None`` outside of it."""
    corners = [project(matrix, x, y) for x in (0, size[0]) for y in (0, size[1])]
    margin_x, margin_y = (math.ceil(abs(part)) + 2 for part in smear_px)
    left = max(math.floor(min(x for x, _ in corners)), 0) - margin_x
    top = max(math.floor(min(y for _, y in corners)), 0) - margin_y
    right = min(math.ceil(max(x for x, _ in corners)), WIDTH) + margin_x
    bottom = min(math.ceil(max(y for _, y in corners)), HEIGHT) + margin_y
    return (left, top, right, bottom) if right - margin_x > left + margin_x and bottom - margin_y > top + margin_y else None


def _smear(picture: NDArray[np.float32], smear_px: tuple[float, float]) -> NDArray[np.float32]:
    """The mean of the picture along a way, by halving: each step averages with itself shifted by half of what is left."""
    length = max(abs(smear_px[0]), abs(smear_px[1]))
    part = 0.5
    while length * part >= 0.5:  # a shift under half a pixel is none
        picture = (picture + _shifted(picture, round(smear_px[0] * part), round(smear_px[1] * part))) * np.float32(0.5)
        part /= 2
    return picture


def _shifted(picture: NDArray[np.float32], x: int, y: int) -> NDArray[np.float32]:
    height, width = picture.shape
    moved = np.zeros_like(picture)
    moved[max(y, 0) : height + min(y, 0), max(x, 0) : width + min(x, 0)] = picture[max(-y, 0) : height + min(-y, 0), max(-x, 0) : width + min(-x, 0)]
    return moved


@functools.cache
def _vignette() -> NDArray[np.float32]:
    x = np.linspace(-1, 1, WIDTH, dtype=np.float32)
    y = np.linspace(-1, 1, HEIGHT, dtype=np.float32)[:, None] * np.float32(HEIGHT / WIDTH)
    return (np.float32(1.02) - np.float32(0.33) * (x * x + y * y)).astype(np.float32)
