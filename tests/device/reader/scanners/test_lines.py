from __future__ import annotations

import pytest

from device.reader.decoders import PAYLOAD_MAX
from device.reader.scanners.lines import Lines


def texts(lines: Lines, *pieces: bytes) -> list[bytes]:
    found = []
    for piece in pieces:
        lines.add(piece)
        while (text := lines.text()) is not None:
            found.append(text)
    return found


@pytest.mark.parametrize(
    ("ends", "pieces", "expected"),
    [
        pytest.param(b"\r", [b"a\r", b"b\r"], [b"a", b"b"], id="CR"),
        pytest.param(b"\r\n", [b"a\nb\r\nc\r"], [b"a", b"b", b"c"], id="any of both, and both"),
        pytest.param(b"\r\n", [b"a\r", b"\nb\r\n"], [b"a", b"b"], id="CR LF apart"),
        pytest.param(b"\r", [b"a\nb\r"], [b"a\nb"], id="a line feed inside is kept where only CR ends"),
        pytest.param(b"\r", [b"a", b"", b"b", b"\r"], [b"ab"], id="split"),
        pytest.param(b"\r", [b"\r\r\r"], [], id="empty texts are none"),
        pytest.param(b"\r", [bytes(range(14, 256)) + b"\x00\r"], [bytes(range(14, 256)) + b"\x00"], id="exact bytes"),
        pytest.param(b"\r", [b"a"], [], id="no end yet"),
    ],
)
def test_a_stream_is_cut_at_its_terminators(ends: bytes, pieces: list[bytes], expected: list[bytes]) -> None:
    lines = Lines(ends)
    assert (texts(lines, *pieces), lines.failures) == (expected, 0)


def test_the_longest_payload_comes_whole_and_one_byte_more_is_counted_and_thrown_away() -> None:
    lines = Lines(b"\r")
    longest = b"x" * PAYLOAD_MAX
    assert (texts(lines, longest + b"\r", longest + b"y\r", b"a\r"), lines.failures) == ([longest, b"a"], 1)


def test_junk_without_an_end_fills_nothing_and_what_follows_its_end_is_read() -> None:
    lines = Lines(b"\r")
    for _ in range(100):
        assert texts(lines, b"x" * 4096) == []
        assert len(lines._pending) <= PAYLOAD_MAX
    assert (texts(lines, b"end\ra\r"), lines.failures) == ([b"a"], 1)


def test_the_rest_of_a_text_whose_beginning_was_not_seen_is_none() -> None:
    lines = Lines(b"\r")
    lines.add(b"half a te")
    lines.begin()
    assert (texts(lines, b"xt", b"\ra\r"), lines.failures) == ([b"a"], 1)


def test_a_beginning_at_a_border_takes_nothing_away() -> None:
    lines = Lines(b"\r")
    lines.begin()
    assert (texts(lines, b"a\r"), lines.failures) == ([b"a"], 0)


def test_after_silence_the_next_byte_begins_something_new() -> None:
    lines = Lines(b"\r")
    lines.add(b"\xff")
    lines.restart()
    assert (texts(lines, b"a\r"), lines.failures) == ([b"a"], 1)
