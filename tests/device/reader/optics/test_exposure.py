"""The strategy in a closed loop with a simulated sensor and a real decoder."""

from __future__ import annotations

import math

import numpy as np
import pytest

from device.domain import Corners
from device.reader.chain import Look, Reading
from device.reader.change import STILL, Change
from device.reader.decoders import open_decoder
from device.reader.frame import Exposure, Frame
from device.reader.optics.exposure import FLICKER_US, SHARP_US, SOFT_US, HandExposure, Limits, amount_of, split
from device.reader.steady import SteadyDetector
from tests.device.reader.pictures import VIETNAMESE, code
from tests.device.reader.sensor import LIMITS, Radiance, Scene, Sensor
from tests.device.reader.views import blurred, hall

ZXING = open_decoder("zxing", thorough=True)
HALL = hall(np.random.default_rng(1), width=320, height=240) / 255
PX_A_MODULE = 4
MODULES_PER_S = 0.5 / 0.0007  # 0.5 m/s, 0.7 mm a module


def shown(white: float, black: float, *, blur: float = 0.0) -> Radiance:
    """A code of that radiance."""
    return black + (white - black) * blurred(code(VIETNAMESE, scale=PX_A_MODULE, error="m"), blur) / 255


class Gate:
    """Sensor, decoder and strategy, frame by frame."""

    def __init__(self, sensor: Sensor, *, controlled: bool = True) -> None:
        self.sensor = sensor
        self.strategy = HandExposure(sensor, sensor.limits) if controlled else None
        self.detector = SteadyDetector()
        self.means: list[float] = []

    def step(self) -> bool:
        """Was the code read in this frame?"""
        frame = self.sensor.frame()
        change, look = self.detector.see(frame), self.looked(frame)
        if self.strategy:
            self.strategy.look(frame, change, look)
        self.means.append(float(frame.luma.mean()))
        return bool(look.readings)

    def looked(self, frame: Frame) -> Look:
        sight = ZXING.read(frame.luma)
        return Look(
            tuple(Reading(symbol.payload, symbol.corners, "zxing-full") for symbol in sight.symbols), tuple(each.corners for each in sight.unread)
        )

    def run(self, frames: int) -> list[bool]:
        return [self.step() for _ in range(frames)]


# --- how an amount of light is split ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amount", "exposure"),
    [
        pytest.param(1, Exposure(20, 1.0), id="never below the sensor's least"),
        pytest.param(350, Exposure(350, 1.0), id="plenty of light: no gain"),
        pytest.param(700 * 4, Exposure(700, 4.0), id="gain before a longer shutter"),
        pytest.param(700 * 8, Exposure(700, 8.0), id="up to a gain of 8"),
        pytest.param(1000 * 8, Exposure(1000, 8.0), id="then a shutter for a slower hand"),
        pytest.param(1400 * 12, Exposure(1400, 12.0), id="then all of the gain"),
        pytest.param(5000 * 16, Exposure(5000, 16.0), id="and only then a long shutter"),
        pytest.param(12_000 * 16, Exposure(20_000, 9.6), id="in steps of the lamps' 10 ms where it is that long"),
        pytest.param(10**9, Exposure(33_000, 16.0), id="never beyond the sensor's most"),
    ],
)
def test_the_shutter_is_as_short_as_the_light_allows(amount: float, exposure: Exposure) -> None:
    assert split(amount, LIMITS) == Exposure(exposure.shutter_us, pytest.approx(exposure.gain))  # type: ignore[arg-type]


@pytest.mark.parametrize("limits", [LIMITS, Limits(100, 9_000, 4.0), Limits(1, 1_000_000, 64.0), Limits(500, 500, 1.0)])
def test_every_amount_is_split_within_the_limits_and_without_loss(limits: Limits) -> None:
    for amount in np.geomspace(0.01, 1e9, 400):
        exposure = split(float(amount), limits)
        assert limits.shutter_min_us <= exposure.shutter_us <= limits.shutter_max_us
        assert 1 <= exposure.gain <= limits.gain_max
        assert exposure.shutter_us <= FLICKER_US or exposure.shutter_us % FLICKER_US == 0 or exposure.shutter_us == limits.shutter_max_us
        assert amount_of(exposure) == pytest.approx(min(max(amount, limits.least), limits.most), rel=0.05, abs=1)


