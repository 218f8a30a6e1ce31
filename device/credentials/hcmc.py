"""Ho Chi Minh City's health declaration: a link that stands for one person, or for one place.

The number of the declaration is all that a gate can know of it: the link is never opened. It is a claim, since anybody can
print one.
"""

from __future__ import annotations

import re

from device.credentials import links
from device.domain import Credential, CredentialKind, Misread, NotACredential, Proof

HOST = "kbyt.khambenh.gov.vn"
UUID = r"([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})"
PERSON = "tokhai_yte/ketqua?id="  # all of it stands in the fragment
DECLARATION = re.compile(re.escape(PERSON) + UUID)
PLACE = re.compile("/qr/" + UUID)


def detect(payload: bytes) -> bool:
    link = links.parse(payload)
    return link is not None and link.host == HOST


def read(payload: bytes) -> Credential | NotACredential:
    """The claim in ``payload``, or what else of this host it is. Total: any bytes give an answer."""
    link = links.parse(payload)
    if link is None or link.origin != "https://" + HOST or link.query:
        return NotACredential(Misread.HEALTH_LINK)
    if PLACE.fullmatch(link.path) and not link.fragment:
        return NotACredential(Misread.PLACE)
    if link.path not in {"", "/"} or not link.fragment.startswith(PERSON):
        return NotACredential(Misread.HEALTH_LINK)
    declaration = DECLARATION.fullmatch(link.fragment)
    if declaration is None:
        return NotACredential(Misread.MALFORMED)
    return Credential(CredentialKind.HCMC, Proof.CLAIMED, person_key=b"hcmc:" + declaration[1].lower().encode())
