from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image

from device.reader import read_still
from device.reader.frame import Luma
from device.replay.thumbnails import BLOCKS, SIDE_MAX_PX, Thumbnails
from tests.device.reader.pictures import code
from tests.device.replay.defects import printed, shot

LIGHT, CORNERS = printed(module_px=6)
PICTURE = shot(LIGHT)


def made(*, read: bool = True, picture: Luma = PICTURE) -> Luma | None:
    thumbnails = Thumbnails(keep=True)
    thumbnails.read, thumbnails.unread = ((CORNERS,), ()) if read else ((), (CORNERS,))
    text = thumbnails.crop(picture, CORNERS)
    return None if text is None else np.asarray(Image.open(io.BytesIO(base64.b64decode(text))))


def test_none_is_made_unless_they_are_wanted() -> None:
    assert Thumbnails(keep=False).crop(PICTURE, CORNERS) is None


def test_a_thumbnail_is_small_and_nothing_can_be_read_in_it() -> None:
    for read in (True, False):
        picture = made(read=read)
        assert picture is not None
        assert max(picture.shape) <= SIDE_MAX_PX
        enlarged = np.asarray(Image.fromarray(picture).resize((960, 960), Image.Resampling.BICUBIC))
        assert (read_still(picture), read_still(enlarged)) == ([], [])


def test_two_codes_that_differ_only_in_their_modules_look_nearly_alike() -> None:
    """What is left of a code are a few means: far less than the bits of a payload."""
    one, other = (made(picture=shot(printed(payload, module_px=6)[0])) for payload in (b"9990000000012345", b"9990000000098765"))
    assert one is not None
    assert other is not None
    assert BLOCKS**2 < 21**2 / 9  # three modules a side in each tile of the smallest symbol
    assert np.abs(one.astype(int) - other).mean() < 12


def test_a_picture_in_which_another_code_can_still_be_read_is_thrown_away() -> None:
    light = LIGHT.copy()
    other = code(b"b", scale=2)
    top, left = int(CORNERS.points[0][1]), int(CORNERS.points[1][0]) + 16
    light[top : top + other.shape[0], left : left + other.shape[1]] = other
    assert made(picture=shot(light)) is None


def test_the_frame_itself_is_left_as_it_was() -> None:
    picture = PICTURE.copy()
    made(picture=picture)
    assert np.array_equal(picture, PICTURE)
