from __future__ import annotations

import pytest

from device.credentials import bhyt
from device.domain import Credential, CredentialKind, Misread, NotACredential, Proof

NEW = (
    "9900000001|4e677579e1bb856e2056c4836e205468e1bbad|01/02/1990|1|-|99 - 001|01/01/2024|-|15/01/2024|99009900000001|-|4| 01/10/2027"
    "|0123456789abcdef-1202|4|5468c3a06e68207068e1bb91205468e1bbad204e676869e1bb876d|$"
)
OLD = (
    "HS4990000000001|5472e1baa76e205468e1bb8b204de1baab75|03/04/2008|2"
    "|5068c6b0e1bb9d6e67205468e1bbad2c205175e1baad6e204de1baab75|99 - 002|01/01/2019|-|02/01/2019|$"
)
THU_HEX = "4e677579e1bb856e2056c4836e205468e1bbad"

# What is claimed, and the social-insurance number: the only thing that is kept.
CLAIMS: dict[str, tuple[str, bytes]] = {
    "new, 17 items": (NEW, b"bhxh:9900000001"),
    "old, 10 items": (OLD, b"bhxh:0000000001"),
    "hex in capitals": (NEW.replace(THU_HEX, THU_HEX.upper()), b"bhxh:9900000001"),
    "hex of no text, which nobody reads": (NEW.replace(THU_HEX, "fffe"), b"bhxh:9900000001"),
    "only the year of birth": (OLD.replace("03/04/2008", "2008"), b"bhxh:0000000001"),
    "one digit of day and month": (OLD.replace("03/04/2008", "3/4/2008"), b"bhxh:0000000001"),
    "the longer dash": (OLD.replace("99 - 002", "99 \u2013 002"), b"bhxh:0000000001"),
    "the dash without blanks": (OLD.replace("99 - 002", "99-002"), b"bhxh:0000000001"),
    "blanks without a dash": (OLD.replace("99 - 002", "99 002"), b"bhxh:0000000001"),
    "an old card without address": (OLD.replace("5068c6b0e1bb9d6e67205468e1bbad2c205175e1baad6e204de1baab75", "-"), b"bhxh:0000000001"),
    "a new card with an address": (NEW.replace("|1|-|", f"|1|{THU_HEX}|"), b"bhxh:9900000001"),
    "an insurance with an end": (OLD.replace("01/01/2019|-|", "01/01/2019|31/12/2019|"), b"bhxh:0000000001"),
    "an insurance that ended long ago": (OLD.replace("2019", "1999"), b"bhxh:0000000001"),
    "a child's parent": (NEW.replace("01|-|4|", f"01|{THU_HEX}|4|"), b"bhxh:9900000001"),
    "an area of living": (NEW.replace("|-|4|", "|-|K1|"), b"bhxh:9900000001"),
    "no area of living": (NEW.replace("|-|4|", "|-|-|"), b"bhxh:9900000001"),
    "five years' day without a blank": (NEW.replace(" 01/10/2027", "01/10/2027"), b"bhxh:9900000001"),
    "no five years' day": (NEW.replace(" 01/10/2027", "-"), b"bhxh:9900000001"),
    "what a wedge scanner adds": ("\ufeff" + NEW + "\r\n", b"bhxh:9900000001"),
}

