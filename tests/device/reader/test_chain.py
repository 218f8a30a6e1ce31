from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pytest

from device.domain import Corners
from device.errors import HardwareError
from device.reader import treatments
from device.reader.chain import HITS_A_FULL_LOOK, PARTS_A_WHOLE, Chain, Stage, open_chain
from device.reader.change import STILL, Change
from device.reader.decoders import Decoder, Sight, Symbol, Unreadable, open_decoder
from device.reader.frame import Box, Frame, Luma
from device.reader.reduction import Reducer
from device.reader.second_chance import Treatment
from tests.device.reader.pictures import RANDOM, VIETNAMESE, code, part_of_a_set, scene

SQUARE = Corners(((1, 2), (11, 2), (11, 12), (1, 12)))
PICTURE = np.zeros((64, 64), np.uint8)
EVERYWHERE = Box(0, 0, 64, 64)


@dataclass
class Scripted:
    """A decoder that answers as it is told, and remembers the widths it was shown."""

    answers: list[list[bytes] | Exception] = field(default_factory=list)
    widths: list[int] = field(default_factory=list)
    unread: tuple[Corners, ...] = ()

    def read(self, luma: Luma) -> Sight:
        self.widths.append(luma.shape[1])
        answer = self.answers.pop(0) if self.answers else []
        if isinstance(answer, Exception):
            raise answer
        return Sight(tuple(Symbol(payload, SQUARE) for payload in answer), tuple(Unreadable(corners) for corners in self.unread))


def chain_of(main: Decoder, other: Decoder | None = None, *, calm: tuple[Decoder, ...] = (), clock: Callable[[], int] = lambda: 0) -> Chain:
    plan = [Treatment("other-full", other, treatments.full)] if other else []
    return Chain([Stage("main-half", main, half=True), Stage("main-full", main, half=False, calm=calm)], plan, clock=clock)


def shown(luma: Luma) -> Frame:
    return Frame(luma, 0, 0)


def read(chain: Chain, *, moving: bool = True, in_view: Mapping[bytes, str] | None = None) -> list[tuple[bytes, str]]:
    change = Change(moved=True, where=EVERYWHERE) if moving else STILL
    return [(reading.payload, reading.stage) for reading in chain.read(shown(PICTURE), change, in_view=in_view).readings]


def test_half_size_is_tried_first_and_a_read_there_ends_the_look() -> None:
    main = Scripted([[b"a"]])
    assert (read(chain_of(main)), main.widths) == ([(b"a", "main-half")], [32])


def test_the_full_picture_follows_a_miss() -> None:
    main = Scripted([[], [b"a"]])
    assert (read(chain_of(main)), main.widths) == ([(b"a", "main-full")], [32, 64])


def test_a_half_size_picture_that_the_camera_gives_is_taken_as_it_is() -> None:
    chain = Chain([Stage("half", open_decoder("zxing", thorough=False), half=True)], clock=iter(range(99)).__next__)
    picture = scene(code(VIETNAMESE, scale=4), at=(100, 201))
    empty, half = np.full_like(picture, 90), Reducer().half(picture)
    looks = [chain.read(Frame(empty, 0, 0, half=half), change) for change in (STILL, Change(moved=True, where=Box(160, 80, 480, 400)))]
    (still,), (moving,) = (look.readings for look in looks)
    assert (still.payload, moving.payload, chain.spent.reduction_ns) == (VIETNAMESE, VIETNAMESE, 0)
    assert still.corners.centre == pytest.approx(moving.corners.centre, abs=2)


def test_corners_read_on_half_size_are_pixels_of_the_full_picture() -> None:
    (reading,) = chain_of(Scripted([[b"a"]])).read(shown(PICTURE), STILL).readings
    assert reading.corners == Corners(((2, 4), (22, 4), (22, 24), (2, 24)))


def test_looks_are_at_what_moved_and_corners_are_pixels_of_the_picture() -> None:
    main = Scripted([[b"a"]])
    (reading,) = chain_of(main).read(shown(PICTURE), Change(moved=True, where=Box(20, 10, 60, 50))).readings
    assert (main.widths, reading.corners.points[0]) == ([20], (2 * 1 + 20, 2 * 2 + 10))
    main = Scripted([[], [b"a"]])
    (reading,) = chain_of(main).read(shown(PICTURE), Change(moved=True, where=Box(21, 11, 60, 50))).readings
    assert (main.widths, reading.corners.points[0]) == ([20, 40], (1 + 20, 2 + 10))  # even edges, so that both sizes show the same


