from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.clock import NS
from device.errors import HardwareError, ScannerError
from device.reader.decoders import PAYLOAD_MAX
from device.reader.scanners import ScanModule, open_scanner
from device.reader.scanners.gm65 import Gm65
from device.reader.scanners.honeywell import Honeywell
from device.reader.scanners.session import Counts, Session, prove
from device.reader.scanners.terminated import Terminated
from device.settings import Scanner, ScannerModel, ScannerTrigger
from tests.device.reader.clocks import HandClock
from tests.device.reader.scanners.played import FACTORY, PlayedGm65, answer
from tests.device.reader.scanners.plugged import Plugged
from tests.device.reader.scanners.wires import Wire, wire_to

TRIGGER = bytes.fromhex("7e00080100020102da")
STOP = bytes.fromhex("7e00080100020012fb")


@dataclass
class Bench:
    """A session with a played module, on a clock that is moved by hand."""

    module: ScanModule
    played: PlayedGm65 = field(default_factory=PlayedGm65)
    clock: HandClock = field(default_factory=HandClock)
    counts: Counts = field(default_factory=Counts)

    def __post_init__(self) -> None:
        self.wire = wire_to(self.clock, self.played)
        self.session = Session(self.wire, self.module, self.counts, clock=self.clock)

    def ready(self) -> Bench:
        for _ in range(100):
            if self.session.ready:
                self.wire.sent.clear()
                return self
            self.session.step()
        raise AssertionError("it is never set up")

    def turn(self, seconds: float) -> list[bytes]:
        texts, until_ns = [], self.clock.now_ns + seconds * NS
        while self.clock.now_ns < until_ns:
            texts += self.session.step()
        return texts


def on_command() -> Bench:
    return Bench(Gm65(host=True))


def continuous() -> Bench:
    return Bench(Gm65(host=False))


def test_nothing_is_said_to_a_module_before_it_was_listened_to() -> None:
    bench = continuous()
    bench.session.step()
    bench.session.step()
    assert (bench.wire.sent, bench.session.ready) == ([], False)


def test_it_is_set_up_and_then_believed() -> None:
    bench = continuous().ready()
    bench.wire.pieces.append(b"a\rb\r")
    assert (bench.turn(0.5), bench.counts.texts, bench.played.zones[0x0003]) == ([b"a", b"b"], 2, 0x02)


def test_what_comes_before_it_is_set_up_is_not_believed() -> None:
    bench = continuous()
    bench.wire.pieces += [b"f of a text\r", b"a\r"]
    bench.ready()
    assert (bench.turn(0.5), bench.counts.unheard) == ([], 2)


def test_the_end_of_a_text_whose_beginning_nobody_saw_is_none() -> None:
    bench = Bench(Terminated())
    bench.wire.pieces.append(b"half of a te")
    bench.ready()
    bench.wire.pieces += [b"xt\r", b"whole\r"]
    assert (bench.turn(0.5), bench.counts.failures) == ([b"whole"], 1)


@pytest.mark.parametrize("host", [False, True])
def test_a_text_that_is_under_way_while_the_module_is_set_up_is_none_and_spoils_no_answer(host: bool) -> None:
    bench = Bench(Gm65(host=host))
    bench.wire.pieces += [b"half of a te", *[b""] * 25, b"xt\r"]  # 0.3 s later, and before the first answer
    bench.ready()
    bench.turn(0.1)
    bench.wire.pieces.append(b"whole\r")
    assert (bench.turn(0.1), bench.counts.failures, bench.counts.unheard) == ([b"whole"], 1, 0)


def test_a_text_that_began_before_the_module_was_set_up_is_none() -> None:
    bench = continuous()
    bench.played.garble = lambda said: said + b"begun" if bench.played.saves else said
    bench.ready()
    bench.played.garble = lambda said: said
    bench.wire.pieces += [b" and ended\r", b"whole\r"]
    assert (bench.turn(0.5), bench.counts.failures) == ([b"whole"], 1)


def honeywell(data: bytes) -> bytes:
    """What a module of that family says that reads whatever is held before it."""
    return {b"\x16M\rTRGMOD3!": b"TRGMOD3\x06!", b"\x16M\rTRGMOD?.": b"TRGMOD3\x06."}.get(data, b"")


