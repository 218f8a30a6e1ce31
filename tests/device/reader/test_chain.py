from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pytest

from device.domain import Corners
from device.errors import HardwareError
from device.reader.chain import Chain, Stage, open_chain
from device.reader.decoders import Decoder, Symbol, open_decoder
from device.reader.frame import Luma
from tests.device.reader.pictures import RANDOM, VIETNAMESE, code, part_of_a_set, scene

SQUARE = Corners(((1, 2), (11, 2), (11, 12), (1, 12)))
PICTURE = np.zeros((64, 64), np.uint8)


@dataclass
class Scripted:
    """A decoder that answers as it is told, and remembers the widths it was shown."""

    answers: list[list[bytes] | Exception] = field(default_factory=list)
    widths: list[int] = field(default_factory=list)

    def read(self, luma: Luma) -> list[Symbol]:
        self.widths.append(luma.shape[1])
        answer = self.answers.pop(0) if self.answers else []
        if isinstance(answer, Exception):
            raise answer
        return [Symbol(payload, SQUARE) for payload in answer]


def chain_of(main: Decoder, net: Decoder | None = None, clock: Callable[[], int] = lambda: 0) -> Chain:
    nets = [Stage("net-full", net, half=False)] if net else []
    return Chain([Stage("main-half", main, half=True), Stage("main-full", main, half=False)], nets, clock=clock)


def read(chain: Chain, *, moving: bool = True, in_view: Mapping[bytes, str] | None = None) -> list[tuple[bytes, str]]:
    return [(reading.payload, reading.stage) for reading in chain.read(PICTURE, moving=moving, in_view=in_view)]


def test_half_size_is_tried_first_and_a_read_there_ends_the_look() -> None:
    main = Scripted([[b"a"]])
    assert (read(chain_of(main)), main.widths) == ([(b"a", "main-half")], [32])


def test_the_full_picture_follows_a_miss() -> None:
    main = Scripted([[], [b"a"]])
    assert (read(chain_of(main)), main.widths) == ([(b"a", "main-full")], [32, 64])


def test_corners_read_on_half_size_are_pixels_of_the_full_picture() -> None:
    (reading,) = chain_of(Scripted([[b"a"]])).read(PICTURE, moving=True)
    assert reading.corners == Corners(((2, 4), (22, 4), (22, 24), (2, 24)))


def test_the_net_is_cast_at_every_sixth_miss_while_something_moves() -> None:
    net = Scripted()
    chain = chain_of(Scripted(), net)
    casts = []
    for _ in range(18):
        read(chain)
        casts.append(len(net.widths))
    assert casts == [0] * 5 + [1] * 6 + [2] * 6 + [3]


def test_the_net_is_never_cast_while_nothing_moves() -> None:
    net = Scripted()
    chain = chain_of(Scripted(), net)
    for _ in range(30):
        read(chain, moving=False)
    assert net.widths == []


def test_every_fourth_hit_goes_on_so_that_a_dense_code_beside_a_coarse_one_is_seen() -> None:
    coarse_only = [[b"coarse"]]
    main = Scripted([*coarse_only * 3, [b"coarse"], [b"coarse", b"dense"]])
    chain = chain_of(main)
    assert [read(chain) for _ in range(4)] == [[(b"coarse", "main-half")]] * 3 + [[(b"coarse", "main-half"), (b"dense", "main-full")]]


def test_a_code_in_view_that_half_size_missed_sends_the_look_on() -> None:
    main = Scripted([[b"a"], [b"a", b"b"]])
    assert read(chain_of(main), in_view={b"a": "main-half", b"b": "main-full"}) == [(b"a", "main-half"), (b"b", "main-full")]


def test_a_code_that_only_the_net_could_read_is_looked_for_with_the_net() -> None:
    net = Scripted([[b"n"]])
    assert read(chain_of(Scripted(), net), moving=False, in_view={b"n": "net-full"}) == [(b"n", "net-full")]


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
    read(chain)
    assert (chain.spent.reduction_ns, chain.spent.decoding_ns) == (5, 7 + 30)


@pytest.mark.parametrize("names", [("zxing", "zbar"), ("zbar",), ("zxing",), ("zbar", "zxing")])
@pytest.mark.parametrize("payload", [VIETNAMESE, RANDOM], ids=["Vietnamese", "random bytes"])
@pytest.mark.parametrize("inverted", [False, True], ids=["dark on light", "light on dark"])
def test_real_decoders_in_any_order_give_exact_bytes(names: tuple[str, ...], payload: bytes, inverted: bool) -> None:
    picture = scene(code(payload))
    chain = open_chain(names)
    (reading,) = chain.read(~picture if inverted else picture, moving=True)
    assert (reading.payload, chain.failures) == (payload, 0)


def test_a_part_of_a_set_beside_a_code_costs_neither_an_error_nor_the_code() -> None:
    chain = open_chain(["zbar"])
    readings = chain.read(scene(part_of_a_set(), code(VIETNAMESE)), moving=True)
    assert ([reading.payload for reading in readings], chain.failures) == ([VIETNAMESE], 0)


def test_a_dense_pass_that_half_size_cannot_read_is_read_beside_a_coarse_code() -> None:
    dense, coarse = code(b"KD1." + b"x" * 400, scale=2, error="l"), code(b"999", scale=8)
    picture = scene(coarse, dense, at=(41, 61))  # halving mixes each module with its neighbour
    chain = Chain([Stage("half", open_decoder("zxing", thorough=False), half=True), Stage("full", open_decoder("zxing", thorough=True), half=False)])
    seen = [{reading.payload for reading in chain.read(picture, moving=True)} for _ in range(4)]
    assert seen == [{b"999"}] * 3 + [{b"999", b"KD1." + b"x" * 400}]


def test_a_chain_without_decoders_is_refused_with_a_hint() -> None:
    with pytest.raises(HardwareError, match="no decoder is chosen") as raised:
        open_chain([])
    assert raised.value.hint == "set reader.decoders to some of zxing, zbar"


def test_a_chain_with_an_unknown_decoder_is_refused() -> None:
    with pytest.raises(HardwareError, match="no decoder is called 'wechat'"):
        open_chain(["zxing", "wechat"])
