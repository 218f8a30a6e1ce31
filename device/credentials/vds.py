"""Visible digital seal of health (ICAO VDS-NC): one JSON object with data, signature and the signer's certificate.

    {"data":{"hdr":{"t":"icao.vacc","v":1,"is":"UTO"},"msg":{…}},"sig":{"alg":"ES256","cer":"…","sigvl":"…"}}

The signature is over the canonical form of ``data`` (``strict_json.py``), so the order of keys is free: the
specification's own example and Australia's seals differ in it. What all of them begin with is the header, and by that
they are known. Who signed says nothing by itself: its certificate must be issued by an authority (CSCA) that the trust
list names, for seals of this kind and this country.

A seal has no end of its own; it is good while its signer's certificate and the authority are. Names, passport number
and findings are dropped unread. The binary seals (first byte 0xDC) are known by sight and not read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from device.credentials import ecdsa, strict_json
from device.credentials.base64url import from_base64url
from device.credentials.seal_signer import SealSigner, read_signer
from device.credentials.trust import Authority
from device.domain import Credential, CredentialKind, Misread, NotACredential, Proof

PREFIX = b'{"data":{"hdr":'
BINARY = (b"\xdc\x02", b"\xdc\x03")  # magic and version of ICAO Doc 9303-13, versions 3 and 4
VERSION = 1
KINDS = {"icao.vacc": ("uvci", b"NV"), "icao.test": ("utci", b"NT")}
"""Kind -> the field that names the certificate, and the letters of it in a signer's certificate."""
NUMBER = re.compile(r"[!-~]{1,100}")
COUNTRY = re.compile(r"[A-Z]{1,3}")


@dataclass(frozen=True, slots=True)
class _Seal:
    """What a seal says that a gate needs, and what proves it."""

    kind: str
    country: str
    number: str
    algorithm: str
    signer: SealSigner
    signature: bytes
    signed: bytes = field(repr=False)


def detect(payload: bytes) -> bool:
    return payload.startswith((PREFIX, *BINARY))


def read(payload: bytes, authorities: tuple[Authority, ...]) -> Credential | NotACredential:
    """The seal in ``payload`` and whether it is proven. Total: any bytes give an answer."""
    if payload.startswith(BINARY):
        return NotACredential(Misread.UNSUPPORTED)
    try:
        seal = _parse(payload)
    except (ValueError, TypeError, LookupError, RecursionError):
        return NotACredential(Misread.MALFORMED)
    if seal is None:
        return NotACredential(Misread.UNSUPPORTED)
    signer, number = seal.signer, f"{seal.country}:{seal.number}".encode()
    authority = next((each for each in authorities if signer.was_issued_by(each)), None)
    return Credential(
        kind=CredentialKind.VDS,
        proof=_prove(seal, authority),
        person_key=b"vds:" + number,
        valid_from_s=max(signer.not_before_s, authority.not_before_s) if authority else signer.not_before_s,
        valid_until_s=min(signer.not_after_s, authority.not_after_s) if authority else signer.not_after_s,
        marks=(b"certificate:" + number, b"signer:" + signer.id),
    )


def _prove(seal: _Seal, authority: Authority | None) -> Proof:
    if authority is None:
        return Proof.UNKNOWN_ISSUER
    if not ecdsa.fits(seal.signer.key, seal.algorithm, seal.signature, seal.signed):
        return Proof.FORGED
    own = seal.country == authority.country and seal.signer.may_sign(KINDS[seal.kind][1])
    return Proof.PROVEN if own else Proof.WRONG_USE


# --- the object ------------------------------------------------------------------------------------------------


def _parse(payload: bytes) -> _Seal | None:
    """``None``: a seal of another kind or version. Raises ValueError and its like where the format's rules are broken."""
    whole = strict_json.parse(payload, fractions=False)
    data, signature = whole["data"], whole["sig"]
    header, message = data["hdr"], data["msg"]
    if set(whole) != {"data", "sig"} or set(signature) != {"alg", "cer", "sigvl"} or not COUNTRY.fullmatch(header["is"]):
        raise ValueError("another object")
    if header["t"] not in KINDS or header["v"] != VERSION or signature["alg"] not in ecdsa.HASHES:
        return None
    number = message[KINDS[header["t"]][0]]
    if not NUMBER.fullmatch(number):
        raise ValueError("no number")
    return _Seal(
        kind=header["t"],
        country=header["is"],
        number=number,
        algorithm=signature["alg"],
        signer=read_signer(_decoded(signature["cer"])),
        signature=_decoded(signature["sigvl"]),
        signed=strict_json.canonical(data),
    )


def _decoded(text: Any) -> bytes:
    """Base64url, with its padding or without: seals in use have it, RFC 7515's way leaves it out."""
    if type(text) is not str:
        raise TypeError("no text")
    bare = text.rstrip("=")
    data = from_base64url(bare.encode("ascii"))
    if data is None or len(text) - len(bare) not in {0, -len(bare) % 4}:
        raise ValueError("no base64url")
    return data
