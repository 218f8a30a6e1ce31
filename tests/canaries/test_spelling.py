from __future__ import annotations

import base64
import random

import pytest

from tests.canaries.spelling import LONG, SHORT, bare, forms, in_base64, pieces

NAME = "Đặng Thị Thử"


def test_bare_text_has_no_diacritics() -> None:
    assert bare("Đặng Thị Thử, đường Mẫu") == "Dang Thi Thu, duong Mau"


def test_a_name_is_sought_in_every_form_in_which_a_program_could_have_written_it() -> None:
    wanted = {
        NAME.encode(),
        b"Dang Thi Thu",
        b"DANG THI THU",
        b"dang thi thu",
        "ĐẶNG THỊ THỬ".encode(),
        "Đa\u0323\u0306ng Thi\u0323 Thu\u031b\u0309".encode(),
        NAME.encode("utf-16-le"),
        NAME.encode("utf-16-be"),
        NAME.encode().hex().encode(),
        NAME.encode().hex().upper().encode(),
        NAME[::-1].encode(),
        b"%C4%90%E1%BA%B7ng%20Th%E1%BB%8B%20Th%E1%BB%AD",
        rb"\u0110\u1eb7ng Th\u1ecb Th\u1eed",
        rb"\xc4\x90\xe1\xba\xb7ng Th\xe1\xbb\x8b Th\xe1\xbb\xad",
    }
    assert wanted - forms(NAME) == set()


def test_a_long_number_is_sought_as_a_binary_one_too() -> None:
    assert {(999090000001).to_bytes(8, "big"), (999090000001).to_bytes(8, "little"), b"100000090999"} <= forms("999090000001")
    assert (900012345).to_bytes(8, "big") not in forms("0900012345")


@pytest.mark.parametrize("before", range(4))
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_base64_is_found_at_every_offset_and_whatever_surrounds_it(before: int, encode: object) -> None:
    assert callable(encode)
    chance = random.Random(before)
    text = encode(chance.randbytes(before) + NAME.encode() + chance.randbytes(5))
    assert any(form in text for form in in_base64(NAME.encode()))


def test_whoever_writes_down_a_stretch_of_a_code_has_written_one_of_its_pieces() -> None:
    words = "nguyễn văn thử|khu phố mẫu, phường thử nghiệm|nữ".encode()
    digits = b"shc:/56762909524320603460292437404460312229595326546034602925407728043360287028647167452228"
    assert all(any(piece in words[at : at + SHORT + 3] for piece in pieces(words)) for at in range(len(words) - SHORT - 2))
    assert all(any(piece in digits[at : at + LONG + 7] for piece in pieces(digits)) for at in range(len(digits) - LONG - 6))


def test_no_short_piece_could_be_a_part_of_a_hash_a_number_or_a_date() -> None:
    codes = (b"0123456789abcdef" * 4, b'"00501","1990-02-01":"123456","aacc","d' * 2)
    assert {len(piece) for code in codes for piece in pieces(code)} == {LONG, 2 * LONG}