# --- the loop --------------------------------------------------------------------------------------------------

STARTS = [Exposure(20, 1.0), Exposure(700, 4.0), Exposure(10_000, 1.0), Exposure(33_000, 16.0)]


@pytest.mark.parametrize("start", STARTS, ids=lambda each: f"{each.shutter_us} us x {each.gain:g}")
@pytest.mark.parametrize("latency", [1, 3, 6])
@pytest.mark.parametrize("gamma", [1.0, 1 / 2.2])
def test_from_any_start_the_exposure_is_well_within_two_seconds_and_then_rests(start: Exposure, latency: int, gamma: float) -> None:
    sensor = Sensor(Scene(HALL, np.zeros((1, 1))), start, latency=latency, gamma=gamma)
    gate = Gate(sensor)
    gate.run(60)
    asked = len(sensor.asked)
    gate.run(60)
    assert len(sensor.asked) - asked <= 1
    assert max(gate.means[-60:]) / min(gate.means[-60:]) < 1.2
    assert 70 < gate.means[-1] < 150


@pytest.mark.parametrize("radiance", [0.0, 1000.0])
def test_light_beyond_all_limits_ends_at_a_limit(radiance: float) -> None:
    sensor = Sensor(Scene(np.full((240, 320), radiance), np.zeros((1, 1))), Exposure(10_000, 1.0))
    Gate(sensor).run(100)
    assert amount_of(sensor.exposure) == pytest.approx(LIMITS.least if radiance else LIMITS.most, rel=0.15)


def test_lamps_that_flicker_do_not_make_the_exposure_hunt() -> None:
    sensor = Sensor(Scene(HALL, np.zeros((1, 1))), Exposure(700, 4.0), frames_per_s=29.3, flicker=0.4)
    gate = Gate(sensor)
    gate.run(60)
    settled, asked = amount_of(sensor.exposure), len(sensor.asked)
    gate.run(150)
    changes = [amount_of(each) / settled for each in sensor.asked[asked:]]
    assert all(1 / 1.5 < each < 1.5 for each in changes)


def passes(*, controlled: bool) -> int:
    """Of ten hands that cross the picture at 0.5 m/s, in four frames each, how many are read? The scene was seen without them before."""
    thing, px_per_s = shown(0.8, 0.06), MODULES_PER_S * PX_A_MODULE
    sensor = Sensor(Scene(HALL * 0.7, np.zeros((1, 1))), Exposure(10_000, 1.0))  # as a camera's own exposure does it in a lit hall
    gate = Gate(sensor, controlled=controlled)
    gate.run(60)
    read = 0
    for tenth in range(10):
        begin_s = (sensor.number + tenth / 10) / sensor.frames_per_s
        sensor.scene = Scene(HALL * 0.7, thing, x=-thing.shape[1] - px_per_s * begin_s, y=40, px_per_s=px_per_s)
        read += any(gate.run(math.ceil((HALL.shape[1] + thing.shape[1]) / px_per_s * sensor.frames_per_s)))
    return read


def test_a_hand_at_half_a_metre_a_second_is_read_where_a_long_exposure_of_the_same_light_reads_nothing() -> None:
    assert (passes(controlled=False), passes(controlled=True)) == (0, 10)


def held(background: Radiance, thing: Radiance) -> Scene:
    return Scene(background, thing, x=100, y=40)


def first_read(scene: Scene, *, controlled: bool) -> int | None:
    """In which frame after it was held up the code is read; the scene was seen without it before, and settled."""
    sensor = Sensor(Scene(scene.background, np.zeros((1, 1))), Exposure(5_000, 4.0))
    gate = Gate(sensor)
    gate.run(90)
    sensor.scene = scene
    if not controlled:
        gate.strategy = None
    return next((number for number in range(60) if gate.step()), None)


