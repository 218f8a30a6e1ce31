from __future__ import annotations

from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from device.credentials.seal_signer import read_signer
from tests.cards import SIGNER_AFTER, SIGNER_BEFORE, SealAuthority

KEY = ec.generate_private_key(ec.SECP256R1()).public_key()
CURVE, RSA = SealAuthority(), SealAuthority(rsa.generate_private_key(65537, 2048))
CA = x509.BasicConstraints(ca=True, path_length=None)
LEAF = x509.BasicConstraints(ca=False, path_length=None)


def test_a_certificate_is_taken_apart() -> None:
    signer = read_signer(CURVE.certify(KEY))
    assert (signer.key, signer.issuer) == (KEY, CURVE.subject.public_bytes())
    assert (signer.not_before_s, signer.not_after_s) == (SIGNER_BEFORE.timestamp(), SIGNER_AFTER.timestamp())
    assert len(signer.id) == 8


ISSUED: dict[str, tuple[SealAuthority, dict[str, Any]]] = {
    "with an elliptic curve": (CURVE, {}),
    "with SHA-512": (CURVE, {"digest": hashes.SHA512()}),
    "with RSA": (RSA, {}),
    "with RSA PSS": (RSA, {"padding": padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)}),
}


@pytest.mark.parametrize(("authority", "options"), ISSUED.values(), ids=ISSUED.keys())
def test_an_authority_is_known_by_its_signature(authority: SealAuthority, options: dict[str, Any]) -> None:
    signer = read_signer(authority.certify(KEY, **options))
    strangers = [SealAuthority(), SealAuthority(rsa.generate_private_key(65537, 2048)), SealAuthority(authority.key, name="another name")]
    assert signer.was_issued_by(authority.trusted)
    assert [signer.was_issued_by(each.trusted) for each in strangers] == [False] * 3


MAY: dict[str, tuple[dict[str, Any], tuple[bool, bool]]] = {
    "both kinds": ({}, (True, True)),
    "vaccinations": ({"types": (b"NV",)}, (True, False)),
    "tests": ({"types": (b"NT",)}, (False, True)),
    "no kind named": ({"types": None}, (True, True)),
    "other documents": ({"types": (b"P", b"NVX")}, (False, False)),
    "no seals": ({"usage": None}, (False, False)),
    "another usage": ({"usage": x509.ObjectIdentifier("2.23.136.1.1.3")}, (False, False)),
    "a leaf, said so": ({"alter": lambda builder: builder.add_extension(LEAF, critical=True)}, (True, True)),
    "an authority itself": ({"alter": lambda builder: builder.add_extension(CA, critical=True)}, (False, False)),
}


@pytest.mark.parametrize(("options", "expected"), MAY.values(), ids=MAY.keys())
def test_a_signer_may_sign_what_its_certificate_is_for(options: dict[str, Any], expected: tuple[bool, bool]) -> None:
    signer = read_signer(CURVE.certify(KEY, **options))
    assert (signer.may_sign(b"NV"), signer.may_sign(b"NT")) == expected


def test_an_authority_that_seals_with_its_own_key_is_no_signer() -> None:
    signer = read_signer(CURVE.certify(CURVE.key.public_key(), alter=lambda builder: builder.add_extension(CA, critical=True)))
    assert (signer.was_issued_by(CURVE.trusted), signer.may_sign(b"NV")) == (True, False)


UNREADABLE = {
    "nothing": b"",
    "no certificate": b"0" * 300,
    "cut short": CURVE.certify(KEY)[:-1],
    "bytes behind": CURVE.certify(KEY) + b"\x00",
    "a key of RSA": CURVE.certify(rsa.generate_private_key(65537, 2048).public_key()),
    "signed with SHA-224": CURVE.certify(KEY, digest=hashes.SHA224()),
    "a broken extension": CURVE.certify(
        KEY, alter=lambda builder: builder.add_extension(x509.UnrecognizedExtension(x509.BasicConstraints.oid, b"\x30\x03"), critical=False)
    ),
}


@pytest.mark.parametrize("der", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_what_is_no_certificate_of_a_signer_is_one_known_error(der: bytes) -> None:
    with pytest.raises(ValueError, match="no certificate of a signer"):
        read_signer(der)


def test_a_certificate_with_a_byte_changed_is_issued_by_nobody() -> None:
    der = CURVE.certify(KEY)
    issued = []
    for at in range(len(der)):
        try:
            issued += [at] if read_signer(der[:at] + bytes([der[at] ^ 1]) + der[at + 1 :]).was_issued_by(CURVE.trusted) else []
        except ValueError:
            continue
    assert issued == []


def test_a_certificate_has_one_spelling() -> None:
    der = next(made for _ in range(1000) if not (made := CURVE.certify(KEY))[-1] & 1)
    signature = x509.load_der_x509_certificate(der).signature
    odd = der[: -len(signature) - 1] + b"\x01" + signature  # the last bit is said to be none of the signature's, and it is 0
    assert x509.load_der_x509_certificate(odd).signature == signature
    with pytest.raises(ValueError, match="no certificate of a signer"):
        read_signer(odd)
