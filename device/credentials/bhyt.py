"""The health-insurance card: 10 items (old), or 17 (since 1 April 2021), between bars, the last one ``$``.

The old number of two letters and 13 digits ends in the 10 digits of the social-insurance number, which is the new card's
whole number and the person here. The other items are checked for their form and dropped unread: names and addresses, which
are written in hex, and the days of the insurance too, since who has it run out is still the same person. No official
description was found: the forms are those that hospitals' programs read.
"""

from __future__ import annotations

import re

from device.credentials.days import is_day
from device.credentials.text import decode_fields
from device.domain import Credential, CredentialKind, Misread, NotACredential, Proof

NUMBER = re.compile(r"(?:[A-Z]{2}[0-9]{3})?[0-9]{10}")
HEX = re.compile(r"[0-9A-Fa-f]+")
BIRTH_SHAPE = re.compile(r"[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}|[0-9]{4}")  # only the year where the day was never registered

TEXT = r"(?:[0-9A-Fa-f]{2}){1,600}"
DAY = r"[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}"  # one digit of day or month was seen
OLD = (
    r"[A-Z]{2}[0-9]{13}",
    TEXT,  # name
    BIRTH_SHAPE.pattern,
    r"[12]",  # man, woman
    rf"{TEXT}|-",  # address
    r"[0-9]{2}(?: *[-\u2013] *| +)[0-9]{3}",  # where the bearer is treated first: province and facility
    DAY,  # valid from
    rf"{DAY}|-",  # valid until
    DAY,  # day of issue
)
NEW = (
    r"[0-9]{10}",
    *OLD[1:],
    r"[0-9]{1,20}",  # the managing office's code
    rf"{TEXT}|-",  # a parent
    r"[0-9]|K[1-3]|-",  # area of living
    rf" ?(?:{DAY})|-",  # five years without a gap on this day; written with a blank before it
    r"[0-9A-Fa-f]{16}-[0-9]{4}",  # a check value of unknown making
    r"[0-9]",
    rf"{TEXT}|-",  # place of issue
)
CARDS = {len(card) + 1: tuple(re.compile(item) for item in (*card, r"\$")) for card in (OLD, NEW)}


def detect(payload: bytes) -> bool:
    """By a number, a name in hex, a birth date as no other format writes it, and a sex of one character."""
    fields = decode_fields(payload)
    return len(fields) >= 4 and len(fields[3]) <= 1 and _fit((NUMBER, HEX, BIRTH_SHAPE), fields[:3])


def read(payload: bytes) -> Credential | NotACredential:
    """The claim in ``payload``. Total: any bytes give an answer."""
    fields = decode_fields(payload)
    card = CARDS.get(len(fields))
    if card is None or not _fit(card, fields) or not all(_may_be(field) for field in ("1/1/" + fields[2][-4:], *fields)):
        return NotACredential(Misread.MALFORMED)
    return Credential(CredentialKind.BHYT, Proof.CLAIMED, person_key=b"bhxh:" + fields[0][-10:].encode())


def _fit(shapes: tuple[re.Pattern[str], ...], fields: list[str]) -> bool:
    return all(shape.fullmatch(field) for shape, field in zip(shapes, fields, strict=True))


def _may_be(field: str) -> bool:
    """Whatever is written as a day is one of the calendar."""
    parts = field.strip().split("/")
    return len(parts) != 3 or is_day(*parts)
