from __future__ import annotations

import pytest

from device.commands.chunk import CONTENT_MAX, HEAD, Chunk, decode, encode, split
from device.errors import VerificationError
from tests.device.commands.orders import ID


def test_a_file_in_parts_is_the_file() -> None:
    content = bytes(range(256)) * 150
    parts = [decode(encode(each)) for each in split(ID, content)]
    assert [(part.id, part.index, len(part.content)) for part in parts] == [(ID, 0, CONTENT_MAX), (ID, 1, CONTENT_MAX), (ID, 2, 5632)]
    assert b"".join(part.content for part in parts) == content


@pytest.mark.parametrize("data", [b"", ID, bytes(HEAD.size), bytes(HEAD.size + CONTENT_MAX + 1)], ids=["nothing", "a name", "empty", "too long"])
def test_anything_else_is_no_part(data: bytes) -> None:
    with pytest.raises(VerificationError):
        decode(data)


def test_a_byte_is_a_part() -> None:
    assert decode(ID + b"\x00\x00\x00\x07x") == Chunk(ID, 7, b"x")
