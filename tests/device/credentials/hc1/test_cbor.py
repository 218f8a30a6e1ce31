from __future__ import annotations

import cbor2
import pytest

from device.cbor import Tagged
from device.credentials.hc1 import cbor
from device.credentials.hc1.broken import BrokenError
from device.domain import Misread


def test_what_issuers_programs_write_is_read() -> None:
    claims = {4: 1_681_536_000, -260: {1: {"ver": "1.3.0", "v": [cbor2.CBORTag(99, 1.5)]}}}
    read = {**claims, -260: {1: {"ver": "1.3.0", "v": [Tagged(99, 1.5)]}}}
    assert [cbor.loads(cbor2.dumps(claims, indefinite_containers=open_)) for open_ in (False, True)] == [read, read]


@pytest.mark.parametrize(
    "data", [b"", b"\x81" * 18, cbor2.dumps([0] * 512), b"\xa1\x41a\x02"], ids=["nothing", "too deep", "too many", "a key of bytes"]
)
def test_anything_else_breaks_the_certificate(data: bytes) -> None:
    with pytest.raises(BrokenError) as caught:
        cbor.loads(data)
    assert caught.value.misread is Misread.MALFORMED


def test_the_bounds_themselves_are_within() -> None:
    assert cbor.loads(cbor2.dumps([0] * 511)) == [0] * 511
    assert repr(cbor.loads(b"\x81" * 16 + b"\x00")) == "[" * 16 + "0" + "]" * 16
