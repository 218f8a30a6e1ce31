"""What the province decided, as it is in force here: kept as the very bytes that were signed, and proven at each start.

    bundles/<kind>.bundle      in force
    bundles/<kind>.previous    in force before it, for the way back
    bundles/floors.json        the highest number ever taken of each kind: an old bundle does not return

Keys of days are not kept here, since each must vanish with its day: of them only the number is.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from device.bundles.envelope import BUNDLE_MAX, Bundle, Kind, Place, Refusal, Refused, Standing, Version, judge_sequence, open_bundle
from device.errors import SettingsError, StoreError, VerificationError
from device.gate.keys import sync_folder, write_secret

FLOORS = "floors.json"
REFUSAL_OF_STANDING = {Standing.OLDER: Refusal.OLDER, Standing.CONTRADICTS: Refusal.CONTRADICTS}

Content = Mapping[str, Any] | bytes
Reader = Callable[[Content], Any]
"""A content's own reader. Raises VerificationError or SettingsError where the gate could not work with it."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A bundle in force, and what its reader made of its content. ``is_new`` is false where it came once more."""

    bundle: Bundle
    value: Any = field(repr=False)
    is_new: bool


class Bundles:
    """``readers`` names the kinds that this gate takes. ``damaged`` tells what could not be read at the start."""

    def __init__(
        self,
        state: Path,
        key: Ed25519PublicKey,
        place: Place,
        *,
        readers: Mapping[Kind, Reader],
        write: Callable[[Path, bytes], None] = write_secret,
    ) -> None:
        """Raises StoreError where the folder can be neither made nor read."""
        self._folder = state / "bundles"
        self._key = key
        self._place = place
        self._readers = readers
        self._write = write
        self.damaged: list[str] = []
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            sync_folder(state)
        except OSError as error:
            raise StoreError(f"{self._folder} cannot be made: {error.strerror}", hint="the state folder must belong to the gate's user") from None
        self._current: dict[Kind, Taken] = {}
        self._lost: set[Kind] = set()  # what was in force is damaged or gone: the same bundle may come once more
        for kind in set(readers) - {Kind.KEYS}:
            self._load(kind)
        self._floors = self._load_floors()

    def current(self, kind: Kind) -> Taken | None:
        """What is in force. It may have expired since (``bundle.has_expired``): what follows is the policy's matter."""
        return self._current.get(kind)

    def take(self, data: bytes, *, passed_s: int) -> Taken | Refused:
        """Put the bundle in ``data`` in force, if all of it holds; ``passed_s`` is a moment that has certainly passed.

        Raises:
            StoreError: it cannot be kept. What was in force still is; after a restart it is the old one or the new one.
        """
        proven = self._proven(data, passed_s)
        if isinstance(proven, Refused):
            return proven
        bundle, value = proven.bundle, proven.value
        standing, current = judge_sequence(self._floors.get(bundle.kind), bundle.version), self._current.get(bundle.kind)
        if refusal := REFUSAL_OF_STANDING.get(standing):
            return Refused(refusal)
        if bundle.kind is Kind.KEYS:
            self._keep_floor(bundle)
            return Taken(bundle, value, is_new=standing is Standing.NEW)
        if standing is Standing.SAME and bundle.kind not in self._lost:
            in_force = current is not None and current.bundle.version == bundle.version
            return Taken(bundle, value, is_new=False) if in_force else Refused(Refusal.ROLLED_BACK)
        # In this order: cut short anywhere, the start finds old or new, and takes the number of what it finds for a floor.
        if current is not None:
            self._keep_previous(current.bundle)
        self._write(self._path(bundle.kind), data)
        self._keep_floor(bundle)
        self._lost.discard(bundle.kind)
        self._current[bundle.kind] = taken = Taken(bundle, value, is_new=True)
        return taken

    def roll_back(self, kind: Kind) -> Taken | None:
        """The bundle before the one in force, which takes its place; ``None`` where there is none. The number stays taken.

        Raises:
            StoreError: it cannot be written.
        """
        current, previous = self._current.get(kind), self._read(self._previous_path(kind))
        taken = self._proven(previous, 0) if previous is not None else None
        if previous is None or not isinstance(taken, Taken) or (current is not None and taken.bundle.version == current.bundle.version):
            return None
        if current is not None:
            self._keep_floor(current.bundle)  # at the start it may have been known by its file alone
        self._write(self._path(kind), previous)
        self._current[kind] = taken
        return taken

    # --- proof -------------------------------------------------------------------------------------------------

    def _proven(self, data: bytes, passed_s: int) -> Taken | Refused:
        bundle = open_bundle(data, self._key, place=self._place, passed_s=passed_s)
        if isinstance(bundle, Refused):
            return bundle
        if bundle.kind not in self._readers:
            return Refused(Refusal.UNKNOWN_FORM)
        try:
            return Taken(bundle, self._readers[bundle.kind](bundle.content), is_new=False)
        except (VerificationError, SettingsError) as error:
            return Refused(Refusal.CONTENT, error.what)

    # --- files -------------------------------------------------------------------------------------------------

    def _path(self, kind: Kind) -> Path:
        return self._folder / f"{kind}.bundle"

    def _previous_path(self, kind: Kind) -> Path:
        return self._folder / f"{kind}.previous"

    def _load(self, kind: Kind) -> None:
        """What is in force; where its file is damaged or gone, the one before, and that is told."""
        for path in (self._path(kind), self._previous_path(kind)):
            data = self._read(path)
            taken = Refused(Refusal.NOT_A_BUNDLE, "gone") if data is None else self._proven(data, 0)
            if isinstance(taken, Taken):
                self._current[kind] = taken
                break
            self._lost.add(kind)
            if data is not None:
                self.damaged.append(f"{path.name}: {taken.why}")

    def _read(self, path: Path) -> bytes | None:
        try:
            with path.open("rb") as file:
                return file.read(BUNDLE_MAX + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError(f"{path} cannot be read: {error.strerror}", hint="it must belong to the gate's user") from None

    def _load_floors(self) -> dict[Kind, Version]:
        floors = {}
        data = self._read(self._folder / FLOORS)
        try:
            floors = {Kind(kind): Version(int(seq), bytes.fromhex(digest)) for kind, (seq, digest) in json.loads(data or b"{}").items()}
        except (ValueError, TypeError, AttributeError):
            self.damaged.append(FLOORS)
        gone = set(floors) & set(self._readers) - {Kind.KEYS} - set(self._current)
        self.damaged += [f"{self._path(kind).name}: gone" for kind in sorted(gone) if not any(each.startswith(kind) for each in self.damaged)]
        for kind, taken in self._current.items():
            if kind not in floors or taken.bundle.version.seq > floors[kind].seq:
                floors[kind] = taken.bundle.version
        return floors

    def _keep_floor(self, bundle: Bundle) -> None:
        floors = self._floors | {bundle.kind: max(bundle.version, self._floors.get(bundle.kind, bundle.version), key=lambda version: version.seq)}
        text = json.dumps({kind: [version.seq, version.digest.hex()] for kind, version in floors.items()})
        self._write(self._folder / FLOORS, text.encode())
        self._floors = floors

    def _keep_previous(self, bundle: Bundle) -> None:
        """Keep the file in force, unless it is already the new one: a write that failed halfway is tried again."""
        data = self._read(self._path(bundle.kind))
        if data is not None and hashlib.sha256(data).digest() == bundle.version.digest:
            self._write(self._previous_path(bundle.kind), data)
