"""Lists for the gates: built from the office's tables, signed, and shown again.

list.key      hides names in every list of the province; each gate holds it too
bundle.key    signs what the province hands to its gates, lists among it
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cbor2
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from device.admission import list_changes, list_file
from device.admission.list_file import Base, Head, ListError, Manifest
from device.admission.lists import ENTRIES_MAX, KEY_BYTES, RECORD, ListKind, find, hash_of, key_id
from device.errors import StoreError, UsageError, VerificationError
from device.events.cose import sign1
from device.settings import ID_PATTERN, ID_WORDS
from provisioning import files
from provisioning.authority import keys, list_rows

LIST_KEY = "list.key"
BUNDLE_KEY = "bundle.key"
GOLDEN = 8
"""Members and strangers each, by which the gate proves its own search."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A list to be built. ``sites`` is empty for the whole province."""

    kind: ListKind
    version: int
    province: str
    sites: tuple[str, ...]
    valid_for_s: int
    issued_s: int
    table: Path
    changes_from: Path | None = None  # an earlier list: only what differs from it is written


@dataclass(frozen=True, slots=True)
class Built:
    content: bytes
    manifest: Manifest
    records: int  # in the file: entries, or changes
    doubled: int  # lines that said again what another line says


def list_key(authority: Path) -> bytes:
    """The province's list key, made where it lacks. Raises VerificationError where the file is damaged, StoreError."""
    path = authority / LIST_KEY
    if not path.exists():
        write_list_key(path, secrets.token_bytes(KEY_BYTES))
    return read_list_key(path)


def write_list_key(path: Path, key: bytes) -> None:
    files.write(path, key.hex() + "\n", mode=files.PRIVATE)


def read_list_key(path: Path) -> bytes:
    """Raises VerificationError."""
    try:
        text = path.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        text = ""
    if not re.fullmatch(rf"[0-9a-f]{{{2 * KEY_BYTES}}}", text):
        raise VerificationError(f"{path} is no list key, or a damaged one", hint="restore it: with another key every list must be built again")
    return bytes.fromhex(text)


def signing_key(authority: Path) -> Ed25519PrivateKey:
    """The key that signs lists and bundles, made where it lacks. Raises VerificationError, StoreError."""
    path = authority / BUNDLE_KEY
    if not path.exists():
        keys.write_key(path, keys.make_signing_key())
    return keys.read_signing_key(path)


# --- building --------------------------------------------------------------------------------------------------


def build(request: Request, key: bytes, signer: Ed25519PrivateKey, *, progress: Callable[[str], None]) -> Built:
    """The list file of ``request``, proven as the gate will prove it.

    Raises:
        UsageError: the request is impossible.
        SettingsError: the table has mistakes: all of them at once.
        ListError: the earlier list is none, or not this office's.
        StoreError: a file cannot be read.
    """
    _check(request)
    earlier = open_file(request.changes_from, signer).whole(request.changes_from) if request.changes_from else None
    rows = list_rows.read(request.table, request.kind, partial(hash_of, key), progress)
    if len(rows.names) > ENTRIES_MAX:
        raise UsageError(f"{request.table} names {len(rows.names)}, a list holds {ENTRIES_MAX}", hint="build lists for fewer sites each")
    progress(f"{len(rows.names)} entries, now sorted and signed")
    body = b"".join(RECORD.pack(*each) for each in sorted(rows.names.items()))
    manifest = _manifest(request, key, body, _base(request, earlier and earlier[0], key))
    list_file.prove_body(manifest, body)
    written = body if earlier is None else b"".join(list_changes.between(earlier[1], body))
    envelope = sign1(signer, list_file.encode(manifest), context=list_file.CONTEXT)
    return Built(list_file.head(envelope, whole=earlier is None) + written, manifest, len(written) // RECORD.size, rows.doubled)


def _check(request: Request) -> None:
    for site in request.sites:
        if not re.fullmatch(ID_PATTERN, site):
            raise UsageError(f"--site {site!r} is no id", hint=ID_WORDS)
    if len(request.sites) > list_file.SITES_MAX:
        raise UsageError(f"a list is for {list_file.SITES_MAX} sites at most", hint="leave --site out for the whole province")


def _base(request: Request, earlier: Manifest | None, key: bytes) -> Base | None:
    if earlier is None:
        return None
    if (earlier.kind, earlier.province, earlier.key_id) != (request.kind, request.province, key_id(key)):
        raise UsageError(f"{request.changes_from} is another list", hint=f"changes are made from an earlier {request.kind} list of this province")
    if earlier.version >= request.version:
        raise UsageError(f"{request.changes_from} has version {earlier.version}", hint="versions rise: give a higher --version")
    return Base(earlier.version, earlier.digest)


def _manifest(request: Request, key: bytes, body: bytes, base: Base | None) -> Manifest:
    entries = len(body) // RECORD.size
    spread = sorted({at * (entries - 1) // (GOLDEN - 1) for at in range(GOLDEN)}) if entries else []
    nobody = [hash_of(key, b"nobody:%d" % number) for number in range(GOLDEN)]
    return Manifest(
        kind=request.kind,
        province=request.province,
        sites=request.sites,
        key_id=key_id(key),
        version=request.version,
        issued_s=request.issued_s,
        valid_for_s=request.valid_for_s,
        entries=entries,
        digest=hashlib.sha256(body).digest(),
        base=base,
        members=tuple(body[at * RECORD.size : (at + 1) * RECORD.size] for at in spread),
        strangers=tuple(each for each in nobody if find(body, each) is None),
    )


# --- reading ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Opened:
    """A list file. ``signed`` tells whether the signature was looked at and holds."""

    head: Head
    manifest: Manifest
    body: bytes
    signed: bool

    def whole(self, path: Path | None) -> tuple[Manifest, bytes]:
        """Manifest and records of a whole list, proven. Raises ListError, UsageError."""
        if not self.head.whole:
            raise UsageError(f"{path} holds changes only", hint="give the whole list of that version: build it without --delta-from")
        list_file.prove_body(self.manifest, self.body)
        return self.manifest, self.body


def open_file(path: Path, signer: Ed25519PrivateKey | None) -> Opened:
    """``signer`` is the office's key; without it nothing is proven. Raises ListError, StoreError."""
    try:
        with path.open("rb") as file:
            content = file.read(list_file.FILE_MAX + 1)
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}", hint="give a file that `qrgate-provision lists build` wrote") from None
    head = list_file.read_head(content[: list_file.HEAD_MAX])
    manifest = list_file.proven(head.envelope, signer.public_key()) if signer else _unproven(head.envelope)
    return Opened(head, manifest, content[head.body_at :], signed=signer is not None)


def _unproven(envelope: bytes) -> Manifest:
    try:
        payload = cbor2.loads(envelope).value[2]
    except (cbor2.CBORError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError, MemoryError):
        payload = b""
    if not isinstance(payload, bytes):
        raise ListError(list_file.Unfit.NOT_A_LIST, "its manifest is none")
    return list_file.decode(payload)
