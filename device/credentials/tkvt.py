"""A province's transport sheet, ``TKVT_<id>``: a vehicle and its trip, as the checkpoints of Bình Phước read it. A claim."""

from __future__ import annotations

import re

from device.credentials.text import decode, trimmed
from device.domain import Credential, CredentialKind, Misread, NotACredential, Proof

PREFIX = "TKVT_"
SHEET = re.compile(PREFIX + r"([0-9A-Za-z-]{1,64})")


def detect(payload: bytes) -> bool:
    return trimmed(payload).startswith(PREFIX.encode())


def read(payload: bytes) -> Credential | NotACredential:
    """The claim in ``payload``. Total: any bytes give an answer."""
    sheet = SHEET.fullmatch(decode(payload) or "")
    if sheet is None:
        return NotACredential(Misread.MALFORMED)
    return Credential(CredentialKind.TKVT, Proof.CLAIMED, person_key=b"vehicle:tkvt:" + sheet[1].encode())
