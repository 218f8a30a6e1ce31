from __future__ import annotations

import random

import pytest

from device.credentials.hc1 import base45
from device.credentials.hc1.broken import BrokenError
from tests.device.credentials.hc1.issuer import to_base45

SAID: dict[str, tuple[bytes, bytes]] = {  # RFC 9285, section 4.3 and 4.4
    "AB": (b"BB8", b"AB"),
    "Hello!!": (b"%69 VD92EX0", b"Hello!!"),
    "base-45": (b"UJCLQE7W581", b"base-45"),
    "ietf!": (b"QED8WEX0", b"ietf!"),
    "nothing": (b"", b""),
    "the largest group": (b"FGW", b"\xff\xff"),
    "the largest last one": (b"U5", b"\xff"),
    "blanks, which are letters": (b"  0  0", b"\x06\x78\x06\x78"),
}


@pytest.mark.parametrize(("text", "data"), SAID.values(), ids=SAID.keys())
def test_a_text_stands_for_its_bytes(text: bytes, data: bytes) -> None:
    assert base45.decode(text) == data


def test_any_bytes_come_back() -> None:
    dice = random.Random(999)
    cases = [dice.randbytes(size) for size in range(200)]
    assert [base45.decode(to_base45(data)) for data in cases] == cases


STRANGE = "a character that base45 does not have"
NO_BYTES = "a group of characters that stands for no bytes"
REFUSED: dict[str, tuple[bytes, str]] = {
    "a group beyond 65535": (b"GGW", NO_BYTES),
    "the largest group there could be": (b":::", NO_BYTES),
    "a last byte beyond 255": (b"V5", NO_BYTES),
    "one character left over": (b"BB8B", NO_BYTES),
    "one character": (b"0", NO_BYTES),
    "a small letter": (b"bb8", STRANGE),
    "a line end": (b"BB8\n", STRANGE),
    "a zero byte": (b"BB8\0", STRANGE),
    "a byte that is no ASCII": (b"BB\xff", STRANGE),
}


@pytest.mark.parametrize(("text", "fault"), REFUSED.values(), ids=REFUSED.keys())
def test_what_stands_for_no_bytes_is_refused(text: bytes, fault: str) -> None:
    with pytest.raises(BrokenError) as caught:
        base45.decode(text)
    assert caught.value.what == fault
