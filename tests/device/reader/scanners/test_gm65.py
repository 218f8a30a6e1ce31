from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.errors import HardwareError, ScannerError
from device.reader.decoders import PAYLOAD_MAX
from device.reader.scanners import Answer, Talk
from device.reader.scanners.gm65 import READ, SAVE, WRITE, Gm65, crc, frame
from tests.device.reader.scanners.played import FACTORY, PlayedGm65, answer

ACK = bytes.fromhex("02000001003331")
HOST_ZONES = FACTORY | {0x0000: 0xD5, 0x0003: 0x02, 0x0005: 0x03}
CONTINUOUS_ZONES = FACTORY | {0x0003: 0x02, 0x0005: 0x03}


def talk(module: Gm65, talk: Talk, played: PlayedGm65) -> list[bytes]:
    """Hold ``talk`` to its end; what was sent."""
    sent = []
    request = next(talk)
    while True:
        sent.append(request.data)
        module.asked(quiet=False)
        (said,) = module.heard(played.hears(request.data))
        assert isinstance(said, Answer)
        try:
            request = talk.send(said.content)
        except StopIteration:
            return sent


def on_command() -> Gm65:
    module = Gm65(host=True)
    talk(module, module.set_up(), PlayedGm65(dict(HOST_ZONES)))
    return module


def continuous() -> Gm65:
    module = Gm65(host=False)
    talk(module, module.set_up(), PlayedGm65(dict(CONTINUOUS_ZONES)))
    return module


def heard(module: Gm65, *pieces: bytes) -> list[bytes | Answer]:
    return [each for piece in pieces for each in module.heard(piece)]


# --- frames ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("0701002A02", "D80F"),
        ("080100D9D3", "2038"),
        ("0901000000", "DEC8"),
        ("000100", "3331"),
        ("0801000201", "02DA"),
        ("0801000200", "12FB"),
    ],
)
def test_the_checksum_is_that_of_the_manual(body: str, expected: str) -> None:
    assert crc(bytes.fromhex(body)).hex().upper() == expected


def test_frames_are_those_of_the_manual() -> None:
    assert [frame(WRITE, 2, 1).hex(), frame(WRITE, 2, 0).hex(), frame(SAVE, 0, 0).hex(), frame(READ, 0x2A, 2).hex()] == [
        "7e00080100020102da",
        "7e00080100020012fb",
        "7e0009010000 00dec8".replace(" ", ""),
        "7e000701002a02d80f",
    ]


# --- setting up ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("host", "zones"), [(True, HOST_ZONES), (False, CONTINUOUS_ZONES)])
def test_a_module_as_it_comes_is_set_up_and_saved_once(host: bool, zones: dict[int, int]) -> None:
    module, played = Gm65(host=host), PlayedGm65()
    talk(module, module.set_up(), played)
    assert (played.zones, played.flash, played.saves) == (zones, zones, 1)


@pytest.mark.parametrize(("host", "zones"), [(True, HOST_ZONES), (False, CONTINUOUS_ZONES)])
def test_a_module_that_is_set_up_already_is_read_only_and_its_flash_is_spared(host: bool, zones: dict[int, int]) -> None:
    module, played = Gm65(host=host), PlayedGm65(dict(zones))
    talk(module, module.set_up(), played)
    assert [(kind, zone) for kind, zone, _ in played.requests] == [(READ, zone) for zone in (0x0003, 0x0000, 0x0060, 0x0005, 0x0013)]


def test_bits_that_are_not_ours_stay_as_they_are() -> None:
    module, played = Gm65(host=True), PlayedGm65({0x0000: 0x82, 0x0003: 0xF1, 0x0005: 0x0A, 0x0013: 0x85, 0x0060: 0xBA})
    talk(module, module.set_up(), played)
    assert played.zones == {0x0000: 0x81, 0x0003: 0xF3, 0x0005: 0x03, 0x0013: 0x05, 0x0060: 0x81}


