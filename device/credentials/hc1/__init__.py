"""The EU Digital COVID Certificate (``HC1:``), which is also Viet Nam's vaccine passport (decision 5772/QĐ-BYT).

``HC1:`` + base45( zlib( COSE_Sign1( CWT ) ) ), by the Electronic Health Certificate specification 1.0.8. Names are checked
for their form and dropped; ``examine`` tells every step, ``read`` what comes out.
"""

from __future__ import annotations

import re

from device.credentials.hc1.examination import Check, Examined, examine
from device.credentials.hc1.signers import read_trust_list, signer_of
from device.credentials.trust import Trust
from device.domain import Credential, NotACredential

__all__ = ["Check", "Examined", "detect", "examine", "read", "read_trust_list", "signer_of"]

CONTEXT = re.compile(rb"HC[0-9]:")


def detect(payload: bytes) -> bool:
    """By its context, also of a later version: the digit is there to be counted up."""
    return CONTEXT.match(payload) is not None


def read(payload: bytes, trust: Trust) -> Credential | NotACredential:
    """The certificate in ``payload`` and whether it is proven. Total: any bytes give an answer."""
    return examine(payload, trust).reading
