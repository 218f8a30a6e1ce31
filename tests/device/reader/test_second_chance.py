from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest

from device.domain import Corners
from device.reader import treatments
from device.reader.chain import Chain, Stage, open_chain
from device.reader.change import Change
from device.reader.decoders import Decoder, Sight, Symbol, Unreadable, open_decoder
from device.reader.frame import Box, Frame, Luma
from device.reader.reduction import Reducer
from device.reader.second_chance import BUDGET_MS, FLAT_MODULES_MAX, MOVED_PART, NOISY, Flattening, Second, SecondChance, Treatment, around_symbol
from device.settings import Reader as ReaderSettings
from device.settings import SourceKind
from tests.bench.bent_sheet import bent_sheet
from tests.bench.seeds import TUNING
from tests.device.reader.pictures import VIETNAMESE, code, scene

MS = 1_000_000
PICTURE = np.zeros((720, 1280), np.uint8)
HALF = Reducer().half(PICTURE)
FRAMES = [Frame(PICTURE, 0, 0)]
PLACE = Box(100, 200, 180, 280)
MOVED = Change(moved=True, where=PLACE)
SYMBOL = Unreadable(Corners(((110, 210), (160, 210), (160, 260), (110, 260))))


@dataclass
class Scripted:
    """Takes ``cost_ms`` on the clock that it winds on, and reads ``payload`` if it has one."""

    cost_ms: float
    payload: bytes | None = None
    now_ns: list[int] = field(default_factory=lambda: [0])
    shown: list[tuple[int, ...]] = field(default_factory=list)

    def read(self, luma: Luma) -> Sight:
        self.now_ns[0] += int(self.cost_ms * MS)
        self.shown.append(luma.shape)
        return Sight((Symbol(self.payload, Corners(((1, 2), (3, 2), (3, 4), (1, 4)))),)) if self.payload else Sight()


GIVEN_MS = 4.0


def decode(decoder: Decoder, luma: Luma) -> Sight:
    return decoder.read(luma)


@dataclass
class Turns:
    """A second chance of treatments named a, b, c …, each with a decoder that takes its time."""

    decoders: dict[str, Scripted]
    chance: SecondChance

    def looks(self, count: int, change: Change = MOVED, unread: Sequence[Unreadable] = ()) -> list[str]:
        """For each look the treatments that were tried, the one that read something in capitals."""
        tried = []
        for _ in range(count):
            before = {name: len(decoder.shown) for name, decoder in self.decoders.items()}
            second = self.chance.read(FRAMES, HALF, change, unread)
            names = [name for name, decoder in self.decoders.items() if len(decoder.shown) > before[name]]
            tried.append("".join(name.upper() if second and second.name == name else name for name in names))
        return tried


def turns(costs_ms: str | dict[str, float], *, reads: str = "", picture: Callable[[Luma], Luma] = treatments.full, scale: float = 1) -> Turns:
    costs = costs_ms if isinstance(costs_ms, dict) else dict.fromkeys(costs_ms, 1.0)
    clock = [0]
    decoders = {name: Scripted(cost, b"999" if name in reads else None, clock) for name, cost in costs.items()}
    plan = [Treatment(name, decoder, picture, scale) for name, decoder in decoders.items()]
    return Turns(decoders, SecondChance(plan, decode, budget_ms=GIVEN_MS, clock=lambda: clock[0]))


def test_treatments_take_turns_and_where_a_symbol_was_seen_more_of_them_in_one_frame() -> None:
    assert turns("abc").looks(5) == ["a", "b", "c", "a", "b"]  # a quarter of the budget a frame
    assert turns("abcdefgh").looks(3, unread=[SYMBOL]) == ["abcd", "efgh", "abcd"]


def test_no_treatment_is_tried_twice_in_one_frame() -> None:
    assert turns("ab").looks(2, unread=[SYMBOL]) == ["ab", "ab"]


def test_what_read_something_is_tried_first_the_next_time() -> None:
    assert turns("abcd", reads="c").looks(6) == ["a", "b", "C", "C", "C", "C"]


