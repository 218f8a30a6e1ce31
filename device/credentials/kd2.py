"""KD2, the project's own rotating pass: ``KD2:<key id>.<pass id>:<time>:<8 digits>``, shown by a telephone.

The digits are a time-based one-time password (RFC 6238: HMAC-SHA-1, 8 digits, steps of 30 s) of the pass's own secret,
which is HMAC-SHA-256 of the key's secret over ``<key id>.<pass id>``: a gate needs one secret for all passes of a key,
and a telephone that is taken apart gives one pass away. All characters are of QR's alphanumeric mode: 49 of them fit
version 3, whose modules are large on a small screen.

What proves the digits is that they fit the time that is printed beside them. Whether that time is now, is not asked
here: the credential is valid one step before and after its own, and whoever decides knows the clock and the last step.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping

from device.credentials.trust import RotatingKey
from device.domain import Credential, CredentialKind, Misread, NotACredential, Proof

PREFIX = b"KD2:"
STEP_S = 30
DIGITS = 8
STEPS_AROUND = 1
"""A telephone's clock may be a step off, and a picture takes its time."""
KEY_ID_BYTES = 5
PASS_ID_BYTES = 10
"""80 random bits: no two passes of one key are ever the same. In base32 without padding: 8 and 16 characters."""

TEXT = re.compile(rb"KD2:(?P<pass>(?P<key>[A-Z2-7]{8})\.[A-Z2-7]{16}):(?P<time>0|[1-9][0-9]{0,11}):(?P<digits>[0-9]{8})")

Keys = Mapping[str, RotatingKey]


def key_id(secret: bytes) -> str:
    """The name of a rotating key, as passes print it. It gives nothing of ``secret`` away."""
    return base64.b32encode(hmac.digest(secret, b"KD2 key id", "sha256")[:KEY_ID_BYTES]).decode("ascii")


def full_pass_id(key: str, own_id: bytes) -> str:
    """``<key id>.<pass id>`` of the pass whose own id is ``own_id`` (10 bytes)."""
    return f"{key}.{base64.b32encode(own_id).decode('ascii')}"


def pass_secret(secret: bytes, full_id: str) -> bytes:
    """The 32 bytes that one pass's telephone holds, from the key's ``secret``."""
    return hmac.digest(secret, full_id.encode("ascii"), "sha256")


def one_time_digits(secret: bytes, step: int) -> str:
    """Eight digits of RFC 6238: HMAC-SHA-1 over the step, truncated as in RFC 4226, 5.3."""
    digest = hmac.digest(secret, step.to_bytes(8, "big"), hashlib.sha1)
    offset = digest[-1] & 0xF
    return f"{(int.from_bytes(digest[offset : offset + 4], 'big') & 0x7FFF_FFFF) % 10**DIGITS:0{DIGITS}d}"


def text_at(secret: bytes, full_id: str, seconds: int) -> str:
    """What the telephone of pass ``full_id`` shows at ``seconds`` since 1970; ``secret`` is the pass's own."""
    return f"KD2:{full_id}:{seconds}:{one_time_digits(secret, seconds // STEP_S)}"


def detect(payload: bytes) -> bool:
    return payload.startswith(PREFIX)


def read(payload: bytes, keys: Keys) -> Credential | NotACredential:
    """The pass in ``payload`` and whether its digits fit its time. Total: any bytes give an answer."""
    shown = TEXT.fullmatch(payload)
    if shown is None:
        return NotACredential(Misread.MALFORMED)
    key = keys.get(shown["key"].decode("ascii"))
    step = int(shown["time"]) // STEP_S
    limits = key or RotatingKey(b"")
    until_s = (step + 1 + STEPS_AROUND) * STEP_S
    return Credential(
        kind=CredentialKind.KD2,
        proof=_prove(shown["pass"].decode("ascii"), step, shown["digits"], key),
        person_key=b"kd2:" + shown["pass"],
        pass_key=b"kd2:" + shown["pass"],
        valid_from_s=max((step - STEPS_AROUND) * STEP_S, limits.valid_from_s or 0),
        valid_until_s=until_s if limits.valid_until_s is None else min(until_s, limits.valid_until_s),
        zones=limits.zones,
        direction=limits.direction,
        step=step,
        marks=(b"pass:" + shown["pass"], b"signer:" + shown["key"]),
    )


def _prove(full_id: str, step: int, digits: bytes, key: RotatingKey | None) -> Proof:
    if key is None:
        return Proof.UNKNOWN_ISSUER
    fitting = one_time_digits(pass_secret(key.secret, full_id), step).encode("ascii")
    return Proof.PROVEN if hmac.compare_digest(fitting, digits) else Proof.FORGED
