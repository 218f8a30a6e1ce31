from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from device.demo.lens import HEIGHT, WIDTH, Pose, cut_out, expose, glare, homography, project, put, stand

GREY = np.full((HEIGHT, WIDTH), 100, np.uint8)


def square(side: int, shade: int = 200) -> Image.Image:
    return Image.new("L", (side, side), shade)


def test_the_anchor_is_put_where_the_pose_says() -> None:
    matrix = homography(Pose(640, 300, scale=1.2, yaw_deg=25, roll_deg=10), (150, 90))
    assert project(matrix, 150, 90) == pytest.approx((640, 300))


def test_a_turned_thing_is_narrower_and_its_far_side_is_lower() -> None:
    matrix = homography(Pose(640, 360, yaw_deg=25), (150, 150))
    (left, top_left), (right, top_right) = project(matrix, 0, 0), project(matrix, 300, 0)
    bottom_left, bottom_right = project(matrix, 0, 300)[1], project(matrix, 300, 300)[1]
    assert right - left == pytest.approx(300 * np.cos(np.radians(25)), rel=0.03)
    assert (bottom_right - top_right) / (bottom_left - top_left) > 1.08


def test_what_is_out_of_frame_is_not_drawn() -> None:
    scene = GREY.copy()
    thing = cut_out(square(80), square(80, 255), (40, 40))
    put(scene, thing, Pose(640, HEIGHT + 60), (0, 10))
    stand(scene, thing, -100, 300)
    assert np.array_equal(GREY, scene)


def test_a_thing_at_rest_covers_what_is_behind_it_and_a_smeared_one_lets_it_through() -> None:
    thing = cut_out(square(80), square(80, 255), (40, 40))
    still, moving = GREY.copy(), GREY.copy()
    put(still, thing, Pose(640, 360))
    put(moving, thing, Pose(640, 360), (120, 0))
    assert (still[360, 640], still[360, 700]) == (200, 100)
    assert 100 < moving[360, 700] < 200


def test_glare_is_burnt_out_in_its_middle_and_stays_on_the_glass() -> None:
    cover = Image.new("L", (600, 600), 0)
    cover.paste(255, (0, 0, 300, 600))
    lit = glare(cut_out(square(600, 40), cover, (0, 0)), 290, 300)
    assert (lit.light.getpixel((290, 300)), lit.light.getpixel((60, 300)), lit.light.getpixel((310, 300))) == (255, 40, 0)


@pytest.mark.parametrize(("dim", "deviation"), [(False, 3.0), (True, 8.0)])
def test_the_sensor_adds_the_noise_of_its_light(dim: bool, deviation: float) -> None:
    picture = expose(GREY, np.random.default_rng(1), dim=dim)
    middle = picture[300:420, 580:700].astype(float)
    assert middle.std() == pytest.approx(deviation, rel=0.06)
    assert picture.shape == (HEIGHT, WIDTH)


def test_corners_are_darker_than_the_middle() -> None:
    picture = expose(GREY, np.random.default_rng(1), dim=False)
    assert picture[:60, :60].mean() < 0.75 * picture[330:390, 610:670].mean()
