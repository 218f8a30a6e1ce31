"""The citizen card: 7 fields (CCCD, chip card of 2021) or 11 (Căn cước, since July 2024).

Card number, old number, name, birth date, sex, address, issue date; the eleven-field card adds fields of uncertain
order that are dropped unread, as are name, address and parents. Nothing in it is signed: anybody can print one.
"""

from __future__ import annotations

import re
from datetime import date

from device.credentials.text import decode_fields
from device.domain import Credential, CredentialKind, Misread, NotACredential, Proof

FIELD_COUNTS = (7, 11)
NUMBER = re.compile(r"[0-9]{12}")
OLD_NUMBER = re.compile(r"(?:[0-9]{9})?")
SEX = re.compile(r"Nam|Nữ")
DAY = re.compile(r"[0-9]{8}")
BIRTH_SHAPE = re.compile(r"(?:[0-9]{4}){1,2}|[0-9]{6}")  # ddmmyyyy; yyyy or mmyyyy where the day is unknown


def detect(payload: bytes) -> bool:
    """By its first field and the shape of its fourth: a card number, and a date written without dashes."""
    fields = decode_fields(payload)
    return len(fields) >= 4 and fields[0].isascii() and fields[0].isdigit() and BIRTH_SHAPE.fullmatch(fields[3]) is not None


def read(payload: bytes) -> Credential | NotACredential:
    """The claim in ``payload``. Total: any bytes give an answer."""
    fields = decode_fields(payload)
    if len(fields) not in FIELD_COUNTS or not _is_card(fields):
        return NotACredential(Misread.MALFORMED)
    return Credential(kind=CredentialKind.CCCD, proof=Proof.CLAIMED, person_key=b"cccd:" + fields[0].encode())


def _is_card(fields: list[str]) -> bool:
    number, old_number, name, birth, sex, _address, issued = fields[:7]
    return (
        NUMBER.fullmatch(number) is not None
        and OLD_NUMBER.fullmatch(old_number) is not None
        and 0 < len(name) <= 100  # the longest registered names stay below
        and _is_birth(birth)
        and SEX.fullmatch(sex) is not None
        and _is_day(issued)
    )


def _is_birth(text: str) -> bool:
    """``ddmmyyyy``, or ``mmyyyy`` or ``yyyy`` of people whose day was never registered."""
    full = {8: text, 6: "01" + text, 4: "0101" + text}.get(len(text), "")
    return _is_day(full)


def _is_day(text: str) -> bool:
    if not DAY.fullmatch(text) or not text.isascii():
        return False
    try:
        date(int(text[4:]), int(text[2:4]), int(text[:2]))
    except ValueError:
        return False
    return True
