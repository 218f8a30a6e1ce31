from __future__ import annotations

import base64
import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from device.errors import VerificationError
from provisioning.authority import trust


def certificate(number: int, encoding: Encoding = Encoding.DER) -> bytes:
    key = ec.derive_private_key(number, ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COUNTRY_NAME, "VN"), x509.NameAttribute(x509.NameOID.COMMON_NAME, f"signer {number} of tests")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(number)
    builder = builder.not_valid_before(datetime(2026, 1, 1, tzinfo=UTC)).not_valid_after(datetime(2030, 1, 1, tzinfo=UTC))
    return builder.sign(key, hashes.SHA256()).public_bytes(encoding)


def test_certificates_are_gathered_from_a_folder_each_once(tmp_path: Path) -> None:
    ders = [certificate(number) for number in (1, 2, 3)]
    (tmp_path / "a.der").write_bytes(ders[0])
    (tmp_path / "b.PEM").write_bytes(b"".join(x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM) for der in ders))
    (tmp_path / "readme.txt").write_text("not a certificate")
    assert trust.certificates(tmp_path) == ders


def test_a_folder_without_certificates_or_with_a_broken_one_is_told(tmp_path: Path) -> None:
    with pytest.raises(VerificationError, match="there is no certificate in"):
        trust.certificates(tmp_path)
    (tmp_path / "a.cer").write_bytes(b"hello")
    with pytest.raises(VerificationError, match=r"a\.cer is no certificate"):
        trust.certificates(tmp_path)


def test_a_signer_is_named_by_the_hash_of_its_certificate() -> None:
    der = certificate(1)
    assert trust.health_entry(der) == {"kid": hashlib.sha256(der).digest()[:8], "certificate": der}


def jwk(**changes: Any) -> dict[str, Any]:
    numbers = ec.derive_private_key(7, ec.SECP256R1()).public_key().public_numbers()
    x, y = (base64.urlsafe_b64encode(each.to_bytes(32, "big")).decode().rstrip("=") for each in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": "P-256", "use": "sig", "kid": "k1", "x": x, "y": y} | changes


def test_a_published_key_set_gives_the_keys_that_sign_cards(tmp_path: Path) -> None:
    (tmp_path / "jwks.json").write_text(json.dumps({"keys": [jwk(), jwk(kid="k2", use="enc"), jwk(kid="k3", kty="RSA")]}))
    found = trust.card_keys("https://example.vn", tmp_path / "jwks.json")
    assert [(each["issuer"], each["kid"], len(each["key"])) for each in found] == [("https://example.vn", "k1", 65)]
    assert trust.checked({"cards": found}) == {"cards": found}


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"keys": [7]}', json.dumps({"keys": [jwk(x=7)]})])
def test_what_is_no_key_set_is_told(tmp_path: Path, content: str) -> None:
    (tmp_path / "jwks.json").write_text(content)
    with pytest.raises(VerificationError, match="is no key set"):
        trust.card_keys("https://example.vn", tmp_path / "jwks.json")


def test_secrets_of_rotating_passes_are_read_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "staff.toml").write_text(f'[R1]\nsecret = "{"5a" * 32}"\nzones = ["main"]\n')
    found = trust.rotating_keys(tmp_path / "staff.toml")
    assert found == {"R1": {"secret": b"Z" * 32, "zones": ["main"]}}
    assert trust.checked({"rotating": found})


@pytest.mark.parametrize("content", ["R1 = 1\n", "[R1]\n", "[R1]\nsecret = 5\n", '[R1]\nsecret = "zz"\n'])
def test_what_is_no_secret_is_told_and_not_repeated(tmp_path: Path, content: str) -> None:
    (tmp_path / "staff.toml").write_text(content)
    with pytest.raises(VerificationError, match="needs a secret in hex"):
        trust.rotating_keys(tmp_path / "staff.toml")


def test_nothing_is_signed_that_the_gate_would_refuse() -> None:
    wrong: tuple[dict[str, Any], ...] = ({"passes": [b"short"]}, {"health": [{"kid": b"k" * 8, "certificate": bytes(200)}]}, {"weather": []})
    for document in wrong:
        with pytest.raises(VerificationError):
            trust.checked(document)
