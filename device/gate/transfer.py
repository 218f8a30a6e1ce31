"""A file that comes through the broker in parts: one at a time, announced by a signed order, put into the inbox when it is whole.

Until then it lies there under a name that nobody looks at. Size and SHA-256 are those of the order, so whoever owns the broker sends
this file or none; what it says is proven by the inbox as if a technician had brought it.
"""

from __future__ import annotations

import hashlib
import logging
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from device.bundles.envelope import Kind
from device.clock import NS
from device.commands.chunk import ANSWER_EVERY, CONTENT_MAX, Chunk
from device.commands.deeds import Announce
from device.gate import inbox
from device.gate.keys import sync_folder
from device.seldom import Seldom

log = logging.getLogger("qrgate.gate")

HIDDEN = ".transfer-"
SILENT_NS = 600 * NS
"""A file of which nothing more comes for so long is dropped."""
RESERVE_BYTES = 64 * 2**20
"""What a file must leave free on the disk, as for lists."""


class TransferError(Exception):
    """The file does not come, or not on; the text is the word that is answered and recorded."""


@dataclass(slots=True)
class _Coming:
    id: bytes
    announced: Announce
    path: Path
    file: IO[bytes]
    heard_ns: int
    next: int = 0
    received: int = 0
    digest: Any = field(default_factory=hashlib.sha256)


class Transfer:
    def __init__(self, state: Path, *, reserve: int = RESERVE_BYTES) -> None:
        """``state`` has the inbox already. What an earlier life of the gate began is taken away. ``reserve`` is in bytes."""
        self._folder = state / inbox.FOLDER
        self._reserve = reserve
        self._coming: _Coming | None = None
        self._seldom = Seldom(log)
        for left in self._folder.glob(f"{HIDDEN}*"):
            with suppress(OSError):  # junk that stays ends no gate at each start
                left.unlink()

    def begin(self, id_: bytes, announced: Announce, now_ns: int) -> None:
        """Wait for the parts of a file that the order ``id_`` has announced. Raises TransferError."""
        if self._coming is not None:
            raise TransferError("busy")
        try:
            disk = os.statvfs(self._folder)
            if disk.f_bavail * disk.f_frsize < announced.size + self._reserve:
                raise TransferError("disk_full")
            path = self._folder / f"{HIDDEN}{secrets.token_hex(8)}"
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError as error:
            self._seldom.error("no file can be taken: %s", error)
            raise TransferError("disk_failed") from None
        self._coming = _Coming(id_, announced, path, os.fdopen(descriptor, "wb"), now_ns)

    def take(self, chunk: Chunk, now_ns: int) -> dict[str, Any] | None:
        """What is to be answered now: the number of the next part, and whether the file is whole; ``None`` where nothing is.

        Raises:
            TransferError: the file is dropped, or no file of this name is waited for.
        """
        coming = self._coming
        if coming is None or coming.id != chunk.id:
            raise TransferError("no_such_transfer")
        if chunk.index != coming.next:  # one that came twice, or before another that is lost
            return self._progress(coming) if chunk.index > coming.next else None
        self._write(coming, chunk.content, now_ns)
        if coming.received == coming.announced.size:
            self._finish(coming)
            return self._progress(coming) | {"whole": True}
        return self._progress(coming) if coming.next % ANSWER_EVERY == 0 else None

    def look(self, now_ns: int) -> bytes | None:
        """The id of a file that has been silent for too long, and is dropped now."""
        coming = self._coming
        if coming is None or now_ns - coming.heard_ns < SILENT_NS:
            return None
        self._drop(coming)
        return coming.id

    def close(self) -> None:
        if self._coming is not None:
            self._drop(self._coming)

    def _progress(self, coming: _Coming) -> dict[str, Any]:
        return {"next": coming.next, "whole": False}

    def _write(self, coming: _Coming, content: bytes, now_ns: int) -> None:
        left = coming.announced.size - coming.received
        if len(content) != min(left, CONTENT_MAX):
            self._drop(coming)
            raise TransferError("wrong_size")
        try:
            coming.file.write(content)
            coming.file.flush()
            if coming.next % ANSWER_EVERY == ANSWER_EVERY - 1:
                os.fdatasync(coming.file.fileno())  # little by little: the end of a large file makes nobody wait
        except OSError as error:
            self._seldom.error("a file that comes through the broker cannot be written: %s", error)
            self._drop(coming)
            raise TransferError("disk_failed") from None
        coming.digest.update(content)
        coming.next, coming.received, coming.heard_ns = coming.next + 1, coming.received + len(content), now_ns

    def _finish(self, coming: _Coming) -> None:
        if coming.digest.digest() != coming.announced.sha256:
            self._drop(coming)
            raise TransferError("wrong_sha256")
        suffix = inbox.BUNDLE if coming.announced.kind in list(Kind) else inbox.LIST
        try:
            os.fsync(coming.file.fileno())
            coming.path.rename(self._folder / f"{coming.announced.kind}-{coming.announced.sha256.hex()[:16]}{suffix}")
            sync_folder(self._folder)  # it is answered that the file is here
        except OSError as error:
            self._seldom.error("a file that came through the broker cannot be kept: %s", error)
            self._drop(coming)
            raise TransferError("disk_failed") from None
        self._forget(coming)

    def _drop(self, coming: _Coming) -> None:
        with suppress(OSError):
            coming.path.unlink()
        self._forget(coming)

    def _forget(self, coming: _Coming) -> None:
        with suppress(OSError):  # what could not be written is not wanted any more
            coming.file.close()
        self._coming = None
