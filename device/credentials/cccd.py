"""The citizen card: 7 fields (CCCD, chip card of 2021) or 11 (Căn cước, since July 2024).

Card number, old number, name, birth date, sex, address, issue date. The eleven-field card adds four fields of uncertain
order, of which a cancelled number is known by its twelve digits. Old and cancelled numbers are further names of the same
person; name, address and parents are dropped unread. Nothing in it is signed: anybody can print one.
"""

from __future__ import annotations

import re

from device.credentials.days import is_day
from device.credentials.text import composed, decode_fields
from device.domain import Credential, CredentialKind, Misread, NotACredential, Proof

LABEL = "CCCD:"  # some programs write it before the number
FIELD_COUNTS = (7, 11)
NUMBER = re.compile(r"[0-9]{12}")
OLD_NUMBER = re.compile(r"(?:[0-9]{9})?")
SEX = re.compile(r"Nam|Nữ")
DAY = re.compile(r"([0-9]{2})([0-9]{2})([0-9]{4})")
BIRTH_SHAPE = re.compile(r"(?:[0-9]{4}){1,2}|[0-9]{6}")  # ddmmyyyy; yyyy or mmyyyy where the day is unknown


def detect(payload: bytes) -> bool:
    """By its first field and the shape of its fourth: a card number, and a date written without dashes."""
    fields = _fields(payload)
    return len(fields) >= 4 and fields[0].isascii() and fields[0].isdigit() and BIRTH_SHAPE.fullmatch(fields[3]) is not None


def read(payload: bytes) -> Credential | NotACredential:
    """The claim in ``payload``. Total: any bytes give an answer."""
    fields = _fields(payload)
    if len(fields) not in FIELD_COUNTS or not _is_card(fields):
        return NotACredential(Misread.MALFORMED)
    number, old_number, *more = fields
    old = [b"cmnd:" + old_number.encode()] if old_number else []
    cancelled = [b"cccd:" + field.encode() for field in more[5:] if NUMBER.fullmatch(field) and field != number]
    return Credential(CredentialKind.CCCD, Proof.CLAIMED, person_key=b"cccd:" + number.encode(), also=(*old, *cancelled))


def _fields(payload: bytes) -> list[str]:
    """Cut at the first NUL: what follows it was left over in the buffer of the program that made the code."""
    fields = decode_fields(payload.partition(b"\x00")[0])
    return [fields[0].removeprefix(LABEL), *fields[1:]] if fields else []


def _is_card(fields: list[str]) -> bool:
    number, old_number, name, birth, sex, _address, issued = fields[:7]
    return (
        NUMBER.fullmatch(number) is not None
        and OLD_NUMBER.fullmatch(old_number) is not None
        and 0 < len(composed(name)) <= 100  # the longest registered names stay below
        and _is_birth(birth)
        and SEX.fullmatch(composed(sex)) is not None
        and _is_day(issued)
    )


def _is_birth(text: str) -> bool:
    """``ddmmyyyy``, or ``mmyyyy`` or ``yyyy`` of people whose day was never registered."""
    return _is_day({8: text, 6: "01" + text, 4: "0101" + text}.get(len(text), ""))


def _is_day(text: str) -> bool:
    parts = DAY.fullmatch(text)
    return parts is not None and is_day(*parts.groups())
