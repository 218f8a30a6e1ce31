"""Our own symbols are read by both decoders wherever the stream is well-formed: what they refuse in the corpus is the stream's fault."""

from __future__ import annotations

import pytest

from device.reader.decoders import open_decoder
from tests.hostile import symbols


@pytest.mark.parametrize("decoder", ["zxing", "zbar"])
@pytest.mark.parametrize(
    ("stream", "version", "level", "payload"),
    [
        pytest.param(symbols.numeric("99900000000112"), 5, "M", b"99900000000112", id="digits"),
        pytest.param(symbols.alphanumeric("KD1.999 A:%"), 2, "L", b"KD1.999 A:%", id="letters"),
        pytest.param(symbols.byte(b"\x00\xff|\x80", version=12), 12, "H", b"\x00\xff|\x80", id="bytes, larger counts"),
        pytest.param(symbols.byte("Nữ".encode(), version=30), 30, "Q", "Nữ".encode(), id="bytes, largest version"),
        pytest.param(symbols.eci(26) + symbols.byte("Nữ".encode()), 5, "M", "Nữ".encode(), id="one ECI"),
        pytest.param(symbols.numeric("999") + symbols.byte(b"|a|") + symbols.alphanumeric("AB"), 5, "M", b"999|a|AB", id="mixed"),
    ],
)
def test_a_well_formed_stream_is_read(decoder: str, stream: str, version: int, level: str, payload: bytes) -> None:
    luma = symbols.symbol(stream, version=version, level=level)
    assert [each.payload for each in open_decoder(decoder, thorough=True).read(luma).symbols] == [payload]