def test_a_byte_that_the_supply_makes_as_it_rises_does_not_keep_a_module_from_being_set_up() -> None:
    bench = Bench(Gm65(host=False))
    bench.wire.pieces.append(b"\x00")
    bench.ready()
    clock = HandClock()
    wire = Wire(clock, honeywell)
    wire.pieces.append(b"\x00")
    session = Session(wire, Honeywell(host=False), Counts(), clock=clock)
    while not session.ready:
        session.step()
    assert wire.sent == [b"\x16M\rTRGMOD3!"] * 2


def test_an_answer_that_comes_late_is_not_taken_for_that_to_the_next_request() -> None:
    """Else each zone would be read as the one before it, and written with its bits."""
    bench, late = Bench(Gm65(host=False)), list[bytes]()

    def slow(said: bytes) -> bytes:
        late.append(said)
        return b"" if len(late) == 1 else late[0] + said if len(late) == 2 else said

    bench.played.garble = slow
    bench.ready()
    assert (bench.played.zones, bench.played.saves) == (FACTORY | {0x0003: 0x02, 0x0005: 0x03}, 1)


def test_an_answer_that_comes_twice_is_one() -> None:
    clock, counts, late = HandClock(), Counts(), list[bytes]()

    def hears(data: bytes) -> bytes:
        late.append(honeywell(data))
        return b"" if len(late) == 2 else late[1] + late[2] if len(late) == 3 else late[-1]

    session = Session(Wire(clock, hears), Honeywell(host=False), counts, clock=clock)
    texts = []
    while clock.now_ns < 1005 * NS:
        texts += session.step()
    assert (texts, session.well, counts) == ([], True, Counts(answers=3, failures=1))


def test_on_command_it_reads_again_soon_after_each_text_and_every_two_seconds_without() -> None:
    bench = on_command().ready()
    bench.turn(0.2)
    assert bench.wire.sent == [TRIGGER]
    bench.wire.pieces.append(bench.played.sees(b"a"))
    assert (bench.turn(0.2), bench.wire.sent) == ([b"a"], [TRIGGER])
    bench.turn(0.4)
    assert bench.wire.sent == [TRIGGER] * 2
    bench.turn(4.2)
    assert bench.wire.sent == [TRIGGER] * 4


def test_a_module_that_was_triggered_is_left_dark() -> None:
    bench = on_command().ready()
    bench.session.close()
    assert (bench.wire.sent, bench.wire.closed) == ([STOP], True)


def test_a_module_that_is_gone_is_closed_all_the_same() -> None:
    bench = on_command().ready()
    bench.wire.gone = True
    bench.session.close()
    assert bench.wire.closed


def test_three_triggers_without_an_answer_are_silence() -> None:
    bench = on_command().ready()
    bench.turn(0.2)
    bench.played.mute = True
    begin_ns = bench.clock.now_ns
    with pytest.raises(ScannerError) as raised:
        bench.turn(10)
    assert (raised.value.what, bench.wire.sent, bench.session.well) == ("the scan module at /dev/played does not answer", [TRIGGER] * 4, False)
    assert (bench.clock.now_ns - begin_ns) / NS <= 4  # it was asked two seconds after the last answer, and three times


def test_one_answer_that_is_lost_is_no_silence() -> None:
    bench = on_command().ready()
    bench.turn(0.2)
    lost = iter([b""])
    bench.played.garble = lambda said: next(lost, said)
    assert (bench.turn(3), bench.session.well, bench.wire.sent) == ([], True, [TRIGGER] * 3)


def test_a_module_that_never_answers_while_it_is_set_up_is_silence_too() -> None:
    bench = continuous()
    bench.played.mute = True
    with pytest.raises(ScannerError, match="does not answer"):
        bench.turn(10)


def test_a_long_text_is_no_silence_though_the_answer_waits_for_it() -> None:
    bench = continuous().ready()
    bench.played.mute = True  # while it sends
    text = b"x" * 4000
    for begin in range(0, len(text), 100):  # 0.1 s each, as at 9600 baud
        bench.wire.pieces.append(text[begin : begin + 100])
    bench.wire.pieces.append(b"\r" + answer(2))
    slow, read = bench.clock, bench.wire.read

    def slowly() -> bytes:
        data = read()
        slow.sleep(0.09 if data else 0)
        return data

    bench.wire.read = slowly  # type: ignore[method-assign]
    assert bench.turn(4.5) == [text]
    assert bench.session.well


