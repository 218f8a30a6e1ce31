"""The envelope of a bundle: who it is for, which one it is, and that the province's office signed exactly this.

A bundle is COSE_Sign1 over a CBOR map: ``v`` (1), ``kind``, ``province``, perhaps ``sites`` and ``gates`` (none named: all),
``seq``, ``issued`` and perhaps ``expires`` (seconds since 1970 UTC), ``content``. The sequence rises with every bundle
of a kind, whomever it is for: the latest one that names a gate counts there.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from device.bundles import strict
from device.errors import VerificationError
from device.events.cose import HEAD, sign1, verify1

CONTEXT = b"qrgate-bundle-v1"
BUNDLE_MAX = 1024 * 1024
"""Bytes. A trust list of a thousand certificates fits; lists of people have a form of their own (``admission/lists``)."""
VERSION = 1
SEQUENCES = range(2**64)
SECONDS = range(2**40)  # since 1970
NAMES_MAX = 1000
NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")
FIELDS = {"v": int, "kind": str, "province": str, "sites": list, "gates": list, "seq": int, "issued": int, "expires": int}
OPTIONAL = {"sites", "gates", "expires"}


class Kind(StrEnum):
    POLICY = "policy"
    TRUST = "trust"
    KEYS = "keys"
    DELEGATIONS = "delegations"


class Refusal(StrEnum):
    """Why a bundle is not taken. The office is told; whoever sent it learns nothing."""

    NOT_A_BUNDLE = "not_a_bundle"
    FORGED = "forged"
    UNKNOWN_FORM = "unknown_form"  # signed, and of a version or kind that this gate does not know: it is older than the office
    NOT_FOR_US = "not_for_us"
    EXPIRED = "expired"
    OLDER = "older"  # a later one was taken already
    CONTRADICTS = "contradicts"  # another one with the same number was taken: the office's mistake, or worse
    ROLLED_BACK = "rolled_back"  # this very one was taken and failed; only a later one is tried
    CONTENT = "content"  # the envelope holds, and what is in it cannot be used


@dataclass(frozen=True, slots=True)
class Refused:
    why: Refusal
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where this gate stands."""

    province: str
    site: str
    gate: str


@dataclass(frozen=True, slots=True)
class Audience:
    """Whom a bundle is for. No sites, or no gates, means all of them."""

    province: str
    sites: tuple[str, ...] = ()
    gates: tuple[str, ...] = ()

    def includes(self, place: Place) -> bool:
        return place.province == self.province and (not self.sites or place.site in self.sites) and (not self.gates or place.gate in self.gates)


@dataclass(frozen=True, slots=True)
class Version:
    """Which bundle of its kind: its number, and the SHA-256 of all its bytes."""

    seq: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Bundle:
    """One bundle, as it was signed. ``content`` is not looked into here."""

    kind: Kind
    audience: Audience
    version: Version
    issued_s: int
    expires_s: int | None
    content: Mapping[str, Any] | bytes = field(repr=False)

    def has_expired(self, passed_s: int) -> bool:
        """``passed_s`` is a moment that has certainly passed: now by a trusted clock, else the floor of the clock."""
        return self.expires_s is not None and self.expires_s < passed_s


class Standing(StrEnum):
    NEW = "new"
    SAME = "same"
    OLDER = "older"
    CONTRADICTS = "contradicts"


def judge_sequence(current: Version | None, new: Version) -> Standing:
    """May ``new`` follow ``current``? Once more the same is no mistake: messages come twice."""
    if current is None or new.seq > current.seq:
        return Standing.NEW
    if new.seq < current.seq:
        return Standing.OLDER
    return Standing.SAME if new.digest == current.digest else Standing.CONTRADICTS


