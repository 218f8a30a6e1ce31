"""Whom to trust, out of files as countries publish them."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

from cryptography import x509

from device.bundles import trust as trust_document
from device.credentials.hc1 import read_trust_list, signer_of
from device.credentials.hc1.signers import kid_of
from device.credentials.key_set import card_keys
from device.credentials.trust import HealthSigner, Trust
from device.errors import UsageError, VerificationError

FILE_MAX = 16 << 20
HINT = "an X.509 certificate (DER, PEM, or base64 of DER), or a trust list in JSON"


def read_trust(
    base: Trust, paths: Iterable[Path], ders: Iterable[bytes] = (), *, cards: Iterable[tuple[str, Path]] = (), seals: Iterable[tuple[str, Path]] = ()
) -> Trust:
    """``base``, and everybody in the files: ``paths`` and ``ders`` name health signers, ``cards`` key sets of issuers by their
    URL, ``seals`` certificates of signing authorities by their country.

    Raises:
        UsageError: a file is none of these.
    """
    health: dict[bytes, tuple[HealthSigner, ...]] = dict(base.health)
    for path in paths:
        for kid, signers in _from_file(path).items():
            health[kid] = (*health.get(kid, ()), *signers)
    for der in ders:
        health[kid_of(der)] = (*health.get(kid_of(der), ()), _signer(der, "the certificate"))
    key_sets = [base.cards, *(_entries(path, {"cards": _card_keys(url, path)}).cards for url, path in cards)]
    authorities = [_entries(path, _authorities(country, path)).seals for country, path in seals]
    known = {name: key for each in key_sets for name, key in each.items()}
    return replace(base, health=health, cards=known, seals=(*base.seals, *chain.from_iterable(authorities)))


def _card_keys(url: str, path: Path) -> list[dict[str, Any]]:
    try:
        return card_keys(url, _content(path))
    except VerificationError as error:
        raise UsageError(f"{path}: {error.what}", hint=error.hint) from None


def _authorities(country: str, path: Path) -> dict[str, Any]:
    return {"seals": [{"country": country, "certificate": der} for der in _certificates(_content(path), path)]}


def _entries(path: Path, document: Mapping[str, Any]) -> Trust:
    """As the gate reads them out of a trust bundle."""
    try:
        return trust_document.read_trust(document, read_signer=signer_of)
    except VerificationError as error:
        raise UsageError(f"{path}: {error.what}", hint=error.hint) from None


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(FILE_MAX)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", hint=HINT) from None


def _from_file(path: Path) -> Mapping[bytes, tuple[HealthSigner, ...]]:
    content = _content(path)
    if content.lstrip().startswith(b"{"):
        try:
            return read_trust_list(json.loads(content))
        except (ValueError, RecursionError) as error:
            raise UsageError(f"{path}: {error.what if isinstance(error, VerificationError) else 'not JSON'}", hint=HINT) from None
    return {kid_of(der): (_signer(der, str(path)),) for der in _certificates(content, path)}


def _certificates(content: bytes, path: Path) -> list[bytes]:
    try:
        if b"-----BEGIN" in content:
            from cryptography.hazmat.primitives.serialization import Encoding  # noqa: PLC0415

            return [certificate.public_bytes(Encoding.DER) for certificate in x509.load_pem_x509_certificates(content)]
        if content.startswith(b"\x30"):
            return [content]
        return [base64.b64decode(b"".join(content.split()), validate=True)]
    except (ValueError, binascii.Error):
        raise UsageError(f"{path} is no certificate", hint=HINT) from None


def _signer(der: bytes, name: str) -> HealthSigner:
    try:
        return signer_of(der)
    except VerificationError as error:
        raise UsageError(f"{name}: {error.what}", hint=error.hint) from None
