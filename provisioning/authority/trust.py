"""Gather whom the province's gates shall believe: certificates from folders, keys from files, into one document."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from device.bundles.trust import KID_BYTES, read_trust
from device.credentials import key_set
from device.credentials.hc1 import signer_of
from device.errors import VerificationError
from provisioning.authority.bundles import read_document

SUFFIXES = frozenset({".der", ".cer", ".crt", ".pem"})


def certificates(folder: Path) -> list[bytes]:
    """Every certificate in ``folder`` as DER, in the order of file names; a PEM file may hold several.

    Raises:
        VerificationError: there is none, or a file of such a name holds none.
    """
    found = [der for path in sorted(folder.glob("*")) if path.suffix.lower() in SUFFIXES for der in _certificates_in(path)]
    if not found:
        raise VerificationError(f"there is no certificate in {folder}", hint=f"files that end in {', '.join(sorted(SUFFIXES))}")
    return list(dict.fromkeys(found))


def _certificates_in(path: Path) -> Iterator[bytes]:
    try:
        data = path.read_bytes()
        loaded = x509.load_pem_x509_certificates(data) if b"-----BEGIN" in data else [x509.load_der_x509_certificate(data)]
        yield from [each.public_bytes(Encoding.DER) for each in loaded]
    except OSError as error:
        raise VerificationError(f"{path} cannot be read: {error.strerror}", hint="is the folder right?") from None
    except ValueError:
        raise VerificationError(f"{path} is no certificate", hint="take it out of the folder, or get it again") from None


def health_entry(der: bytes) -> dict[str, bytes]:
    """A document signer under the id that certificates name it by: the first 8 bytes of its SHA-256."""
    return {"kid": hashlib.sha256(der).digest()[: KID_BYTES[0]], "certificate": der}


def seal_entries(country: str, path: Path) -> list[dict[str, Any]]:
    """Signing authorities of ``country``, by ICAO's code as its seals print it. Raises VerificationError where the file holds none."""
    return [{"country": country, "certificate": der} for der in _certificates_in(path)]


def rotating_keys(path: Path) -> dict[str, Any]:
    """``[KEY-ID]`` with ``secret`` in hex and perhaps ``zones``, ``direction``, ``from`` and ``until`` (seconds) in a TOML file."""
    document = read_document(path)
    try:
        return {name: {**entry, "secret": bytes.fromhex(entry["secret"])} for name, entry in document.items()}
    except (ValueError, LookupError, TypeError):
        raise VerificationError(f"{path}: each [KEY-ID] needs a secret in hex", hint='secret = "00ff…", 16 to 64 bytes') from None


def card_keys(issuer: str, path: Path) -> list[dict[str, Any]]:
    """The P-256 keys of a published key set (JWKS) under ``issuer``'s URL; keys for other uses are left out."""
    try:
        return key_set.card_keys(issuer, path.read_bytes())
    except OSError as error:
        raise VerificationError(f"{path} cannot be read: {error.strerror}", hint="is the name right?") from None
    except VerificationError as error:
        raise VerificationError(f"{path}: {error.what}", hint=error.hint) from None


def checked(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """``document``, if the gate's own reader takes it. Raises VerificationError with the first mistake."""
    read_trust(document, read_signer=signer_of)
    return document
