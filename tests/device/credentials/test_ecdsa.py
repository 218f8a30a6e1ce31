from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from device.credentials import ecdsa
from tests.cards import side_by_side

CURVES = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}
KEYS = {name: ec.generate_private_key(curve) for name, curve in CURVES.items()}


@pytest.mark.parametrize("algorithm", CURVES)
def test_a_signature_fits_its_key_its_text_and_its_algorithm(algorithm: str) -> None:
    key = KEYS[algorithm]
    signature = side_by_side(key, algorithm, b"text")
    others = [name for name in CURVES if name != algorithm]
    assert ecdsa.fits(key.public_key(), algorithm, signature, b"text")
    assert not ecdsa.fits(key.public_key(), algorithm, signature, b"another")
    assert not ecdsa.fits(ec.generate_private_key(CURVES[algorithm]).public_key(), algorithm, signature, b"text")
    assert not any(ecdsa.fits(KEYS[other].public_key(), algorithm, signature, b"text") for other in others)
    assert not any(ecdsa.fits(key.public_key(), other, signature, b"text") for other in others)


@pytest.mark.parametrize("signature", [b"", bytes(64), b"\xff" * 64, bytes(63), bytes(65)])
def test_numbers_that_are_no_signature_fit_nothing(signature: bytes) -> None:
    assert not ecdsa.fits(KEYS["ES256"].public_key(), "ES256", signature, b"text")


@pytest.mark.parametrize("algorithm", ["ES384", "ES512"])
def test_a_key_signs_only_by_the_algorithm_of_its_own_length(algorithm: str) -> None:
    key = KEYS["ES256"]
    assert not ecdsa.fits(key.public_key(), algorithm, side_by_side(key, algorithm, b"text"), b"text")
