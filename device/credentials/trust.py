"""Whom this gate believes: one value that is handed to every format's reader, made from the province's signed bundle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from device.domain import Direction

NOBODY: Mapping[Any, Any] = MappingProxyType({})


class HealthUse(StrEnum):
    """What a document signer may vouch for; the letters are those of the certificate's own groups."""

    VACCINATION = "v"
    TEST = "t"
    RECOVERY = "r"


@dataclass(frozen=True, slots=True)
class HealthSigner:
    """A document signer of health certificates (HC1).

    ``uses`` is empty where its certificate limits it to nothing. Times are seconds since 1970 UTC.
    """

    key: EllipticCurvePublicKey | RSAPublicKey
    country: str
    not_before_s: int
    not_after_s: int
    uses: frozenset[HealthUse] = frozenset()


@dataclass(frozen=True, slots=True)
class RotatingKey:
    """The secret from which rotating passes (KD2) of one key id are derived, and what they are good for.

    It is a secret: whoever has it can make such passes. Only gates that must read them hold it.
    """

    secret: bytes = field(repr=False)
    zones: tuple[str, ...] = ()
    direction: Direction = Direction.BOTH
    valid_from_s: int | None = None
    valid_until_s: int | None = None


@dataclass(frozen=True, slots=True)
class Authority:
    """A country's signing authority (CSCA) for visible digital seals: its seal signers must be issued by it."""

    key: EllipticCurvePublicKey | RSAPublicKey
    country: str  # as its seals print it: ICAO's code, such as AUS
    subject: bytes  # DER of its name, which its signers' certificates name as their issuer
    not_before_s: int
    not_after_s: int


@dataclass(frozen=True, slots=True)
class Trust:
    """Key id -> whom it stands for, one table a format. A format whose table is empty proves nothing here."""

    passes: Mapping[bytes, Ed25519PublicKey] = field(default_factory=lambda: NOBODY)  # KD1: 8-byte key id
    rotating: Mapping[str, RotatingKey] = field(default_factory=lambda: NOBODY)  # KD2: key id as printed
    health: Mapping[bytes, tuple[HealthSigner, ...]] = field(default_factory=lambda: NOBODY)  # HC1: 8-byte kid; several may share one
    cards: Mapping[tuple[str, str], EllipticCurvePublicKey] = field(default_factory=lambda: NOBODY)  # SHC: (issuer's URL, kid)
    seals: tuple[Authority, ...] = ()  # VDS-NC
