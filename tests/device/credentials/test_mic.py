from __future__ import annotations

import unicodedata

import pytest

from device.credentials import mic
from device.domain import Credential, CredentialKind, Misread, NotACredential, Proof

THU = "999090000001|NGUYEN VAN THU|1990-02-01|0|162979388500000100|<1<GD4999900000001<0900000001"

ARABIC = str.maketrans({str(digit): chr(0x660 + digit) for digit in range(10)})  # digits to ``str.isdigit`` and ``\d``, not to a card

CARD, INSURED = b"cccd:999090000001", b"bhxh:9900000001"
BOTH = (CARD, INSURED)
EXT = "|<1<GD4999900000001<0900000001"

# What is claimed: whose QID it is, and the unmasked numbers of the same person. Nothing else is kept.
CLAIMS: dict[str, tuple[str, str, tuple[bytes, ...]]] = {
    "in full": (THU, "162979388500000100", BOTH),
    "masked, without insurance": ("******000001|NGUYEN VAN THU|1990-**-**|0|162979388500000100|<1<<0900000001", "162979388500000100", ()),
    "declared by another": (
        "999308000002|TRAN THI MAU|2008-04-03|1|162979388500000200|162979388500000100<2<<",
        "162979388500000200",
        (b"cccd:999308000002",),
    ),
    "a passport": ("C0000001|SMITH JOHN|1985-12-31|0|162979388500000300|<0<<", "162979388500000300", (b"passport:C0000001",)),
    "empty EXT": ("999090000001|NGUYEN VAN THU|1990-02-01|0|162979388500000100|", "162979388500000100", (CARD,)),
    "EXT without its first sub-field": (THU.replace("|<1<", "|1<"), "162979388500000100", BOTH),
    "EXT with masked numbers": (THU.replace("GD4999900000001<0900000001", "GD4999*******<0900******"), "162979388500000100", (CARD,)),
    "EXT with a signature in base64": (THU + "<q+/Zz0w=", "162979388500000100", BOTH),
    "EXT with declarer and insurance": (THU.replace("|<1<", "|162979388500000200<2<"), "162979388500000100", BOTH),
    "EXT with the new insurance number": (THU.replace("GD4999900000001", "9900000001"), "162979388500000100", BOTH),
    "EXT of an unknown gender": (THU.replace("|<1<", "|<<"), "162979388500000100", BOTH),
    "EXT without a telephone number": (THU.replace("<0900000001", ""), "162979388500000100", BOTH),
    "EXT of ten digits that may be a telephone number": (THU.replace(EXT, "|<1<0900000001"), "162979388500000100", (CARD,)),
    "EXT whose first item is empty and whose second is no gender": (THU.replace(EXT, "|<9900000001<0900000001"), "162979388500000100", (CARD,)),
    "EXT whose first item is neither declarer nor gender": (THU.replace(EXT, "|16297938850000<1<9900000001<"), "162979388500000100", (CARD,)),
    "EXT of a third gender": (THU.replace("|<1<", "|<3<"), "162979388500000100", (CARD,)),
    "EXT with an insurance number of 16": (THU.replace("GD4999900000001", "GD49999000000012"), "162979388500000100", (CARD,)),
    "an identity card of nine digits": (THU.replace("999090000001", "999000001"), "162979388500000100", (b"cmnd:999000001", INSURED)),
    "a paper of ten digits": (THU.replace("999090000001", "9990900001"), "162979388500000100", (INSURED,)),
    "a masked passport": (THU.replace("999090000001", "C0****01"), "162979388500000100", (INSURED,)),
    "a paper masked in one digit": (THU.replace("999090000001", "99909000000*"), "162979388500000100", (INSURED,)),
    "only the year's digits are shown": (THU.replace("1990-02-01", "1990-0*-*1"), "162979388500000100", BOTH),
    "no digit of the date is shown": (THU.replace("1990-02-01", "****-**-**"), "162979388500000100", BOTH),
    "a name with its accents": (THU.replace("NGUYEN VAN THU", "NGUYỄN VĂN THỬ"), "162979388500000100", BOTH),
    "a name with its accents apart": (THU.replace("NGUYEN VAN THU", unicodedata.normalize("NFD", "NGUYỄN VĂN THỬ")), "162979388500000100", BOTH),
    "a name with more than letters": (THU.replace("NGUYEN VAN THU", "O'NEIL JR. ANN-MARIE"), "162979388500000100", BOTH),
    "an opaque QID": (THU.replace("162979388500000100", "aB_9-z"), "aB_9-z", BOTH),
    "what a wedge scanner adds": ("\ufeff" + THU + "\x00\r\n", "162979388500000100", BOTH),
}

