from __future__ import annotations

import unicodedata

import pytest

from device.credentials.text import PAYLOAD_MAX, decode_fields

THU = "Nguyễn Văn Thử"

CASES: dict[str, tuple[bytes, list[str]]] = {
    "bars part the fields": (b"a|b||c", ["a", "b", "", "c"]),
    "nothing is one empty field": (b"", [""]),
    "accents stay": (f"1|{THU}".encode(), ["1", THU]),
    "one name has one spelling": (unicodedata.normalize("NFD", f"1|{THU}").encode(), ["1", THU]),
    "a byte order mark is taken off": (b"\xef\xbb\xbfa|b", ["a", "b"]),
    "a wedge scanner's line end is taken off": (b"a|b\r\n", ["a", "b"]),
    "a C program's NUL is taken off": (b"a|b\x00", ["a", "b"]),
    "both, in any order": (b"a|b\r\n\x00", ["a", "b"]),
    "blanks are the writer's": (b" a |b ", [" a ", "b "]),
    "a control character inside": (b"a\x1f|b", []),
    "a NUL inside": (b"a\x00|b", []),
    "a line end inside": (b"a\n|b", []),
    "a C1 control character": ("a\x85|b".encode(), []),
    "a name in Latin-1": ("Lê|b".encode("latin-1"), []),
    "a name in Big5": ("張|b".encode("big5"), []),
    "an overlong bar": (b"a\xc1\xbcb", []),
    "a surrogate": (b"a\xed\xa0\x80|b", []),
    "as long as a symbol can be": (b"a" * PAYLOAD_MAX, ["a" * PAYLOAD_MAX]),
    "longer than any symbol": (b"a" * (PAYLOAD_MAX + 1), []),
}


@pytest.mark.parametrize(("payload", "expected"), CASES.values(), ids=CASES.keys())
def test_a_clean_text_becomes_fields_and_no_other(payload: bytes, expected: list[str]) -> None:
    assert decode_fields(payload) == expected
