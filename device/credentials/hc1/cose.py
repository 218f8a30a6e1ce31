"""COSE_Sign1 (RFC 9052) as health certificates use it: ES256 or PS256, nothing else of COSE.

The algorithm is what the signer's own key can do. The header must say the same, so it can choose nothing: a public key is
never taken for a secret, and "none" is no algorithm.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

import cbor2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from device.cbor import Tagged
from device.credentials.hc1 import cbor
from device.credentials.hc1.broken import BrokenError

TAG_SIGN1 = 18
TAG_CWT = 61
ALG, CRITICAL, KEY_ID = 1, 2, 4
COORDINATE_BYTES = 32  # of P-256; a signature is two of them


class Algorithm(IntEnum):
    ES256 = -7
    PS256 = -37


@dataclass(frozen=True, slots=True)
class Sign1:
    """A signed message, its signature not yet looked at. ``protected`` and ``payload`` are the bytes that were signed."""

    algorithm: Algorithm
    kid: bytes
    protected: bytes
    payload: bytes = field(repr=False)
    signature: bytes = field(repr=False)

    def signed_by(self, key: EllipticCurvePublicKey | RSAPublicKey) -> bool:
        """Did the owner of ``key`` sign this, by the algorithm that goes with such a key?"""
        signed: bytes = cbor2.dumps(["Signature1", self.protected, b"", self.payload])
        try:
            if self.algorithm is Algorithm.ES256:
                return _by_curve(key, self.signature, signed)
            return _by_rsa(key, self.signature, signed)
        except InvalidSignature:
            return False

    @property
    def half(self) -> bytes:
        """What of the signature cannot be changed without the key: of an ECDSA signature the first number."""
        return self.signature[:COORDINATE_BYTES] if self.algorithm is Algorithm.ES256 else self.signature


def _by_curve(key: EllipticCurvePublicKey | RSAPublicKey, signature: bytes, signed: bytes) -> bool:
    if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP256R1) or len(signature) != 2 * COORDINATE_BYTES:
        return False
    r, s = (int.from_bytes(each, "big") for each in (signature[:COORDINATE_BYTES], signature[COORDINATE_BYTES:]))
    key.verify(encode_dss_signature(r, s), signed, ECDSA(SHA256()))
    return True


def _by_rsa(key: EllipticCurvePublicKey | RSAPublicKey, signature: bytes, signed: bytes) -> bool:
    if not isinstance(key, RSAPublicKey):
        return False
    key.verify(signature, signed, padding.PSS(padding.MGF1(SHA256()), SHA256.digest_size), SHA256())
    return True


def parse(message: bytes) -> Sign1:
    """The parts of ``message``, with COSE's tag, with CWT's around it, or with none.

    The key id counts where it is protected; only where it is not, the unprotected one does.

    Raises:
        BrokenError: it is something else, of another algorithm, without a key id, or asks for what is not known here.
    """
    protected, unprotected, payload, signature = _parts(cbor.loads(message))
    header = cbor.loads(protected) if protected else {}
    if type(header) is not dict or CRITICAL in header:
        raise BrokenError("a protected header that cannot be obeyed")
    algorithm = header.get(ALG)
    if type(algorithm) is not int or algorithm not in set(Algorithm):
        raise BrokenError("signed by neither ES256 nor PS256")
    kid = header.get(KEY_ID, unprotected.get(KEY_ID))
    if type(kid) is not bytes:
        raise BrokenError("no key id")
    return Sign1(Algorithm(algorithm), kid, protected, payload, signature)


def _parts(message: Any) -> tuple[bytes, dict[Any, Any], bytes, bytes]:
    if isinstance(message, Tagged) and message.tag == TAG_CWT and isinstance(message.value, Tagged):
        message = message.value
    if isinstance(message, Tagged) and message.tag == TAG_SIGN1:
        message = message.value
    if type(message) is not list or [type(part) for part in message] != [bytes, dict, bytes, bytes]:
        raise BrokenError("no signed message")
    protected, unprotected, payload, signature = message
    return protected, unprotected, payload, signature
