"""ECDSA signatures as cards carry them: r and s side by side (RFC 7518, 3.4), one hash an algorithm."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

HASHES = {"ES256": hashes.SHA256(), "ES384": hashes.SHA384(), "ES512": hashes.SHA512()}
SIGNATURE_BYTES = {"ES256": 64, "ES384": 96, "ES512": 132}


def fits(key: ec.EllipticCurvePublicKey, algorithm: str, signature: bytes, signed: bytes) -> bool:
    """Did ``key`` sign ``signed``? ``algorithm`` is one of ``HASHES``; its curve must be the key's."""
    half = SIGNATURE_BYTES[algorithm] // 2
    if len(signature) != 2 * half or (key.key_size + 7) // 8 != half:
        return False
    r, s = int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big")
    try:
        key.verify(encode_dss_signature(r, s), signed, ec.ECDSA(HASHES[algorithm]))
    except (InvalidSignature, UnsupportedAlgorithm):
        return False
    return True
