"""A province on the bench that makes lists, and a gate's own lists with all that they tell."""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from device.admission import list_changes, list_file
from device.admission.list_file import Base, Manifest
from device.admission.lists import HASH_BYTES, RECORD, ListKind, hash_of, key_id
from device.domain import EventType
from device.events.cose import sign1
from device.gate.lists import Lists, Recipient

ISSUED_S = 1_795_000_000  # November 2026
DAY_S = 86_400


def body_of(entries: Mapping[bytes, int]) -> bytes:
    """The records of hash -> value."""
    return b"".join(RECORD.pack(*each) for each in sorted(entries.items()))


def persons(numbers: Iterable[int]) -> list[bytes]:
    return [b"cccd:999%09d" % number for number in numbers]


def random_body(entries: int, seed: int = 1) -> bytes:
    """As large as one likes, in a moment: hashes of nobody."""
    numbers = random.Random(seed)
    return body_of(dict.fromkeys((numbers.randbytes(HASH_BYTES) for _ in range(entries)), 0))


@dataclass
class Province:
    """Signs lists; from a seed, so that tests are the same every time."""

    seed: int = 9
    list_key: bytes = b"\x99" * 32
    name: str = "p-999"
    key: Ed25519PrivateKey = field(init=False)

    def __post_init__(self) -> None:
        self.key = Ed25519PrivateKey.from_private_bytes(bytes([self.seed]) * 32)

    @property
    def recipient(self) -> Recipient:
        return Recipient(province="p-999", site="s-999", public_key=self.key.public_key().public_bytes_raw())

    def body(self, names: Iterable[bytes], value: int = 0) -> bytes:
        return body_of({hash_of(self.list_key, name): value for name in names})

    def manifest(self, kind: ListKind, version: int, body: bytes, **more: Any) -> Manifest:
        manifest = Manifest(
            kind=kind,
            province=self.name,
            sites=(),
            key_id=key_id(self.list_key),
            version=version,
            issued_s=ISSUED_S,
            valid_for_s=DAY_S,
            entries=len(body) // RECORD.size,
            digest=hashlib.sha256(body).digest(),
        )
        return replace(manifest, **more)

    def signed(self, manifest: Manifest, body: bytes, *, whole: bool = True) -> bytes:
        envelope = sign1(self.key, list_file.encode(manifest), context=list_file.CONTEXT)
        return list_file.head(envelope, whole=whole) + body

    def whole(self, kind: ListKind, version: int, body: bytes, **more: Any) -> bytes:
        return self.signed(self.manifest(kind, version, body, **more), body)

    def changes(self, kind: ListKind, version: int, old: bytes, new: bytes, *, base: int) -> bytes:
        manifest = self.manifest(kind, version, new, base=Base(base, hashlib.sha256(old).digest()))
        return self.signed(manifest, b"".join(list_changes.between(old, new)), whole=False)


@dataclass
class Desk:
    """A gate's lists, and what they told."""

    folder: Path
    province: Province = field(default_factory=Province)
    options: dict[str, Any] = field(default_factory=dict)
    told: list[dict[str, Any]] = field(default_factory=list)
    lists: Lists = field(init=False)

    def __post_init__(self) -> None:
        self.lists = Lists(self.folder / "lists", self.province.list_key, self.province.recipient, tell=self._tell, reserve=0, **self.options)

    def _tell(self, kind: EventType, facts: dict[str, Any]) -> None:
        self.told.append({"event": kind.value, **facts})

    def start(self) -> Desk:
        self.lists.load()
        assert self.lists.wait(60)
        return self

    def give(self, content: bytes) -> dict[str, Any]:
        """Hand ``content`` in as a file; the last fact that is told of it."""
        path = self.folder / "given.list"
        path.write_bytes(content)
        self.lists.take(path)
        assert self.lists.wait(60)
        return self.told[-1]

    def checker(self) -> int:
        """The process that works now; one that is ordered is started by itself."""
        until = time.monotonic() + 60
        while (pid := self.lists.checker) is None:
            assert time.monotonic() < until
            time.sleep(0.001)  # nothing tells of it: the gate itself has no use for the number
        return pid

    def restarted(self) -> Desk:
        self.lists.close()
        return Desk(self.folder, self.province, self.options).start()

    def names(self) -> list[str]:
        return sorted(path.name for path in (self.folder / "lists").iterdir())


def in_force(kind: ListKind, version: int, entries: int) -> dict[str, Any]:
    return {"event": "audit", "what": "list_in_force", "list": kind.value, "version": version, "entries": entries}


def refused(why: str, kind: ListKind | None = None, version: int | None = None) -> dict[str, Any]:
    named = {} if kind is None else {"list": kind.value, "version": version}
    return {"event": "alarm", "what": "list_refused", "why": why, **named}