def test_every_ninth_look_at_either_size_is_at_the_whole_picture() -> None:
    main = Scripted()
    chain = chain_of(main)
    for _ in range(2 * PARTS_A_WHOLE):
        chain.read(shown(PICTURE), Change(moved=True, where=Box(0, 0, 40, 40)))
    assert main.widths[0::2] == ([20] * (PARTS_A_WHOLE - 1) + [32]) * 2
    assert main.widths[1::2] == ([40] * (PARTS_A_WHOLE - 1) + [64]) * 2


def test_a_code_that_was_read_is_looked_for_where_it_was_though_something_else_moves() -> None:
    main = Scripted([[b"a"]])
    chain = chain_of(main)
    read(chain)  # at half size, so at 2 to 22 pixels of the full picture
    chain.read(shown(PICTURE), Change(moved=True, where=Box(40, 40, 60, 60)), in_view={b"a": "main-half"})
    assert main.widths == [32, 30, 60]


def test_a_code_that_lies_still_is_read_in_every_look_while_a_larger_one_is_waved_beside_it() -> None:
    """Or it would seem to have left, and be decided again when it comes back."""
    still, waved = code(b"999000000001", scale=3), code(VIETNAMESE, scale=5)
    chain = open_chain(["zxing"], budget_ms=0)
    seen: list[set[bytes]] = []
    for number in range(30):
        picture = scene(still, at=(500, 60))
        at = 500 + 5 * (number % 7)
        picture[100 : 100 + waved.shape[0], at : at + waved.shape[1]] = waved
        where = Box(480, 80, 560 + waved.shape[1], 120 + waved.shape[0])
        known = dict.fromkeys(seen[-1], "zxing-half") if seen else {}
        change = Change(moved=True, where=where if number else Box(0, 0, 1280, 720))
        seen.append({reading.payload for reading in chain.read(shown(picture), change, in_view=known).readings})
    assert seen == [{b"999000000001", VIETNAMESE}] * 30


def test_the_whole_picture_and_full_size_meet_in_some_look() -> None:
    assert math.gcd(PARTS_A_WHOLE, HITS_A_FULL_LOOK) == 1


def test_a_code_in_view_twice_is_looked_for_at_both_places() -> None:
    @dataclass
    class Twice(Scripted):
        def read(self, luma: Luma) -> Sight:
            self.widths.append(luma.shape[1])
            return Sight(tuple(Symbol(b"a", SQUARE.scaled(1, left)) for left in (0, 20)))

    main = Twice()
    chain = chain_of(main)
    read(chain)  # at 2 to 22 and 42 to 62 pixels of the full picture, with a margin
    chain.read(shown(PICTURE), Change(moved=True, where=Box(30, 30, 40, 40)), in_view={b"a": "main-half"})
    assert main.widths == [32, 32]


def test_a_code_that_has_left_is_looked_for_no_more() -> None:
    main = Scripted([[b"a"]])
    chain = chain_of(main)
    read(chain)
    for in_view in ({b"a": "main-half"}, {}, {}):
        chain.read(shown(PICTURE), Change(moved=True, where=Box(40, 40, 60, 60)), in_view=in_view)
    assert (main.widths[1::2], main.widths[2::2]) == ([30, 10, 10], [60, 20, 20])


def test_while_nothing_moves_and_nobody_is_there_the_calm_decoders_take_turns() -> None:
    main, one, other = Scripted(), Scripted(), Scripted()
    chain = chain_of(main, calm=(one, other))
    for _ in range(3):
        read(chain, moving=False)
    assert (main.widths, one.widths, other.widths) == ([32] * 3, [64], [64, 64])
    read(chain, moving=False, in_view={b"a": "main-full"})
    assert (main.widths, one.widths, other.widths) == ([32] * 3 + [32, 64], [64], [64, 64])


def test_a_symbol_that_was_seen_and_not_read_is_told_in_pixels_of_the_picture() -> None:
    look = chain_of(Scripted(unread=(SQUARE,))).read(shown(PICTURE), Change(moved=True, where=Box(10, 20, 64, 64)))
    assert [corners.points[0] for corners in look.unread] == [(12, 24), (11, 22)]


def test_a_missed_frame_gets_a_second_chance_while_something_moves() -> None:
    other = Scripted([[b"n"]])
    assert read(chain_of(Scripted(), other)) == [(b"n", "other-full")]


def test_there_is_no_second_chance_while_nothing_moves_and_no_code_is_in_view() -> None:
    other = Scripted()
    chain = chain_of(Scripted(), other)
    for _ in range(30):
        read(chain, moving=False)
    assert other.widths == []


