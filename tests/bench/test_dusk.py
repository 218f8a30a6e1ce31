from __future__ import annotations

import itertools
import math

from tests.bench.dusk import EMPTY_FRAMES, HELD_FRAMES, PRESENTATIONS, SIGMAS, SWAY_PX, presentation
from tests.bench.peers import zxing_defaults
from tests.bench.seeds import SCORING, TUNING


def test_a_presentation_is_the_same_again_and_no_two_frames_are_equal() -> None:
    once, again = list(presentation(TUNING, 1, 12.0).frames()), list(presentation(TUNING, 1, 12.0).frames())
    assert [(shown.luma.tobytes(), shown.code, shown.whole) for shown in once] == [(shown.luma.tobytes(), shown.code, shown.whole) for shown in again]
    assert len({shown.luma.tobytes() for shown in once}) == len(once)


def test_an_empty_scene_comes_first_then_the_whole_code_in_every_frame() -> None:
    shown = presentation(TUNING, 2, 18.0)
    assert [(each.code, each.whole) for each in shown.frames()] == [(None, False)] * EMPTY_FRAMES + [(shown.payload, True)] * HELD_FRAMES


def test_the_hand_sways_three_pixels_a_frame() -> None:
    poses = [presentation(TUNING, 0, 12.0)._pose(number) for number in range(20)]
    ways = [math.hypot(there.x_px - here.x_px, there.y_px - here.y_px) for here, there in itertools.pairwise(poses)]
    assert [round(way, 6) for way in ways] == [SWAY_PX] * 19


def test_hands_are_held_elsewhere_each_time_with_codes_of_their_own() -> None:
    hands = [presentation(base, number, SIGMAS[0]) for base in (TUNING, SCORING) for number in range(PRESENTATIONS)]
    assert len({hand.payload for hand in hands}) == len({(hand.rest.x_px, hand.rest.y_px) for hand in hands}) == 2 * PRESENTATIONS


def test_without_the_noise_all_would_be_read() -> None:
    hands = [presentation(TUNING, number, 1.0) for number in range(4)]
    assert [hand.payload in set().union(*(zxing_defaults(shown.luma) for shown in hand.frames())) for hand in hands] == [True] * 4