def test_a_module_whose_set_up_codes_stay_on_is_not_used() -> None:
    module, played = Gm65(host=True), PlayedGm65(stubborn=frozenset({0x0003}))
    with pytest.raises(HardwareError) as raised:
        talk(module, module.set_up(), played)
    assert not isinstance(raised.value, ScannerError)  # trying again would not mend it
    assert (raised.value.what, raised.value.hint, played.saves) == (
        "the scan module does not take a setting: printed set-up codes off (zone 0003 reads 00)",
        "while set-up codes work, anybody can print one that reconfigures it: use another module",
        0,
    )


def test_a_module_that_takes_another_setting_not_is_not_used_either() -> None:
    module, played = Gm65(host=False), PlayedGm65(stubborn=frozenset({0x0005}))
    with pytest.raises(HardwareError) as raised:
        talk(module, module.set_up(), played)
    assert raised.value.what == "the scan module does not take a setting: 0.3 s between readings (zone 0005 reads 0A)"


# --- signs of life ---------------------------------------------------------------------------------------------


def test_on_command_the_sign_of_life_is_the_next_reading() -> None:
    module, played = on_command(), PlayedGm65(dict(HOST_ZONES))
    assert (talk(module, module.ask(), played), played.triggered) == ([bytes.fromhex("7e00080100020102da")], True)


def test_reading_continuously_it_is_asked_whether_set_up_codes_are_still_off() -> None:
    module, played = continuous(), PlayedGm65(dict(CONTINUOUS_ZONES))
    talk(module, module.ask(), played)
    assert played.requests == [(READ, 0x0003, 1)]
    with pytest.raises(ScannerError, match="forgotten its settings"):
        talk(module, module.ask(), PlayedGm65())


# --- the stream ------------------------------------------------------------------------------------------------

CASES = [
    pytest.param([ACK + b"GATE-7\r"], [Answer(b"\0"), b"GATE-7"], id="the answer and the text in one piece"),
    pytest.param([ACK, b"GATE-7\r"], [Answer(b"\0"), b"GATE-7"], id="the answer before the text"),
    pytest.param([bytes([each]) for each in ACK + b"GATE-7\r"], [Answer(b"\0"), b"GATE-7"], id="byte by byte"),
    pytest.param([ACK[:3], ACK[3:] + b"GA", b"TE-7\r"], [Answer(b"\0"), b"GATE-7"], id="split within both"),
    pytest.param([ACK + b"x" + ACK + b"y\r"], [Answer(b"\0"), b"x" + ACK + b"y"], id="a text that holds the answer's bytes"),
    pytest.param([ACK + b"a\nb\r"], [Answer(b"\0"), b"a\nb"], id="a line feed in the text"),
    pytest.param([b"\x02\x00\x00\x01\x00\xab\xcd" + b"a\r"], [Answer(b"\0"), b"a"], id="an answer without a checksum"),
]


@pytest.mark.parametrize(("pieces", "expected"), CASES)
@pytest.mark.parametrize("make", [on_command, continuous])
def test_the_answer_is_taken_out_of_the_stream_exactly(make: type[Gm65], pieces: list[bytes], expected: list[bytes | Answer]) -> None:
    module = make()  # type: ignore[call-arg]  # a function that makes one
    module.asked(quiet=False)
    assert (heard(module, *pieces), module.failures) == (expected, 0)


def test_on_command_a_text_may_even_begin_with_the_answers_bytes() -> None:
    module = on_command()
    module.asked(quiet=False)
    assert (heard(module, ACK + ACK + b"x\r"), module.failures) == ([Answer(b"\0"), ACK + b"x"], 0)


def test_reading_continuously_texts_come_before_the_answer_too() -> None:
    module = continuous()
    module.asked(quiet=False)
    assert heard(module, b"a\rb\r" + answer(2) + b"c\r") == [b"a", b"b", Answer(b"\x02"), b"c"]


