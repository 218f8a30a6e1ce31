"""What is sealed opens for the department, beside its own event, and for nobody else; erased, it leaves the events as they were."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from device.errors import VerificationError
from device.events.cloudevents import body_hash
from device.events.sealing import HEAD_BYTES, KEY_ID_BYTES, Identity, Occasion, key_id, unseal_identity
from device.gate.store import Store
from tests.canaries.search import Search

ALSO_ASKED = 40
"""Each row is opened by the department; so many are also tried in all the ways that must fail."""
PIECE_BYTES = 16


@dataclass(frozen=True, slots=True)
class Row:
    sequence: int
    sealed: bytes


def rows(database_file: Path) -> list[Row]:
    with closing(sqlite3.connect(f"file:{database_file}?mode=ro", uri=True)) as database:
        return [Row(sequence, bytes(sealed)) for sequence, sealed in database.execute("SELECT sequence, sealed FROM identity ORDER BY sequence")]


def faults(found: Iterable[Row], events: Mapping[int, dict[str, Any]], shown: Mapping[str, bytes], department: X25519PrivateKey) -> list[str]:
    """Rows that are not what they should be. ``shown`` are the codes by presentation; exactly who was admitted has a row."""
    by_sequence = {row.sequence: row for row in found}
    admitted = {sequence for sequence, event in events.items() if event["type"] == "qrgate.decision" and event["data"]["admit"]}
    wrong = [f"event {sequence} should have no sealed row, or lacks its own" for sequence in sorted(admitted ^ set(by_sequence))]
    every = max(1, len(by_sequence) // ALSO_ASKED)
    for number, row in enumerate(by_sequence.values()):
        event = events[row.sequence]
        own = Occasion(event["source"].rpartition("/")[2], event["epoch"], row.sequence)
        identity = _opened(row.sealed, department, own)
        if identity is None or (identity.kind, identity.payload) != (event["data"]["credential"], shown[event["data"]["presentation"]]):
            wrong.append(f"the row of event {row.sequence} does not give what was shown")
        if event["data"]["identity"] != hashlib.sha256(row.sealed).hexdigest():
            wrong.append(f"event {row.sequence} carries another hash than its row's")
        if number % every == 0:
            wrong += [f"the row of event {row.sequence} opens for {whom}" for whom in _opens_wrongly(row, department, own)]
    return wrong


def _opens_wrongly(row: Row, department: X25519PrivateKey, own: Occasion) -> list[str]:
    stranger = X25519PrivateKey.generate()
    for_stranger = row.sealed[:1] + key_id(stranger.public_key()) + row.sealed[1 + KEY_ID_BYTES :]
    changed = row.sealed[:-1] + bytes([row.sealed[-1] ^ 1])
    attempts = {
        "another key": (row.sealed, stranger, own),
        "another key whose id is written in": (for_stranger, stranger, own),
        "another event": (row.sealed, department, replace(own, sequence=own.sequence + 1)),
        "another gate": (row.sealed, department, replace(own, gate=own.gate + "x")),
        "another epoch": (row.sealed, department, replace(own, epoch=own.epoch[::-1] + "0")),
        "a changed byte": (changed, department, own),
    }
    return [whom for whom, attempt in attempts.items() if _opened(*attempt) is not None]


def _opened(sealed: bytes, key: X25519PrivateKey, occasion: Occasion) -> Identity | None:
    try:
        return unseal_identity(sealed, key, occasion)
    except VerificationError:
        return None


# --- the chain, and erasing ------------------------------------------------------------------------------------


def broken_links(bodies: Mapping[int, bytes]) -> list[int]:
    """Sequences whose event does not carry the hash of the one before it; every number from 1 must be there."""
    if list(bodies) != list(range(1, len(bodies) + 1)):
        return [0]
    before = b""
    wrong = []
    for sequence, body in bodies.items():
        if json.loads(body)["previoushash"] != before.hex():
            wrong.append(sequence)
        before = body_hash(body)
    return wrong


@dataclass(frozen=True, slots=True)
class Erasing:
    """What erasing every row in a copy of a store has left. ``in_the_log`` counts pieces in the log of writes while it is open."""

    erased: int
    events: int
    events_unchanged: bool
    left: int
    in_the_log: int
    in_the_file: int


def erase_all(state: Path, copy: Path, *, erase: Callable[[Store, int], int] | None = None) -> Erasing:
    """Erase as the gate does, in a copy of its state folder."""
    shutil.copytree(state, copy)
    file = copy / "events.db"
    sealed = rows(file)
    before, meta = _events(file), _meta(file)
    search = Search({piece: "sealed" for row in sealed for piece in _pieces(row.sealed)})
    with closing(Store(file, gate="any", boot="any", reserve=0)) as store:
        erased = (erase or _erase)(store, sealed[-1].sequence if sealed else 0)
        in_the_log = _count(search, file.with_name(file.name + "-wal"))
    return Erasing(
        erased=erased,
        events=len(before),
        events_unchanged=(_events(file), _meta(file)) == (before, meta),
        left=len(rows(file)),
        in_the_log=in_the_log,
        in_the_file=sum(_count(search, each) for each in copy.glob("events.db*")),
    )


def _erase(store: Store, last: int) -> int:
    with store.erasing() as writing:
        return writing.identities.erase(0, last)


def _pieces(sealed: bytes) -> list[bytes]:
    """Past the head: the version and the recipient's id are the same in all."""
    return [sealed[at : at + PIECE_BYTES] for at in range(HEAD_BYTES, len(sealed) - PIECE_BYTES + 1, PIECE_BYTES)]


def _count(search: Search, file: Path) -> int:
    return sum(1 for _ in search.find(file.read_bytes())) if file.exists() else 0


def _events(file: Path) -> list[tuple[Any, ...]]:
    return _all(file, "SELECT sequence, type, body FROM event ORDER BY sequence")


def _meta(file: Path) -> list[tuple[Any, ...]]:
    """The number and the hash of the chain's end among it."""
    return _all(file, "SELECT name, value FROM meta UNION ALL SELECT sequence, hash FROM head")


def _all(file: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
        return database.execute(query).fetchall()
