"""Where lists lie on the gate: ``<kind>-<version>.list``, each whole, and ``<kind>.floor`` beside them.

A file comes under its name only after its bytes are on the disk, so whatever bears such a name is complete. The floor is
the highest version that was in force: an older list does not come back, also where the newest file is lost.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from device.admission.list_file import ListError, Unfit
from device.admission.lists import Body, ListKind

NAME = re.compile(r"([a-z]+)-([1-9][0-9]{0,18})\.list")
PART_BYTES = 256 * 1024
"""Brought to disk at a time: a decision's commit shares the disk, and waits for one part at most, not for 12 MB."""


class Shelf:
    def __init__(self, folder: Path, *, reserve: int) -> None:
        """``reserve`` bytes of the disk stay free of lists: the events' store needs them."""
        self._folder = folder
        self._reserve = reserve

    def clear_away(self) -> None:
        """Files that were never finished."""
        for path in self._folder.glob(".taking-*"):
            path.unlink(missing_ok=True)

    def versions(self, kind: ListKind) -> list[int]:
        """What lies here, the newest first."""
        found = (NAME.fullmatch(path.name) for path in self._folder.iterdir())
        return sorted((int(each[2]) for each in found if each and each[1] == kind), reverse=True)

    def path(self, kind: ListKind, version: int) -> Path:
        return self._folder / f"{kind}-{version}.list"

    def floor(self, kind: ListKind) -> int:
        """Zero before the first list. Raises ListError where the file is damaged: nobody knows then what was in force."""
        try:
            text = self._floor_path(kind).read_text(encoding="ascii")
        except FileNotFoundError:
            return 0
        except (OSError, ValueError):
            text = ""
        if not re.fullmatch(r"[0-9]{1,19}\n", text):
            raise ListError(Unfit.DISK, f"{self._floor_path(kind)} is damaged", hint="write the version of the last list into it, and a new line")
        return int(text)

    def settle(self, kind: ListKind, version: int) -> None:
        """``version`` is in force: nothing older comes back, and the older files go. Raises OSError."""
        if version > self.floor(kind):
            self._write(self._floor_path(kind), [f"{version}\n".encode()])
        for older in self.versions(kind):
            if older < version:
                self.path(kind, older).unlink(missing_ok=True)

    def put(self, kind: ListKind, version: int, parts: tuple[Body, ...]) -> None:
        """Raises ListError where there is no room, OSError where the disk does not do what it should."""
        disk = os.statvfs(self._folder)
        if disk.f_bavail * disk.f_frsize < self._reserve + sum(len(part) for part in parts):
            raise ListError(Unfit.NO_ROOM, f"too little is free at {self._folder}", hint="`df` and `qrgate doctor` tell")
        self._write(self.path(kind, version), parts)

    def _write(self, path: Path, parts: Iterable[Body]) -> None:
        beside = self._folder / f".taking-{secrets.token_hex(4)}"
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            for part in parts:
                for begin in range(0, len(part), PART_BYTES):
                    _write_all(descriptor, memoryview(part)[begin : begin + PART_BYTES])
                    os.fdatasync(descriptor)
            os.fsync(descriptor)
            beside.replace(path)
        finally:
            os.close(descriptor)
            with suppress(OSError):
                beside.unlink(missing_ok=True)
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _floor_path(self, kind: ListKind) -> Path:
        return self._folder / f"{kind}.floor"


def _write_all(descriptor: int, data: memoryview) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