def test_reading_continuously_a_text_that_begins_like_an_answer_is_none_and_spoils_no_other() -> None:
    """Somebody shows a code that holds an answer: the true one must not become part of the next person's text."""
    module = continuous()
    module.asked(quiet=False)
    assert (heard(module, answer(2) + b"\r", answer(2) + b"next\r", b"next\r"), module.failures) == ([Answer(b"\x02"), b"next"], 1)


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(ACK[:6] + b"\x30", id="its checksum"),
        pytest.param(b"\x03" + ACK[1:], id="its first byte"),
        pytest.param(ACK[:3] + b"\x09" + ACK[4:], id="its length"),
        pytest.param(ACK[1:], id="a byte is missing"),
        pytest.param(b"\xff" + ACK, id="a byte too many"),
        pytest.param(b"", id="it is missing"),
    ],
)
def test_on_command_an_answer_that_was_broken_on_the_wire_spoils_no_text(broken: bytes) -> None:
    module = on_command()
    module.asked(quiet=False)
    assert (heard(module, broken + b"GATE-7\r", ACK + b"GATE-7\r"), module.failures) == ([Answer(b"\0"), b"GATE-7"], 1)


def test_reading_continuously_an_answer_with_a_wrong_checksum_spoils_no_text() -> None:
    module = continuous()
    module.asked(quiet=False)
    assert (heard(module, answer(2)[:-1] + b"\0GATE-7\rGATE-8\r"), module.failures) == ([b"GATE-8"], 1)


def test_an_answer_that_comes_late_is_taken_out_as_well() -> None:
    module = on_command()
    module.asked(quiet=False)
    module.asked(quiet=True)
    assert (heard(module, ACK, ACK, b"GATE-7\r"), module.failures) == ([Answer(b"\0"), b"GATE-7"], 0)


def test_on_command_junk_before_the_answer_ends_with_the_silence_after_it() -> None:
    module = on_command()
    module.asked(quiet=False)
    assert heard(module, b"\xff", ACK[2:]) == []
    module.asked(quiet=True)
    assert heard(module, ACK + b"GATE-7\r") == [Answer(b"\0"), b"GATE-7"]


pieces = st.lists(st.one_of(st.binary(max_size=40), st.sampled_from([ACK, ACK[:5], b"\r", answer(2), b"x" * 5000])), max_size=30)


@settings(max_examples=300, derandomize=True, deadline=None)
@given(stream=pieces, host=st.booleans(), asked=st.sets(st.integers(0, 29)), quiet=st.booleans())
def test_whatever_comes_gives_texts_within_their_bounds_and_never_an_error(stream: list[bytes], host: bool, asked: set[int], quiet: bool) -> None:
    module = on_command() if host else continuous()
    for number, piece in enumerate(stream):
        if number in asked:
            module.asked(quiet=quiet)
        for each in module.heard(piece):
            assert isinstance(each, Answer) or (0 < len(each) <= PAYLOAD_MAX and b"\r" not in each)
        assert len(module._lines._pending) <= PAYLOAD_MAX


texts = st.binary(min_size=1, max_size=60).filter(lambda each: b"\r" not in each)


@settings(max_examples=300, derandomize=True, deadline=None)
@given(sent=st.lists(texts, max_size=5), cuts=st.lists(st.integers(0, 400), max_size=8))
def test_on_command_each_text_comes_out_as_it_went_in_however_the_stream_is_cut(sent: list[bytes], cuts: list[int]) -> None:
    module, found = on_command(), []
    for text in sent:
        module.asked(quiet=False)
        stream = ACK + text + b"\r"
        borders = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
        for begin, end in pairwise(borders):
            found += [each for each in module.heard(stream[begin:end]) if not isinstance(each, Answer)]
    assert (found, module.failures) == (sent, 0)


def test_the_played_module_forgets_what_was_not_saved() -> None:
    played = PlayedGm65()
    played.hears(frame(WRITE, 0x0005, 3))
    played.loses_power()
    assert played == replace(PlayedGm65(), requests=[(WRITE, 0x0005, 3)])