def test_every_fourth_hit_goes_on_so_that_a_dense_code_beside_a_coarse_one_is_seen() -> None:
    coarse_only = [[b"coarse"]]
    main = Scripted([*coarse_only * 3, [b"coarse"], [b"coarse", b"dense"]])
    chain = chain_of(main)
    assert [{payload for payload, _ in read(chain)} for _ in range(4)] == [{b"coarse"}] * 3 + [{b"coarse", b"dense"}]


def test_a_code_in_view_that_half_size_missed_sends_the_look_on() -> None:
    main = Scripted([[b"a"], [b"a", b"b"]])
    seen = read(chain_of(main), in_view={b"a": "main-half", b"b": "main-full"})
    assert seen == [(b"a", "main-half"), (b"b", "main-full")]


def test_the_same_code_in_two_hands_is_read_twice_and_one_code_at_two_stages_once() -> None:
    picture = scene(code(b"999", scale=6), code(b"999", scale=6))
    chain = open_chain(["zxing"])
    looks = [chain.read(shown(picture), Change(moved=True, where=Box(0, 0, 1280, 720))) for _ in range(4)]  # the fourth by both stages
    assert [[reading.payload for reading in look.readings] for look in looks] == [[b"999", b"999"]] * 4


@pytest.mark.parametrize("error", [ValueError("4294967295 is not a valid ZBarOrientation"), RuntimeError(), MemoryError(), OSError(), IndexError()])
def test_a_decoder_that_fails_is_counted_and_the_next_stage_reads(error: Exception) -> None:
    chain = chain_of(Scripted([error, [b"a"]]))
    assert (read(chain), chain.failures) == ([(b"a", "main-full")], 1)


@pytest.mark.parametrize("payload", [b"", b"9" * 4297])
def test_payloads_no_credential_can_have_are_counted_and_left_out(payload: bytes) -> None:
    chain = chain_of(Scripted([[payload, b"a"]]))
    assert (read(chain), chain.failures) == ([(b"a", "main-half")], 1)


def test_time_in_decoders_and_in_reduction_is_told_apart_from_the_rest() -> None:
    ticks = iter([0, 5, 10, 17, 100, 130])
    chain = chain_of(Scripted(), clock=lambda: next(ticks))
    read(chain, moving=False)
    assert (chain.spent.reduction_ns, chain.spent.decoding_ns) == (5, 7 + 30)


@pytest.mark.parametrize("names", [("zxing", "zbar"), ("zbar",), ("zxing",), ("zbar", "zxing")])
@pytest.mark.parametrize("payload", [VIETNAMESE, RANDOM], ids=["Vietnamese", "random bytes"])
@pytest.mark.parametrize("inverted", [False, True], ids=["dark on light", "light on dark"])
def test_real_decoders_in_any_order_give_exact_bytes(names: tuple[str, ...], payload: bytes, inverted: bool) -> None:
    picture = scene(code(payload))
    chain = open_chain(names)
    (reading,) = chain.read(shown(~picture if inverted else picture), Change(moved=True, where=Box(0, 0, 1280, 720))).readings
    assert (reading.payload, chain.failures) == (payload, 0)


def test_a_part_of_a_set_beside_a_code_costs_neither_an_error_nor_the_code() -> None:
    chain = open_chain(["zbar"])
    readings = chain.read(shown(scene(part_of_a_set(), code(VIETNAMESE))), STILL).readings
    assert ([reading.payload for reading in readings], chain.failures) == ([VIETNAMESE], 0)


def test_a_dense_pass_that_half_size_cannot_read_is_read_beside_a_coarse_code() -> None:
    dense, coarse = code(b"KD1." + b"x" * 400, scale=2, error="l"), code(b"999", scale=8)
    picture = scene(coarse, dense, at=(41, 61))  # halving mixes each module with its neighbour
    chain = Chain([Stage("half", open_decoder("zxing", thorough=False), half=True), Stage("full", open_decoder("zxing", thorough=True), half=False)])
    seen = [{reading.payload for reading in chain.read(shown(picture), STILL).readings} for _ in range(4)]
    assert seen == [{b"999"}] * 3 + [{b"999", b"KD1." + b"x" * 400}]


def test_a_chain_without_decoders_is_refused_with_a_hint() -> None:
    with pytest.raises(HardwareError, match="no decoder is chosen") as raised:
        open_chain([])
    assert raised.value.hint == "set reader.decoders to some of zxing, zbar"


def test_a_chain_with_an_unknown_decoder_is_refused() -> None:
    with pytest.raises(HardwareError, match="no decoder is called 'wechat'"):
        open_chain(["zxing", "wechat"])
