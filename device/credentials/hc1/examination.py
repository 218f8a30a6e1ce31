"""The steps from a text to a proven health certificate, each with its own answer."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from device.credentials.hc1 import base45, cose, cwt, schema
from device.credentials.hc1.broken import BrokenError
from device.credentials.hc1.cose import Sign1
from device.credentials.hc1.cwt import Claims
from device.credentials.hc1.schema import Record
from device.credentials.trust import HealthSigner, Trust
from device.domain import Credential, CredentialKind, Misread, NotACredential, Proof

PREFIX = b"HC1:"
UNFOLDED_MAX = 64 * 1024
"""Bytes after decompression. A certificate has less than 800; 4296 characters could unfold to 3 megabytes."""
SIGNERS_MAX = 8
"""Signers of one key id that are tried. A key id is 8 bytes of a hash: even two are very rare."""
MARK_BYTES = 16
"""Of a hash, in the EU's revocation lists."""
NO_CLAIMS = Claims(issuer=None, issued_s=None, expires_s=None, certificate={})

Given = TypeVar("Given")
Result = TypeVar("Result")


class Check(StrEnum):
    """What is looked at, in this order."""

    PREFIX = "prefix"
    BASE45 = "base45"
    COMPRESSION = "compression"
    COSE = "cose"  # a signed message with a known algorithm and a key id
    ISSUER = "issuer"  # the key id is of somebody whom this gate trusts
    SIGNATURE = "signature"
    CLAIMS = "claims"  # there is an EU certificate inside
    TIMES = "times"  # it says until when it holds
    SCHEMA = "schema"
    USE = "use"  # the signer may vouch for this kind of certificate


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found in one text.

    ``faults`` has every check that was reached: what is wrong in words, empty where it holds. ``issued_s`` and
    ``expires_s`` are as the certificate says (seconds since 1970 UTC); the reading's times are also within its signer's.
    """

    reading: Credential | NotACredential
    faults: Mapping[Check, str]
    kid: bytes | None
    issuer: str | None
    issued_s: int | None
    expires_s: int | None

    @property
    def checks(self) -> Mapping[Check, bool | None]:
        """Every check: does it hold? ``None`` where it was not reached."""
        return {check: not self.faults[check] if check in self.faults else None for check in Check}


@dataclass(slots=True)
class _Notes:
    """What is known so far of one text."""

    faults: dict[Check, str] = field(default_factory=dict)
    kid: bytes | None = None
    claims: Claims = NO_CLAIMS

    def take(self, check: Check, step: Callable[[Given], Result], given: Given) -> Result:
        """What ``step`` makes of ``given``; where it breaks off, that is noted."""
        self.faults[check] = ""
        try:
            return step(given)
        except BrokenError as broken:
            self.faults[check] = broken.what
            raise

    def hold(self, check: Check, fault: str, *, holds: bool) -> bool:
        self.faults[check] = "" if holds else fault
        return holds


def examine(payload: bytes, trust: Trust) -> Examined:
    """Every answer about ``payload``. Total: any bytes give some."""
    notes = _Notes()
    try:
        reading: Credential | NotACredential = _read(payload, trust, notes)
    except BrokenError as broken:
        reading = NotACredential(broken.misread)
    return Examined(reading, notes.faults, notes.kid, notes.claims.issuer, notes.claims.issued_s, notes.claims.expires_s)


def _read(payload: bytes, trust: Trust, notes: _Notes) -> Credential:
    text = notes.take(Check.PREFIX, _without_prefix, payload)
    folded = notes.take(Check.BASE45, base45.decode, text)
    unfolded = notes.take(Check.COMPRESSION, _unfold, folded)
    message = notes.take(Check.COSE, cose.parse, unfolded)
    notes.kid = message.kid
    signer = _signer_of(message, trust, notes)  # before anybody looks at what was signed
    claims = notes.claims = notes.take(Check.CLAIMS, cwt.parse, message.payload)
    notes.hold(Check.TIMES, "it does not say until when it holds", holds=claims.expires_s is not None)
    record = notes.take(Check.SCHEMA, schema.read, claims.certificate)
    proof = _proof(signer, record, notes)
    if claims.expires_s is None:
        raise BrokenError(notes.faults[Check.TIMES])
    valid_from_s, valid_until_s = _period(claims.issued_s, claims.expires_s, signer)
    return Credential(
        kind=CredentialKind.HC1,
        proof=proof,
        person_key=b"uvci:" + record.uvci.encode(),
        valid_from_s=valid_from_s,
        valid_until_s=valid_until_s,
        marks=_marks(message, claims, record, signer),
        health=record.health,
    )


def _without_prefix(payload: bytes) -> bytes:
    """What is behind ``HC1:``. The digit counts the versions that an old reader must refuse."""
    if payload.startswith(PREFIX):
        return payload.removeprefix(PREFIX)
    raise BrokenError("it does not begin with HC1:", Misread.UNSUPPORTED)


def _unfold(folded: bytes) -> bytes:
    unfolding = zlib.decompressobj()
    try:
        unfolded = unfolding.decompress(folded, UNFOLDED_MAX)
    except zlib.error:
        raise BrokenError("not compressed by zlib") from None
    if not unfolding.eof:
        raise BrokenError(f"cut short, or more than {UNFOLDED_MAX} bytes when unfolded")
    if unfolding.unused_data:
        raise BrokenError("bytes behind the compressed ones")
    return unfolded


def _signer_of(message: Sign1, trust: Trust, notes: _Notes) -> HealthSigner | None:
    signers = trust.health.get(message.kid, ())[:SIGNERS_MAX]
    if not notes.hold(Check.ISSUER, "no trusted signer has this key id", holds=bool(signers)):
        return None
    signer = next((each for each in signers if message.signed_by(each.key)), None)
    notes.hold(Check.SIGNATURE, "no signer of this key id made this signature", holds=signer is not None)
    return signer


def _proof(signer: HealthSigner | None, record: Record, notes: _Notes) -> Proof:
    if signer is None:
        return Proof.FORGED if Check.SIGNATURE in notes.faults else Proof.UNKNOWN_ISSUER
    may = not signer.uses or record.use in signer.uses
    return Proof.PROVEN if notes.hold(Check.USE, f"its signer may not vouch for {record.use.value}", holds=may) else Proof.WRONG_USE


def _period(issued_s: int | None, expires_s: int, signer: HealthSigner | None) -> tuple[int | None, int]:
    """When the certificate holds: through its last second, and never outside the time of whoever signed it.

    The specification forbids issuers to write times beyond their signer's, and some did (3 of 99 public test files, meant
    to be valid). Refusing those would turn their bearers away for an issuer's slip; believing them would let an old key live on.
    The last second is within ("after which" it is to be rejected), while ``valid_until_s`` is the first second too late.
    """
    if signer is not None:
        issued_s = max(signer.not_before_s, issued_s or 0)
        expires_s = min(signer.not_after_s, expires_s)
    return issued_s, expires_s + 1


def _marks(message: Sign1, claims: Claims, record: Record, signer: HealthSigner | None) -> tuple[bytes, ...]:
    """What a list of revoked certificates may name: this one, its signer, its country; and the hashes of the EU's lists.

    The EU hashes a country before the number; that is the issuer's, and several programs take the entry's.
    """
    uvci = record.uvci.encode()
    countries = sorted({record.country, claims.issuer or record.country})
    return (
        b"uvci:" + uvci,
        b"signer:" + message.kid,
        *([b"country:" + signer.country.encode()] if signer and signer.country else []),
        b"uci-hash:" + _hash(uvci),
        *(b"country-uci-hash:" + _hash(country.encode() + uvci) for country in countries),
        b"signature-hash:" + _hash(message.half),
    )


def _hash(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()[:MARK_BYTES]
