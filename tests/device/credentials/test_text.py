from __future__ import annotations

import unicodedata

import pytest

from device.credentials.text import COMPOSED_MAX, PAYLOAD_MAX, composed, decode, decode_fields, trimmed

THU = "Nguyễn Văn Thử"

CASES: dict[str, tuple[bytes, list[str]]] = {
    "bars part the fields": (b"a|b||c", ["a", "b", "", "c"]),
    "nothing is one empty field": (b"", [""]),
    "accents stay": (f"1|{THU}".encode(), ["1", THU]),
    "letters and their accents stay apart": (unicodedata.normalize("NFD", f"1|{THU}").encode(), ["1", unicodedata.normalize("NFD", THU)]),
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


@pytest.mark.parametrize("payload", [payload for payload, _ in CASES.values()], ids=CASES.keys())
def test_the_fields_are_the_text_between_bars(payload: bytes) -> None:
    text = decode(payload)
    assert decode_fields(payload) == ([] if text is None else text.split("|"))


def test_every_control_character_and_no_other_makes_a_text_unfit() -> None:
    unfit = {chr(number) for number in range(0x300) if decode(f"a{chr(number)}b".encode()) is None}
    assert unfit == {chr(number) for number in range(0x110000) if unicodedata.category(chr(number)) == "Cc"}


def test_what_scanners_add_is_taken_off_at_the_ends_only() -> None:
    assert trimmed(b"\xef\xbb\xbf\xef\xbb\xbf\na\nb \r\n\x00\n") == b"\xef\xbb\xbf\na\nb "


def test_one_name_has_one_spelling() -> None:
    assert composed(unicodedata.normalize("NFD", THU)) == THU


def test_a_tower_of_accents_longer_than_any_name_is_left_as_it_is() -> None:
    tower = "\u0301" * (COMPOSED_MAX // 2) + "\u0323" * (COMPOSED_MAX // 2)
    assert (composed(tower), composed(tower + "\u0323")) == (unicodedata.normalize("NFC", tower), tower + "\u0323")
