"""A list as the province hands it out: a short head, a signed manifest, and the records.

    8 bytes   QGLIST1F: the whole list; QGLIST1D: what changes in the list that the manifest names as its base
    4 bytes   length of the manifest, big endian
    …         the manifest: COSE_Sign1 over CBOR, for the context ``qrgate-list-v1``
    …         records of twelve bytes, to the end of the file

The manifest tells of the list that is in force afterwards, in either form; so a gate that applied changes keeps the whole
list under the same signature.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from device.admission.lists import ENTRIES_MAX, HASH_BYTES, KEY_ID_BYTES, RECORD, VALUES, Body, ListKind, count, find, is_sorted, values_of
from device.cbor import Form, loads
from device.errors import VerificationError
from device.events.cose import ENVELOPE_MAX, verify1

CONTEXT = b"qrgate-list-v1"
WHOLE = b"QGLIST1F"
CHANGES = b"QGLIST1D"
_HEAD = struct.Struct(">8sI")
HEAD_MAX = _HEAD.size + ENVELOPE_MAX
FILE_MAX = HEAD_MAX + 2 * ENTRIES_MAX * RECORD.size
"""Bytes. Changes may take away every record and add as many."""
DIGEST_BYTES = hashlib.sha256().digest_size
NUMBERS = range(1, 2**63)
SECONDS = range(2**40)  # since 1970
VALID_FOR_S = range(1, 366 * 24 * 3600 + 1)
SITES_MAX = 100
GOLDEN_MAX = 16
"""Members and strangers each that prove, at the gate, that its own search finds what it should and nothing else."""
FORM = Form(depth_max=2, items_max=256, keys=frozenset())
"""A manifest with all that it may have has 147 values."""


class Unfit(StrEnum):
    """Why a list was not taken: the closed list of what an alarm says."""

    NOT_A_LIST = "not_a_list"
    FORGED = "forged"
    FOR_OTHERS = "for_others"
    OTHER_KEY = "other_key"  # its names are hidden by a list key that this gate has not
    NOT_NEWER = "not_newer"
    WRONG_BASE = "wrong_base"  # changes on a list that this gate has not
    DAMAGED = "damaged"
    TOO_LARGE = "too_large"
    NO_ROOM = "no_room"  # on the disk or in memory
    DISK = "disk"
    CHECKER_DIED = "checker_died"
    TOO_SLOW = "too_slow"
    BUSY = "busy"


class ListError(VerificationError):
    """A list is not taken; ``why`` is what is recorded."""

    def __init__(self, why: Unfit, what: str, *, hint: str = "") -> None:
        super().__init__(what, hint=hint)
        self.why = why


@dataclass(frozen=True, slots=True)
class Base:
    """The list that changes are made for."""

    version: int
    digest: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What the province signs of a list.

    ``sites`` is empty where it is for the whole province. ``key_id`` tells whose names it hides. ``issued_s`` is in seconds
    since 1970 UTC. ``digest`` is the SHA-256 of all ``entries`` records. ``members`` are whole records that must be found,
    ``strangers`` hashes that must not.
    """

    kind: ListKind
    province: str
    sites: tuple[str, ...]
    key_id: bytes
    version: int
    issued_s: int
    valid_for_s: int
    entries: int
    digest: bytes
    base: Base | None = None
    members: tuple[bytes, ...] = ()
    strangers: tuple[bytes, ...] = ()

    def is_for(self, province: str, site: str) -> bool:
        return self.province == province and (not self.sites or site in self.sites)


@dataclass(frozen=True, slots=True)
class Head:
    """The beginning of a list file; nothing of it is proven yet."""

    whole: bool
    envelope: bytes
    body_at: int  # bytes from the file's begin


# --- head ------------------------------------------------------------------------------------------------------


def head(envelope: bytes, *, whole: bool) -> bytes:
    """What stands before the records."""
    return _HEAD.pack(WHOLE if whole else CHANGES, len(envelope)) + envelope


def read_head(begin: bytes) -> Head:
    """The head in ``begin``, the file's first ``HEAD_MAX`` bytes or all of it. Raises ListError."""
    if len(begin) < _HEAD.size:
        raise ListError(Unfit.NOT_A_LIST, "it is too short to be a list")
    form, length = _HEAD.unpack_from(begin)
    if form not in {WHOLE, CHANGES}:
        raise ListError(Unfit.NOT_A_LIST, "it does not begin like a list")
    if length > ENVELOPE_MAX or len(begin) < _HEAD.size + length:
        raise ListError(Unfit.NOT_A_LIST, "its manifest has no possible length")
    body_at = _HEAD.size + length
    return Head(form == WHOLE, begin[_HEAD.size : body_at], body_at)


