"""The unified personal anti-epidemic QR, version 1.1 (decision 1405/QĐ-BTTTT, 11 September 2021).

Six fields between bars: paper number, name, birth date, kind of identification, QID, EXT. The display may mask digits
with ``*``. It carries no signature: a claim. The person is the QID, because the paper number may be masked. Paper and
insurance number are further names of the same person where no digit is masked; name, birth date and phone are checked
for their form and dropped unread.
"""

from __future__ import annotations

import re

from device.credentials.text import composed, decode_fields
from device.domain import Credential, CredentialKind, Misread, NotACredential, Proof

FIELDS = 6
PAPER = re.compile(r"[A-Z0-9*]{6,15}")
NAME = re.compile(r"[^\W\d_](?:[^\W\d_]|[ .'*-]){0,99}")
BIRTH_SHAPE = re.compile(r"[0-9*]{4}-[0-9*]{2}-[0-9*]{2}")
BIRTH = re.compile(r"[0-9*]{4}-(?:[0*][1-9*]|[1*][0-2*])-(?:[0*][1-9*]|[12*][0-9*]|[3*][01*])")  # which digits are masked is nowhere written
KIND = re.compile(r"[01]")  # declared by the person, or by another
QID = re.compile(r"[0-9A-Za-z_-]{1,64}")
EXT = re.compile(r"[0-9A-Za-z<*_=+/. -]{0,400}")

# An unmasked paper number -> which name of the person it is. No other length of digits is a Vietnamese paper.
PAPERS = (
    (re.compile(r"[0-9]{12}"), b"cccd:"),
    (re.compile(r"[0-9]{9}"), b"cmnd:"),
    (re.compile(r"(?=[0-9]*[A-Z])[A-Z0-9]{6,15}"), b"passport:"),
)
# Declarer's QID, gender, insurance number, telephone number; some writers leave out the first. The old insurance number
# of 15 ends in the new one of 10, which looks like a telephone number where nothing follows it.
EXT_INSURANCE = re.compile(r"(?:(?:[0-9]{15,64})?<)?+[012]?<(?:[A-Z]{2}[0-9]{3}([0-9]{10})(?:<|$)|([0-9]{10})<)")


def detect(payload: bytes) -> bool:
    """By the shape of the date in the third field: a citizen card may begin with the same digits.

    The first and the fourth keep the formats apart: no dot as in ``KD1.``, and no date where a card has one.
    """
    fields = decode_fields(payload)
    return len(fields) >= 4 and PAPER.fullmatch(fields[0]) is not None and BIRTH_SHAPE.fullmatch(fields[2]) is not None and len(fields[3]) <= 1


def read(payload: bytes) -> Credential | NotACredential:
    """The claim in ``payload``. Total: any bytes give an answer."""
    fields = decode_fields(payload)
    if len(fields) != FIELDS:
        return NotACredential(Misread.MALFORMED)
    paper, name, birth, kind, qid, ext = fields
    shapes = ((PAPER, paper), (NAME, composed(name)), (BIRTH, birth), (KIND, kind), (QID, qid), (EXT, ext))
    if not all(shape.fullmatch(field) for shape, field in shapes):
        return NotACredential(Misread.MALFORMED)
    return Credential(
        kind=CredentialKind.MIC,
        proof=Proof.CLAIMED,
        person_key=b"qid:" + qid.encode(),
        also=(*_paper(paper), *_insurance(ext)),
    )


def _paper(number: str) -> tuple[bytes, ...]:
    return tuple(name + number.encode() for shape, name in PAPERS if shape.fullmatch(number))


def _insurance(ext: str) -> tuple[bytes, ...]:
    found = EXT_INSURANCE.match(ext)
    return (b"bhxh:" + (found[1] or found[2]).encode(),) if found else ()
