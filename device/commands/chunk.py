"""A part of a file that an order has announced: 16 bytes that name it, a number of 4 bytes, and up to 16 KiB of it.

Not signed: the whole is known by the SHA-256 that the order signs, and what is in it is signed by the office besides.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from device.commands.order import ID_BYTES
from device.errors import VerificationError

VERB = "chunk"
CONTENT_MAX = 16 * 1024
ANSWER_EVERY = 8
"""Chunks from one answer of the gate to the next; whoever sends waits for it there."""
HEAD = struct.Struct(f">{ID_BYTES}sI")


@dataclass(frozen=True, slots=True)
class Chunk:
    """``id`` is that of the order; all but the last are full, and ``index`` counts from zero."""

    id: bytes
    index: int
    content: bytes = field(repr=False)


def encode(chunk: Chunk) -> bytes:
    return HEAD.pack(chunk.id, chunk.index) + chunk.content


def decode(data: bytes) -> Chunk:
    """Raises VerificationError where ``data`` is no chunk."""
    content = data[HEAD.size :]
    if not 0 < len(content) <= CONTENT_MAX:
        raise VerificationError("not a part of a file")
    id_, index = HEAD.unpack(data[: HEAD.size])
    return Chunk(id_, index, content)


def split(id_: bytes, content: bytes) -> list[Chunk]:
    return [Chunk(id_, at // CONTENT_MAX, content[at : at + CONTENT_MAX]) for at in range(0, len(content), CONTENT_MAX)]
