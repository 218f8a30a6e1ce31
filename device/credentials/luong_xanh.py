"""Luồng xanh, the "green lane" of 2021: a link that stands for one vehicle of the national transport register.

The token opens a record of vehicle and drivers for whoever has it, so it is a secret as well as a claim; the link is never
opened. The bearer is the vehicle.
"""

from __future__ import annotations

import re

from device.credentials import links
from device.domain import Credential, CredentialKind, Misread, NotACredential, Proof

HOST = "vantai.drvn.gov.vn"
PATH = "/tokhaiyteQR"
TOKEN = re.compile(r"token=([0-9A-Za-z._~+/=-]{1,256})")  # its alphabet is nowhere written: that of other tokens


def detect(payload: bytes) -> bool:
    link = links.parse(payload)
    return link is not None and (link.host, link.path) == (HOST, PATH)


def read(payload: bytes) -> Credential | NotACredential:
    """The claim in ``payload``. Total: any bytes give an answer."""
    link = links.parse(payload)
    token = TOKEN.fullmatch(link.query) if link and link.origin == "https://" + HOST and not link.fragment else None
    if token is None:
        return NotACredential(Misread.MALFORMED)
    return Credential(CredentialKind.LUONG_XANH, Proof.CLAIMED, person_key=b"vehicle:luong_xanh:" + token[1].encode())