MALFORMED: dict[str, str] = {
    "five fields": THU.rpartition("|")[0],
    "seven fields": THU + "|",
    "a third kind of identification": THU.replace("|0|", "|2|"),
    "no kind of identification": THU.replace("|0|", "||"),
    "a kind in other digits": THU.replace("|0|", "|0|".translate(ARABIC)),
    "a thirteenth month": THU.replace("1990-02-01", "1990-13-01"),
    "a month zero": THU.replace("1990-02-01", "1990-00-01"),
    "a day 32": THU.replace("1990-02-01", "1990-02-32"),
    "a masked day that cannot be": THU.replace("1990-02-01", "1990-02-4*"),
    "no QID": THU.replace("162979388500000100", ""),
    "a QID with a blank": THU.replace("162979388500000100", "1629 7938"),
    "a QID in other digits": THU.replace("162979388500000100", "123".translate(ARABIC)),
    "a QID too long": THU.replace("162979388500000100", "1" * 65),
    "no name": THU.replace("NGUYEN VAN THU", ""),
    "a name of digits": THU.replace("NGUYEN VAN THU", "12345"),
    "a name too long": THU.replace("NGUYEN VAN THU", "A" * 101),
    "EXT with markup": THU + "<script>",
    "EXT too long": THU + "0" * 400,
}

OTHERS: dict[str, str] = {
    "a control character": THU.replace("NGUYEN", "NGU\x1bYEN"),
    "a line end inside": THU.replace("|0|", "\n|0|"),
    "a citizen card": "999090000001|999000001|Nguyễn Văn Thử|01021990|Nam|Xã Thử|15042021",
    "a date where the card has one": "999090000001|a|1990-02-01|01021990|0|",
    "three fields": "999090000001|NGUYEN VAN THU|1990-02-01",
    "a date in other digits": THU.replace("1990-02-01", "1990-02-01".translate(ARABIC)),
    "a date with slashes": THU.replace("1990-02-01", "1990/02/01"),
    "a paper number with a letter like another": THU.replace("999090000001", "\u212a0000001"),  # Kelvin; composed, it would be a K
    "the beginning of a signed pass": "KD1.AAAA|A|1990-02-01|0|1|",
}


@pytest.mark.parametrize(("text", "qid", "also"), CLAIMS.values(), ids=CLAIMS.keys())
def test_a_unified_code_is_a_claim_about_its_qid(text: str, qid: str, also: tuple[bytes, ...]) -> None:
    expected = Credential(CredentialKind.MIC, Proof.CLAIMED, person_key=b"qid:" + qid.encode(), also=also)
    assert (mic.detect(text.encode()), mic.read(text.encode())) == (True, expected)


@pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_code_that_breaks_the_decisions_rules_is_malformed(text: str) -> None:
    assert (mic.detect(text.encode()), mic.read(text.encode())) == (True, NotACredential(Misread.MALFORMED))


@pytest.mark.parametrize("text", OTHERS.values(), ids=OTHERS.keys())
def test_other_texts_are_left_to_others(text: str) -> None:
    assert mic.detect(text.encode()) is False


def test_two_people_with_the_same_masked_number_stay_two() -> None:
    masked = "******000001|NGUYEN VAN THU|1990-**-**|0|{}|"
    keys = [mic.read(masked.format(qid).encode()) for qid in ("162979388500000100", "162979388500000200")]
    assert keys[0] != keys[1]