def sign_bundle(  # noqa: PLR0913 - the header's fields, each by its name
    key: Ed25519PrivateKey,
    kind: Kind,
    audience: Audience,
    content: Mapping[str, Any] | bytes,
    *,
    seq: int,
    issued_s: int,
    expires_s: int | None = None,
    context: bytes = CONTEXT,
) -> bytes:
    """The bytes of a bundle.

    Raises:
        VerificationError: no gate would take it: a field out of its bounds, a value that CBOR lacks, or too long.
    """
    header = {"v": VERSION, "kind": str(kind), "province": audience.province, "seq": seq, "issued": issued_s}
    header |= {name: list(ids) for name, ids in (("sites", audience.sites), ("gates", audience.gates)) if ids}
    header |= {} if expires_s is None else {"expires": expires_s}
    try:
        payload = strict.encode(header | {"content": content})
        strict.decode(payload)
    except (TypeError, ValueError):
        raise VerificationError("the content cannot be written as a bundle", hint="numbers, texts, bytes, lists and tables with names only") from None
    bundle = sign1(key, payload, context=context)
    if len(bundle) > BUNDLE_MAX:
        raise VerificationError(f"the bundle has {len(bundle)} bytes, and no gate takes more than {BUNDLE_MAX}", hint="leave out what is not needed")
    opened = read_bundle(bundle, key.public_key(), context=context)  # the gate's own reader has the last word
    if isinstance(opened, Refused):
        raise VerificationError(f"no gate would take such a bundle: {opened.why}", hint="ids are lower-case letters, digits and hyphens")
    return bundle


def open_bundle(data: bytes, key: Ed25519PublicKey, *, place: Place, passed_s: int, context: bytes = CONTEXT) -> Bundle | Refused:
    """The bundle in ``data``, if the holder of ``key`` signed it, it is for ``place`` and it has not ended by ``passed_s``."""
    bundle = read_bundle(data, key, context=context)
    if isinstance(bundle, Refused):
        return bundle
    if not bundle.audience.includes(place):
        return Refused(Refusal.NOT_FOR_US)
    if bundle.has_expired(passed_s):
        return Refused(Refusal.EXPIRED)
    return bundle


def read_bundle(data: bytes, key: Ed25519PublicKey, *, context: bytes = CONTEXT) -> Bundle | Refused:
    """The bundle in ``data``, whomever it is for and however old: the signature is proven before anything else is read."""
    if len(data) > BUNDLE_MAX or not data.startswith(HEAD):
        return Refused(Refusal.NOT_A_BUNDLE)
    try:
        payload = verify1(data, key, context=context, longest=BUNDLE_MAX)
    except VerificationError:
        return Refused(Refusal.FORGED)
    header = _header(payload)
    if isinstance(header, Refused):
        return header
    return Bundle(
        kind=Kind(header["kind"]),
        audience=Audience(header["province"], tuple(header.get("sites", ())), tuple(header.get("gates", ()))),
        version=Version(header["seq"], hashlib.sha256(data).digest()),
        issued_s=header["issued"],
        expires_s=header.get("expires"),
        content=header["content"],
    )


def _header(payload: bytes) -> dict[str, Any] | Refused:
    try:
        header = strict.decode(payload)
    except VerificationError:
        return Refused(Refusal.NOT_A_BUNDLE)
    if type(header) is not dict or type(header.get("v")) is not int:
        return Refused(Refusal.NOT_A_BUNDLE)
    if header["v"] != VERSION or header.get("kind") not in list(Kind):
        return Refused(Refusal.UNKNOWN_FORM)
    return header if _is_header(header) else Refused(Refusal.NOT_A_BUNDLE)


def _is_header(header: dict[str, Any]) -> bool:
    if not set(FIELDS) - OPTIONAL <= set(header) - {"content"} <= set(FIELDS):
        return False
    if type(header.get("content")) not in (dict, bytes) or any(
        type(value) is not FIELDS[name] for name, value in header.items() if name != "content"
    ):
        return False
    ids = [header["province"], *header.get("sites", ()), *header.get("gates", ())]
    return (
        header["seq"] in SEQUENCES
        and header["issued"] in SECONDS
        and header.get("expires", 0) in SECONDS
        and len(ids) <= NAMES_MAX
        and all(type(each) is str and NAME.fullmatch(each) for each in ids)
        and [] not in (header.get("sites"), header.get("gates"))
    )