def test_time_that_was_overdrawn_is_paid_back() -> None:
    assert turns({"a": 3.0}).looks(7) == ["a", "", "", "a", "", "", "a"]


def test_time_that_was_not_used_is_not_saved_up() -> None:
    chance = turns({"a": 0.1, "b": 5.9})
    assert chance.looks(2, Change(moved=False)) == ["", ""]
    assert chance.looks(13) == ["ab", *[""] * 5, "ab", *[""] * 5, "ab"]


@pytest.mark.parametrize("unread", [[], [SYMBOL]], ids=["moved", "seen"])
def test_over_many_frames_the_budget_is_kept_whatever_a_treatment_costs(unread: list[Unreadable]) -> None:
    chance = turns({"a": 0.3, "b": 2.5, "c": 9.0, "d": 25.0})
    chance.looks(400, unread=unread)
    budget_ms = GIVEN_MS if unread else GIVEN_MS / MOVED_PART
    assert chance.chance.missed == 400
    assert chance.chance.spent_ns / MS / 400 <= budget_ms + 25 / 400  # but for the last, which may be overdrawn


def test_a_treatment_sees_the_symbol_that_was_found_rather_than_all_that_moved() -> None:
    chance = turns("a")
    chance.looks(1, Change(moved=True, where=Box(0, 0, 1280, 720)), [SYMBOL])
    box = around_symbol(SYMBOL.corners, PICTURE.shape)
    assert (chance.decoders["a"].shown, box) == ([(box.height, box.width)], Box(110 - 21, 210 - 21, 161 + 21, 261 + 21))


def test_corners_are_pixels_of_the_frame_whatever_the_treatment_did() -> None:
    chance = turns("a", reads="a", picture=treatments.doubled, scale=2)
    second = chance.chance.read(FRAMES, HALF, MOVED, [])
    assert second is not None
    assert second.sight.symbols[0].corners.points[0] == (100 + 0.5, 200 + 1.0)


@pytest.mark.parametrize("change", [Change(moved=True), Change(moved=True, where=Box(0, 0, 9, 700)), Change(moved=False)])
def test_where_there_is_nothing_to_look_at_nothing_is_tried(change: Change) -> None:
    assert turns("a").looks(3, change) == ["", "", ""]


def test_in_noise_every_other_turn_is_the_average_of_the_last_frames() -> None:
    clock = [0]
    decoders = {name: Scripted(3.0, None, clock) for name in ("single", "average")}
    plan = [Treatment("s", decoders["single"], treatments.full), Treatment("f", decoders["average"], treatments.full, fused=True)]
    chance = SecondChance(plan, decode, budget_ms=3, clock=lambda: clock[0])
    rng = np.random.default_rng(1)
    picture = scene(code(VIETNAMESE, scale=5), at=(200, 200))
    noisy = Change(moved=True, where=Box(180, 180, 500, 500), noise=NOISY)
    for number in range(9):
        frame = np.clip(picture + rng.normal(0, NOISY, picture.shape), 0, 255).astype(np.uint8)
        assert chance.read([Frame(frame, number, number)], Reducer().half(frame), noisy, []) is None
    assert (len(decoders["single"].shown), len(decoders["average"].shown)) == (5, 4)


def test_a_code_washed_out_by_glare_is_read_by_a_treatment_and_by_no_stage_before() -> None:
    picture = scene(code(VIETNAMESE, scale=5), at=(200, 400)).astype(float)
    y, x = np.mgrid[0:720, 0:1280]
    veil = 0.97 * np.exp(-((x - 600) ** 2 + (y - 250) ** 2) / (2 * 90.0**2))
    washed = np.asarray(np.clip(picture * (1 - veil) + 245 * veil, 0, 255), np.uint8)
    assert open_decoder("zxing", thorough=True).read(washed).symbols == ()
    chain = open_chain(["zxing"], budget_ms=1000)  # all treatments at once, however slow this machine is
    looks = [chain.read(Frame(washed, 0, 0), Change(moved=True, where=Box(380, 180, 700, 500))) for _ in range(3)]
    assert VIETNAMESE in {reading.payload for look in looks for reading in look.readings}


