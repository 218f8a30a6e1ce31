from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.errors import HardwareError, ScannerError
from device.reader.decoders import PAYLOAD_MAX
from device.reader.scanners import Answer, Request
from device.reader.scanners.honeywell import Honeywell


@pytest.mark.parametrize(("host", "command"), [(True, b"\x16M\rTRGMOD0!"), (False, b"\x16M\rTRGMOD3!")])
def test_it_is_told_in_its_memory_only_when_to_read(host: bool, command: bytes) -> None:
    talk = Honeywell(host=host).set_up()
    assert next(talk) == Request(command)
    with pytest.raises(StopIteration):
        talk.send(b"TRGMOD0\x06!")


@pytest.mark.parametrize("answer", [b"TRGMOD0\x15!", b"TRGMOD0\x05!"])
def test_a_module_that_refuses_is_not_used(answer: bytes) -> None:
    talk = Honeywell(host=True).set_up()
    next(talk)
    with pytest.raises(HardwareError) as raised:
        talk.send(answer)
    assert raised.value.what == f"the scan module refuses TRGMOD0 ({answer[-2:].hex()})"


def test_on_command_it_is_asked_how_it_is_and_triggered() -> None:
    talk = Honeywell(host=True).ask()
    assert (next(talk), talk.send(b"TRGMOD0\x06.")) == (Request(b"\x16M\rTRGMOD?."), Request(bytes.fromhex("16540d"), answered=False))


def test_on_command_it_is_left_dark_and_else_as_it_is() -> None:
    assert (Honeywell(host=True).stop, Honeywell(host=False).stop) == (bytes.fromhex("16550d"), b"")


def test_one_that_lost_its_memory_is_set_up_again() -> None:
    talk = Honeywell(host=False).ask()
    next(talk)
    with pytest.raises(ScannerError, match="forgotten its settings"):
        talk.send(b"TRGMOD0\x06.")


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        pytest.param([b"TRGMOD0\x06.GATE-7\r"], [Answer(b"TRGMOD0\x06."), b"GATE-7"], id="in one piece"),
        pytest.param([bytes([each]) for each in b"TRGMOD0\x06.GATE-7\r"], [Answer(b"TRGMOD0\x06."), b"GATE-7"], id="byte by byte"),
        pytest.param([b"a\r\nTRGMOD0\x15.b\r\n"], [b"a", Answer(b"TRGMOD0\x15."), b"b"], id="between two texts, a refusal"),
        pytest.param([b"TRGMOD0\x06.xTRGMOD0\x06.\r"], [Answer(b"TRGMOD0\x06."), b"xTRGMOD0\x06."], id="a text that holds an answer"),
        pytest.param([b"TRGMODERN\r"], [b"TRGMODERN"], id="a text that begins like one"),
    ],
)
def test_the_answer_is_taken_out_of_the_stream_exactly(pieces: list[bytes], expected: list[bytes | Answer]) -> None:
    module = Honeywell(host=True)
    module.asked(quiet=False)
    assert [each for piece in pieces for each in module.heard(piece)] == expected


def test_an_answer_that_nobody_asked_for_is_no_text_and_part_of_none() -> None:
    """Somebody shows a code that holds an answer: the true one comes when none is owed any more."""
    module = Honeywell(host=True)
    module.asked(quiet=False)
    heard = module.heard(b"TRGMOD0\x06.\rTRGMOD0\x06.next\rnext\r")
    assert (heard, module.failures) == ([Answer(b"TRGMOD0\x06."), b"next"], 1)


def test_an_answer_that_comes_late_is_taken_out_as_well() -> None:
    module = Honeywell(host=True)
    module.asked(quiet=False)
    module.asked(quiet=True)
    heard = module.heard(b"TRGMOD0\x06.TRGMOD0\x06.a\r")
    assert (heard, module.failures) == ([Answer(b"TRGMOD0\x06."), b"a"], 0)


@settings(max_examples=200, derandomize=True, deadline=None)
@given(stream=st.lists(st.binary(max_size=40) | st.sampled_from([b"TRGMOD0\x06.", b"TRGMOD", b"\r", b"x" * 5000]), max_size=30))
def test_whatever_comes_gives_texts_within_their_bounds_and_never_an_error(stream: list[bytes]) -> None:
    module = Honeywell(host=True)
    for piece in stream:
        module.asked(quiet=False)
        for each in module.heard(piece):
            assert isinstance(each, Answer) or (0 < len(each) <= PAYLOAD_MAX and not set(each) & {13, 10})