PHONE_AT_NIGHT = held(HALL * 0.02, shown(3.0, 0.4, blur=0.8))
PAPER_IN_SHADE = held(np.where(np.arange(320) < 60, 2.0, HALL * 0.6), shown(0.08, 0.012, blur=0.8))


@pytest.mark.parametrize("scene", [PHONE_AT_NIGHT, PAPER_IN_SHADE], ids=["a phone at night", "paper in shade"])
def test_what_is_far_lighter_or_darker_than_the_scene_is_read_within_a_second_by_bracketing(scene: Scene) -> None:
    assert first_read(scene, controlled=False) is None
    number = first_read(scene, controlled=True)
    assert number is not None
    assert number <= 30


class Control:
    """Obeys at once."""

    def __init__(self) -> None:
        self.limits = LIMITS
        self.asked: list[Exposure] = []

    def expose(self, exposure: Exposure) -> None:
        self.asked.append(exposure)


CORNERS = Corners(((100.0, 100.0), (200.0, 100.0), (200.0, 200.0), (100.0, 200.0)))
UNREAD, NOTHING, READ = Look((), (CORNERS,)), Look(), Look((Reading(b"9", CORNERS, "zxing-full"),), ())
MOVED = Change(moved=True)


class Hand:
    def __init__(self) -> None:
        self.control = Control()
        self.strategy = HandExposure(self.control, LIMITS)
        self.number = 0

    def looks(self, look: Look, count: int, change: Change = MOVED) -> list[float]:
        """What was asked for, in parts of the exposure at the start."""
        before = len(self.control.asked)
        for _ in range(count):
            exposure = self.control.asked[-1] if self.control.asked else Exposure(700, 2.0)
            luma = np.full((240, 320), 110, np.uint8)
            self.strategy.look(Frame(luma, self.number, self.number * 33_000_000, exposure=exposure), change, look)
            self.number += 1
        return [round(amount_of(each) / 1400, 3) for each in self.control.asked[before:]]


def test_a_bracket_goes_darker_and_lighter_and_back() -> None:
    hand = Hand()
    assert hand.looks(NOTHING, 30) == [1]
    assert hand.looks(UNREAD, 3 + 5 * 3) == [0.25, 4, 0.063, 16, 1]


def test_a_bracket_is_tried_three_times_and_again_only_after_the_scene_was_still() -> None:
    hand = Hand()
    assert len(hand.looks(UNREAD, 300)) == 1 + 3 * 5
    hand.looks(NOTHING, 1, STILL)
    assert len(hand.looks(UNREAD, 18)) == 5


def test_the_exposure_that_read_a_code_is_kept_while_it_is_in_view_and_then_the_base_comes_back() -> None:
    hand = Hand()
    hand.looks(UNREAD, 4)
    assert hand.looks(READ, 50) == []
    assert hand.looks(NOTHING, 1, STILL) == [1]


def test_an_exposure_that_read_a_code_is_given_up_when_nothing_is_read_any_more_though_people_move() -> None:
    hand = Hand()
    hand.looks(UNREAD, 4)
    hand.looks(READ, 5)
    assert hand.looks(NOTHING, 10) == [1]


def test_what_is_read_at_once_changes_nothing() -> None:
    assert Hand().looks(READ, 100) == [1]


def test_frames_that_do_not_tell_their_exposure_are_left_alone() -> None:
    control = Control()
    HandExposure(control, LIMITS).look(Frame(np.zeros((240, 320), np.uint8), 0, 0), MOVED, UNREAD)
    assert control.asked == []


def test_a_short_shutter_is_all_that_a_lit_hall_needs() -> None:
    sensor = Sensor(Scene(HALL, np.zeros((1, 1))), Exposure(10_000, 1.0))
    Gate(sensor).run(60)
    assert sensor.exposure.shutter_us <= SHARP_US < SOFT_US