def test_a_symbol_is_laid_flat_where_its_size_is_known_and_what_is_read_lies_where_it_was_found() -> None:
    decoder = Scripted(0, b"999")
    chance = SecondChance([Flattening("flat", decoder)], decode)
    sized = Unreadable(SYMBOL.corners, 25)
    seconds = [chance.read(FRAMES, HALF, MOVED, unread) for unread in ([], [SYMBOL], [Unreadable(SYMBOL.corners, FLAT_MODULES_MAX + 4)], [sized])]
    assert [second is not None for second in seconds] == [False, False, False, True]
    assert decoder.shown == [(6 * 29, 6 * 29)]
    second = seconds[-1]
    assert second is not None
    assert (second.name, second.sight.symbols[0].payload) == ("flat", b"999")
    module_px = 50 / 25
    assert second.sight.symbols[0].corners.points[0] == pytest.approx((110 + (1 / 6 - 2) * module_px, 210 + (2 / 6 - 2) * module_px))


def test_a_code_on_folded_cloth_is_read_by_the_gate() -> None:
    sheet = bent_sheet(TUNING, 16, "cloth")
    chain = open_chain(["zxing"], budget_ms=1000)  # all treatments at once, however slow this machine is
    height, width = sheet.luma.shape
    look = chain.read(Frame(sheet.luma, 0, 0), Change(moved=True, where=Box(0, 0, width, height)))
    assert [(reading.payload, reading.stage) for reading in look.readings] == [(sheet.payload, "zxing-flattened")]


@pytest.mark.parametrize("shape", [(16, 16), (17, 33), (16, 640), (300, 19), (720, 1280)])
@pytest.mark.parametrize("main", ["zxing", "zbar"])
def test_every_treatment_bears_every_size_of_part_in_noise_and_without(main: str, shape: tuple[int, int]) -> None:
    luma = np.random.default_rng(3).integers(0, 256, shape, dtype=np.uint8)
    chain = open_chain([main, *({"zxing", "zbar"} - {main})], budget_ms=1e6)
    where = Box(0, 0, shape[1], shape[0])
    for number, noise in enumerate([0.0, 20.0, 20.0, 20.0]):
        assert chain.read(Frame(luma, number, number), Change(moved=True, where=where, noise=noise)).readings == ()
    assert (chain.failures, chain.second.missed) == (0, 4)


def test_a_treatment_that_fails_is_counted_and_the_next_one_reads() -> None:
    def broken(_: Luma) -> Luma:
        raise ValueError

    blind = Scripted(0)
    plan = [Treatment("broken", blind, broken), Treatment("sound", Scripted(0, b"999"), treatments.full)]
    chain = Chain([Stage("main-full", blind, half=False)], plan, budget_ms=1000)
    look = chain.read(Frame(PICTURE, 0, 0), MOVED)
    assert ([reading.stage for reading in look.readings], chain.failures) == (["sound"], 1)


def test_a_gate_gives_what_the_benchmark_measures() -> None:
    assert ReaderSettings(source=SourceKind.VIDEO).second_chance_ms == BUDGET_MS


def test_without_a_budget_nothing_is_tried() -> None:
    chance = SecondChance([Treatment("a", Scripted(1.0), treatments.full)], decode, budget_ms=0)
    assert (chance.read(FRAMES, HALF, MOVED, []), chance.missed) == (None, 0)


def test_a_second_knows_who_read_it() -> None:
    chance = turns("a", reads="a")
    second = chance.chance.read(FRAMES, HALF, MOVED, [])
    assert isinstance(second, Second)
    assert second.name == "a"


def test_where_the_search_for_the_busiest_part_costs_more_than_is_given_treatments_still_have_their_turn() -> None:
    decoder, moved = Scripted(0), Change(moved=True, where=Box(0, 0, 1280, 720))
    chance = SecondChance([Treatment("a", decoder, treatments.full)], decode, budget_ms=0.4)  # as on a board ten times slower than this one
    for _ in range(600):
        chance.read(FRAMES, HALF, moved, [])
    assert len(decoder.shown) > 10
    assert chance.spent_ns / MS / 600 < 0.4