MALFORMED: dict[str, str] = {
    "an end cut off": NEW.removesuffix("|$"),
    "an old end cut off": OLD.removesuffix("|$"),
    "no end sign": NEW.removesuffix("$"),
    "more behind the end": NEW + "|",
    "an old card's number on a new card": NEW.replace("9900000001|", "HS4990000000001|", 1),
    "a new card's number on an old card": OLD.replace("HS4990000000001", "9900000001"),
    "16 items": NEW.replace("|-|4|", "|4|"),
    "half a byte in the name": NEW.replace(THU_HEX, THU_HEX[:-1]),
    "half a byte in the address": OLD.replace("5068c6b0", "068c6b0"),
    "no address": OLD.replace("5068c6b0e1bb9d6e67205468e1bbad2c205175e1baad6e204de1baab75", ""),
    "a name too long": NEW.replace(THU_HEX, "41" * 601),
    "the 31st of February": OLD.replace("03/04/2008", "31/02/2008"),
    "the year 0": OLD.replace("03/04/2008", "0000"),
    "a third sex": OLD.replace("|2|", "|3|"),
    "no sex": OLD.replace("|2|", "||"),
    "a sex in other digits": OLD.replace("|2|", "|٢|"),
    "a facility of two digits": OLD.replace("99 - 002", "99 - 02"),
    "a facility without a gap": OLD.replace("99 - 002", "99002"),
    "no day of beginning": OLD.replace("01/01/2019", "-"),
    "a beginning on the 30th of February": OLD.replace("01/01/2019", "30/02/2019"),
    "an end on the 31st of April": OLD.replace("01/01/2019|-|", "01/01/2019|31/04/2019|"),
    "a day of issue with dashes": OLD.replace("02/01/2019", "02-01-2019"),
    "five years' day of month 13": NEW.replace(" 01/10/2027", " 01/13/2027"),
    "five years' day with two blanks": NEW.replace(" 01/10/2027", "  01/10/2027"),
    "an office's code of letters": NEW.replace("99009900000001", "A"),
    "a parent in plain text": NEW.replace("01|-|4|", "01|Cha|4|"),
    "a fourth area of living": NEW.replace("|-|4|", "|-|K4|"),
    "a check value too short": NEW.replace("0123456789abcdef-", "0123456789abcde-"),
    "a check value without its number": NEW.replace("-1202", ""),
    "two digits before the place of issue": NEW.replace("-1202|4|", "-1202|44|"),
    "a place of issue in plain text": NEW.replace("5468c3a06e68207068e1bb91205468e1bbad204e676869e1bb876d", "Thử"),
}

OTHERS: dict[str, str] = {
    "a number of 9 digits": NEW.replace("9900000001|", "990000001|", 1),
    "a number of 11 digits": NEW.replace("9900000001|", "99000000011|", 1),
    "a number of one letter": OLD.replace("HS4", "H44"),
    "a number in small letters": OLD.replace("HS4", "hs4"),
    "a number in other digits": NEW.replace("9900000001|", "990000000\u0661|", 1),
    "a masked number": OLD.replace("HS4990000000001", "HS4******000001"),
    "a name in plain text": NEW.replace(THU_HEX, "Nguyễn Văn Thử"),
    "no name": NEW.replace(THU_HEX, ""),
    "a birth date with dashes": NEW.replace("01/02/1990", "1990-02-01"),
    "a birth date without slashes": NEW.replace("01/02/1990", "01021990"),
    "a date where the sex is": NEW.replace("|1|", "|1990|"),
    "three items": "9900000001|4e67|01/02/1990",
    "a control character": NEW.replace("99 - 001", "99\t001"),
    "a citizen card": "999090000001|999000001|Nguyễn Văn Thử|01021990|Nam|Xã Thử|15042021",
    "a unified code": "9990900001|ABCDEF|1990-02-01|0|162979388500000100|",
}


@pytest.mark.parametrize(("text", "key"), CLAIMS.values(), ids=CLAIMS.keys())
def test_an_insurance_card_is_a_claim_about_its_number(text: str, key: bytes) -> None:
    assert (bhyt.detect(text.encode()), bhyt.read(text.encode())) == (True, Credential(CredentialKind.BHYT, Proof.CLAIMED, person_key=key))


@pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_card_that_cannot_be_is_malformed(text: str) -> None:
    assert (bhyt.detect(text.encode()), bhyt.read(text.encode())) == (True, NotACredential(Misread.MALFORMED))


@pytest.mark.parametrize("text", OTHERS.values(), ids=OTHERS.keys())
def test_other_texts_are_left_to_others(text: str) -> None:
    assert bhyt.detect(text.encode()) is False


def test_an_old_and_a_new_card_are_of_one_person() -> None:
    old, new = (bhyt.read(text.encode()) for text in (OLD.replace("HS4990000000001", "HS4999900000001"), NEW))
    assert old == new == Credential(CredentialKind.BHYT, Proof.CLAIMED, person_key=b"bhxh:9900000001")