def proven(envelope: bytes, key: Ed25519PublicKey) -> Manifest:
    """The manifest in ``envelope``, if ``key`` signed it. Raises ListError."""
    try:
        payload = verify1(envelope, key, context=CONTEXT)
    except VerificationError as error:
        raise ListError(Unfit.FORGED, f"its manifest: {error.what}") from None
    return decode(payload)


# --- manifest --------------------------------------------------------------------------------------------------


def encode(manifest: Manifest) -> bytes:
    base = manifest.base and [manifest.base.version, manifest.base.digest]
    payload: bytes = cbor2.dumps(
        [
            manifest.kind.value,
            manifest.province,
            list(manifest.sites),
            manifest.key_id,
            manifest.version,
            manifest.issued_s,
            manifest.valid_for_s,
            manifest.entries,
            manifest.digest,
            base,
            list(manifest.members),
            list(manifest.strangers),
        ]
    )
    return payload


def decode(payload: bytes) -> Manifest:
    """Total: any bytes give a possible manifest or a ListError."""
    try:
        values = loads(payload, FORM)
        manifest = _from_list(values) if type(values) is list else None
        # One way to write it: nothing after the end, no second spelling.
        if manifest is not None and _is_possible(manifest) and encode(manifest) == payload:
            return manifest
    except (ValueError, TypeError):
        pass
    raise ListError(Unfit.NOT_A_LIST, "its manifest is none")


def _from_list(values: list[Any]) -> Manifest | None:
    kind, province, sites, key, version, issued_s, valid_for_s, entries, digest, base, members, strangers = values
    if not all(type(each) is list for each in (sites, members, strangers)) or type(base) not in {list, type(None)}:
        return None
    return Manifest(
        kind=ListKind(kind),
        province=province,
        sites=tuple(sites),
        key_id=key,
        version=version,
        issued_s=issued_s,
        valid_for_s=valid_for_s,
        entries=entries,
        digest=digest,
        base=None if base is None else Base(*base),
        members=tuple(members),
        strangers=tuple(strangers),
    )


def _is_possible(manifest: Manifest) -> bool:
    base = manifest.base
    return (
        type(manifest.province) is str
        and len(manifest.sites) <= SITES_MAX
        and all(type(site) is str for site in manifest.sites)
        and _is_bytes(manifest.key_id, KEY_ID_BYTES)
        and _is_number(manifest.version, NUMBERS)
        and _is_number(manifest.issued_s, SECONDS)
        and _is_number(manifest.valid_for_s, VALID_FOR_S)
        and _is_number(manifest.entries, range(ENTRIES_MAX + 1))
        and _is_bytes(manifest.digest, DIGEST_BYTES)
        and (base is None or (_is_number(base.version, range(1, manifest.version)) and _is_bytes(base.digest, DIGEST_BYTES)))
        and _are_bytes(manifest.members, RECORD.size)
        and _are_bytes(manifest.strangers, HASH_BYTES)
    )


def _is_number(value: object, allowed: range) -> bool:
    return type(value) is int and value in allowed


def _is_bytes(value: object, length: int) -> bool:
    return type(value) is bytes and len(value) == length


def _are_bytes(values: tuple[object, ...], length: int) -> bool:
    return len(values) <= GOLDEN_MAX and all(_is_bytes(value, length) for value in values)


# --- body ------------------------------------------------------------------------------------------------------


def prove_body(manifest: Manifest, body: Body) -> None:
    """Is ``body`` the whole list that ``manifest`` tells of, and does the search work on it? Raises ListError."""
    if len(body) != manifest.entries * RECORD.size or hashlib.sha256(body).digest() != manifest.digest:
        raise ListError(Unfit.DAMAGED, f"its records are not the {manifest.entries} that were signed")
    if not is_sorted(body) or not values_of(body) <= VALUES[manifest.kind]:
        raise ListError(Unfit.DAMAGED, "its records are out of order, twice there, or say what this kind of list cannot say")
    wrong = [each for each in manifest.members if find(body, each[:HASH_BYTES]) != each[HASH_BYTES]]
    wrong += [each for each in manifest.strangers if find(body, each) is not None]
    if wrong:
        raise ListError(Unfit.DAMAGED, f"{len(wrong)} of its test names are not found as they should be among {count(body)}")
