from __future__ import annotations

import unicodedata

import pytest

from device.credentials import cccd
from device.domain import Credential, CredentialKind, Misread, NotACredential, Proof

THU = "999090000001|999000001|Nguyễn Văn Thử|01021990|Nam|Khu phố 1, Phường Thử, Quận Mẫu, Tỉnh Thí Điểm|15042021"

ARABIC = str.maketrans({str(digit): chr(0x660 + digit) for digit in range(10)})  # digits to ``str.isdigit`` and ``\d``, not to a card

THU_OLD = (b"cmnd:999000001",)

# What is claimed: the card's number, and the older numbers of the same person. Nothing else is kept.
CLAIMS: dict[str, tuple[str, str, tuple[bytes, ...]]] = {
    "chip card, 7 fields": (THU, "999090000001", THU_OLD),
    "Căn cước, 11 fields": ("999190000002||Trần Thị Mẫu|03041990|Nữ|Thôn Mẫu, Xã Thử, Tỉnh Thí Điểm|01082024||||", "999190000002", ()),
    "a child's card": (
        "999218000003||Lê Bé Thử|05062018|Nam|Xã Thử|15082024||999018000003|LÊ VĂN CHA|PHẠM THỊ MẸ",
        "999218000003",
        (b"cccd:999018000003",),
    ),
    "only the year of birth, no address": ("999090000001||Nguyễn Văn Thử|1990|Nam||01012022", "999090000001", ()),
    "month and year of birth": (THU.replace("01021990", "021990"), "999090000001", THU_OLD),
    "born on a leap day": (THU.replace("01021990", "29021988"), "999090000001", THU_OLD),
    "letters and their accents apart": (unicodedata.normalize("NFD", THU.replace("Nam", "Nữ")), "999090000001", THU_OLD),
    "what a wedge scanner adds": ("\ufeff" + THU + "\r\n", "999090000001", THU_OLD),
    "what a C program adds": (THU + "\x00", "999090000001", THU_OLD),
    "the rest of a C program's buffer": (THU + "\x00\x00|\x07abc", "999090000001", THU_OLD),
    "a label before it": ("CCCD:" + THU, "999090000001", THU_OLD),
    "a label after a byte order mark": ("\ufeffCCCD:" + THU, "999090000001", THU_OLD),
    "a cancelled number, whichever of the four fields it is in": (
        THU + "|CHA|MẸ|01012016|999018000003",
        "999090000001",
        (*THU_OLD, b"cccd:999018000003"),
    ),
    "two cancelled numbers": (THU + "|999018000004|999018000003||", "999090000001", (*THU_OLD, b"cccd:999018000004", b"cccd:999018000003")),
    "a cancelled number that is the card's own": (THU + "|999090000001|||", "999090000001", THU_OLD),
    "a cancelled number in other digits": (THU + "|" + "999018000003".translate(ARABIC) + "|||", "999090000001", THU_OLD),
    "a name of 100 letters, accents apart": (
        unicodedata.normalize("NFD", THU.replace("Nguyễn Văn Thử", "ễ" * 100)),
        *("999090000001", THU_OLD),
    ),
}

MALFORMED: dict[str, str] = {
    "a number of 11 digits": THU.replace("999090000001", "99909000001"),
    "a number of 13 digits": THU.replace("999090000001", "9990900000010"),
    "the 31st of February": THU.replace("01021990", "31021990"),
    "the 29th of February in a common year": THU.replace("01021990", "29021990"),
    "a birth in month 13": THU.replace("01021990", "131990"),
    "a birth in the year 0": THU.replace("01021990", "0000"),
    "6 fields": THU.rpartition("|")[0],
    "8 fields": THU + "|",
    "10 fields": THU + "|||",
    "12 fields": THU + "|||||",
    "an old number of 8 digits": THU.replace("|999000001|", "|99900001|"),
    "an old number in other digits": THU.replace("|999000001|", "|999000001|".translate(ARABIC)),
    "no name": THU.replace("Nguyễn Văn Thử", ""),
    "a name too long": THU.replace("Nguyễn Văn Thử", "A" * 101),
    "a third sex": THU.replace("Nam", "X"),
    "a sex in capitals": THU.replace("Nam", "NAM"),
    "no day of issue": THU.replace("15042021", ""),
    "issued on the 31st of April": THU.replace("15042021", "31042021"),
    "a bar swallowed by a guessed charset": "999000000001||Lê Văn An|01011990|N廙砝|01012021",
}

OTHERS: dict[str, str] = {
    "letters in the number": THU.replace("999090000001", "99909000000A"),
    "a number in other digits": THU.replace("999090000001", "999090000001".translate(ARABIC)),
    "a superscript in the number": THU.replace("999090000001", "99909000000²"),
    "another label before it": "CMND:" + THU,
    "a label twice": "CCCD:CCCD:" + THU,
    "a label in small letters": "cccd:" + THU,
    "a NUL between the fields": THU.replace("|01021990", "\x00|01021990"),
    "two byte order marks": "\ufeff\ufeff" + THU,
    "a birth date with dashes": THU.replace("01021990", "1990-02-01"),
    "a birth date in other digits": THU.replace("01021990", "01021990".translate(ARABIC)),
    "a birth date of 7 digits": THU.replace("01021990", "1021990"),
    "3 fields": "999090000001|999000001|Nguyễn Văn Thử",
    "a control character": THU.replace("Nam", "Nam\x07"),
    "a unified code": "999090000001|NGUYEN VAN THU|1990-02-01|0|162979388500000100|",
    "an insurance card": "9900000001|4e677579e1bb856e2056c4836e205468e1bbad|01/02/1990|1|-|99 - 001|01/01/2024|-|15/01/2024|$",
}


@pytest.mark.parametrize(("text", "number", "also"), CLAIMS.values(), ids=CLAIMS.keys())
def test_a_citizen_card_is_a_claim_about_its_number(text: str, number: str, also: tuple[bytes, ...]) -> None:
    expected = Credential(CredentialKind.CCCD, Proof.CLAIMED, person_key=b"cccd:" + number.encode(), also=also)
    assert (cccd.detect(text.encode()), cccd.read(text.encode())) == (True, expected)


@pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_card_that_cannot_be_is_malformed(text: str) -> None:
    assert (cccd.detect(text.encode()), cccd.read(text.encode())) == (True, NotACredential(Misread.MALFORMED))


@pytest.mark.parametrize("text", OTHERS.values(), ids=OTHERS.keys())
def test_other_texts_are_left_to_others(text: str) -> None:
    assert cccd.detect(text.encode()) is False