def test_one_that_babbles_without_end_and_does_not_answer_is_silent() -> None:
    bench = continuous().ready()
    bench.played.mute = True
    read = bench.wire.read
    bench.wire.read = lambda: read() or b"x"  # type: ignore[method-assign]
    with pytest.raises(ScannerError, match="does not answer"):
        bench.turn(30)


def test_one_that_forgot_its_settings_is_lost_so_that_it_is_set_up_again() -> None:
    bench = continuous().ready()
    bench.played.zones[0x0003] = 0
    with pytest.raises(ScannerError, match="forgotten its settings"):
        bench.turn(3)


def test_one_that_takes_no_setting_is_an_error_of_its_own() -> None:
    bench = Bench(Gm65(host=False), PlayedGm65(stubborn=frozenset({0x0003})))
    with pytest.raises(HardwareError) as raised:
        bench.turn(5)
    assert not isinstance(raised.value, ScannerError)


def test_one_that_cannot_be_asked_is_well_while_its_port_is_there() -> None:
    bench = Bench(Terminated()).ready()
    bench.turn(60)
    assert (bench.session.well, bench.wire.sent) == (True, [])
    bench.wire.gone = True
    with pytest.raises(ScannerError):
        bench.session.step()


def test_honeywell_on_command_is_asked_and_triggered_by_turns() -> None:
    def hears(data: bytes) -> bytes:
        return {b"\x16M\rTRGMOD0!": b"TRGMOD0\x06!", b"\x16M\rTRGMOD?.": b"TRGMOD0\x06."}.get(data, b"")

    clock, counts = HandClock(), Counts()
    wire = Wire(clock, hears)
    session = Session(wire, Honeywell(host=True), counts, clock=clock)
    while clock.now_ns < 1003.5 * NS:
        session.step()
    assert wire.sent == [b"\x16M\rTRGMOD0!", *[b"\x16M\rTRGMOD?.", b"\x16T\r"] * 2]


@pytest.mark.parametrize(("model", "kind"), [(ScannerModel.GM65, Gm65), (ScannerModel.HONEYWELL, Honeywell), (ScannerModel.TERMINATED, Terminated)])
def test_every_family_of_the_settings_has_a_language(model: ScannerModel, kind: type) -> None:
    assert isinstance(open_scanner(Scanner(model=model, port="x")), kind)


def test_no_model_is_no_guess() -> None:
    with pytest.raises(HardwareError) as raised:
        open_scanner(Scanner(port="x"))
    assert raised.value.hint == "set scanner.model to one of gm65, honeywell, terminated"


def test_a_module_proves_that_its_set_up_codes_are_off(tmp_path: Path) -> None:
    with Plugged(tmp_path, PlayedGm65()) as plugged:
        told = prove(Scanner(model=ScannerModel.GM65, port=str(plugged.path), trigger=ScannerTrigger.HOST), within_s=5)
        assert (told, plugged.module.zones[0x0003]) == (f"gm65 at {plugged.path}: set-up codes are off, as read back", 0x02)


NOISE = st.one_of(
    st.binary(max_size=20),
    st.sampled_from([b"", answer(0), answer(2), answer(0)[:5], b"\r", b"TRGMOD0\x06.", b"TRGMOD3\x06!", b"x" * 5000, b"GATE-7\r"]),
)


@settings(max_examples=150, derandomize=True, deadline=None)
@given(
    make=st.sampled_from(
        [lambda: Gm65(host=True), lambda: Gm65(host=False), lambda: Honeywell(host=True), lambda: Honeywell(host=False), Terminated]
    ),
    noise=st.lists(NOISE, max_size=60),
    slow=st.sets(st.integers(0, 30)),
)
def test_whatever_a_module_says_and_whenever_it_gives_texts_or_is_lost(make: Callable[[], ScanModule], noise: list[bytes], slow: set[int]) -> None:
    """Noise between the answers of a module that is well, of which some come late; nothing else is ever raised."""
    clock, played, asked, late = HandClock(), PlayedGm65(), [0], [b""]

    def hears(data: bytes) -> bytes:
        asked[0] += 1
        said, late[0] = late[0] + (played.hears(data) or honeywell(data)), b""
        if asked[0] not in slow:
            return said
        late[0] = said
        return b""

    wire = Wire(clock, hears)
    session = Session(wire, make(), Counts(), clock=clock)
    for piece in noise:
        wire.pieces.append(piece)
        try:
            texts = [text for _ in range(4) for text in session.step()]
        except (ScannerError, HardwareError):
            return
        assert all(0 < len(text) <= PAYLOAD_MAX for text in texts)
