"""``python -m device.gate.list_check``: prove a list in a process of its own, with bounds on memory, time and file size.

A file from the network is hostile until proven: whatever it does to this process, the gate goes on with its old list.
The records are proven where nobody can change them any more, in a sealed memfd, and just that is handed to the gate.
A mapped file could be cut short under the gate (SIGBUS), or make it wait for a slow card at a page's first use.
"""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
import resource
import socket
import sys
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from device.admission import list_changes, list_file
from device.admission.list_file import Base, Head, ListError, Manifest, Unfit
from device.admission.lists import ENTRIES_MAX, RECORD, Body, ListKind, is_sorted
from device.gate.list_order import IN_FORCE, PACKET_MAX, SEALS, Handed, Order, Refused, decode, encode
from device.gate.list_shelf import Shelf

MEMORY_BYTES = 384 * 1024 * 1024
"""Address space. Python with its libraries takes some 100 MB of it; a file of changes, its base and the result 48 MB."""
CPU_S = 60
NICE = 19  # whoever stands at the lane comes first
WAIT_S = 60.0
"""For the gate's word that a list is in force. It answers within a turn of its loop, or is dead."""
WRITE_BYTES = 1024 * 1024
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.ENOMEM}


class Checker:
    def __init__(self, order: Order, channel: socket.socket) -> None:
        self._order = order
        self._channel = channel
        self._key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(order.public_key))
        self._folder = Path(order.folder)
        self._shelf = Shelf(self._folder, reserve=order.reserve)

    def work(self) -> None:
        self._shelf.clear_away()
        if self._order.source is not None:
            self._guarded(self._order.source, None, None)
            return
        for kind in ListKind:
            for version in self._shelf.versions(kind):
                if self._load(kind, version):
                    break

    # --- one list ----------------------------------------------------------------------------------------------

    def _load(self, kind: ListKind, version: int) -> bool:
        """Hand over what lies on the shelf; false where it is not fit, and an older one may be."""
        try:
            source = os.open(self._shelf.path(kind, version), os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            self._say(Refused(why=Unfit.DISK, kind=kind, version=version))
            return False
        try:
            return self._guarded(source, kind, version)
        finally:
            os.close(source)

    def _guarded(self, source: int, kind: ListKind | None, version: int | None) -> bool:
        try:
            self._take(source, kind, version)
        except ListError as error:
            sys.stderr.write(f"list not taken: {error.what}\n")
            self._refuse(error.why, source, kind, version)
        except (ConnectionError, TimeoutError):
            sys.exit("the gate has ended, or does not answer; the older files stay")
        except MemoryError:
            self._refuse(Unfit.NO_ROOM, source, kind, version)
        except OSError as error:
            sys.stderr.write(f"list not taken: {error.strerror}\n")
            self._refuse(Unfit.NO_ROOM if error.errno in FULL else Unfit.DISK, source, kind, version)
        else:
            return True
        return False

    def _refuse(self, why: Unfit, source: int, kind: ListKind | None, version: int | None) -> None:
        """Names the list only where the province signed that name: anybody can write any other."""
        if kind is None:
            try:
                manifest = list_file.proven(_head(source).envelope, self._key)
                kind, version = manifest.kind, manifest.version
            except (ListError, OSError):
                pass
        self._say(Refused(why=why, kind=kind, version=version))

    def _take(self, source: int, kind: ListKind | None, version: int | None) -> None:
        if os.fstat(source).st_size > list_file.FILE_MAX:
            raise ListError(Unfit.TOO_LARGE, f"it has more than {list_file.FILE_MAX} bytes")
        head = _head(source)
        manifest = list_file.proven(head.envelope, self._key)
        self._check_address(manifest)
        stored = kind is not None
        if stored and (manifest.kind, manifest.version, head.whole) != (kind, version, True):
            raise ListError(Unfit.DAMAGED, "it is another list than its name says")
        if manifest.version < self._shelf.floor(manifest.kind) or manifest.version <= self._order.in_force.get(manifest.kind, 0):
            raise ListError(Unfit.NOT_NEWER, f"{manifest.kind} {manifest.version} is not newer than what is in force")
        sealed = self._sealed(source, head, manifest)
        try:
            body = _mapped(sealed, 0)
            list_file.prove_body(manifest, body)
            if not stored:
                self._shelf.put(manifest.kind, manifest.version, (list_file.head(head.envelope, whole=True), body))
            self._hand_over(manifest, sealed)
        finally:
            os.close(sealed)

    def _check_address(self, manifest: Manifest) -> None:
        if not manifest.is_for(self._order.province, self._order.site):
            raise ListError(Unfit.FOR_OTHERS, f"it is for {manifest.province}, sites {', '.join(manifest.sites) or 'all'}")
        if manifest.key_id.hex() != self._order.key_id:
            raise ListError(Unfit.OTHER_KEY, "its names are hidden by another list key", hint="give this gate the province's list key")

    def _hand_over(self, manifest: Manifest, sealed: int) -> None:
        handed = Handed(
            kind=manifest.kind,
            version=manifest.version,
            entries=manifest.entries,
            issued_s=manifest.issued_s,
            valid_for_s=manifest.valid_for_s,
        )
        socket.send_fds(self._channel, [encode(handed)], [sealed])
        match self._channel.recv(PACKET_MAX):
            case b"":
                raise ConnectionResetError
            case word if word == IN_FORCE:
                self._shelf.settle(manifest.kind, manifest.version)

    def _say(self, refused: Refused) -> None:
        self._channel.send(encode(refused))

    # --- its records -------------------------------------------------------------------------------------------

    def _sealed(self, source: int, head: Head, manifest: Manifest) -> int:
        """A memfd with the whole list's records, which nobody can change any more."""
        length = os.fstat(source).st_size - head.body_at
        with ExitStack() as unless_well:
            target = os.memfd_create("qrgate-list", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
            unless_well.callback(os.close, target)
            if head.whole:
                if length != manifest.entries * RECORD.size:
                    raise ListError(Unfit.DAMAGED, f"it has {length} bytes of records instead of {manifest.entries * RECORD.size}")
                _copy(source, head.body_at, length, target)
            else:
                changes = os.pread(source, length, head.body_at)
                if not is_sorted(changes):
                    raise ListError(Unfit.DAMAGED, "its changes are out of order or cut short")
                _write(target, list_changes.applied(self._base(manifest), changes), most=ENTRIES_MAX * RECORD.size)
            fcntl.fcntl(target, fcntl.F_ADD_SEALS, SEALS)
            unless_well.pop_all()
        return target

    def _base(self, manifest: Manifest) -> Body:
        """The records of the list that the changes are for."""
        if manifest.base is None:
            raise ListError(Unfit.NOT_A_LIST, "it holds changes and names no base")
        wrong = ListError(Unfit.WRONG_BASE, f"its changes are for version {manifest.base.version}, which is not here", hint="send the whole list")
        try:
            stored = os.open(self._shelf.path(manifest.kind, manifest.base.version), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise wrong from None
        try:
            head = _head(stored)
            known = list_file.proven(head.envelope, self._key)
            body = _mapped(stored, head.body_at)
            list_file.prove_body(known, body)
        except ListError:
            raise wrong from None
        finally:
            os.close(stored)
        if Base(known.version, known.digest) != manifest.base:
            raise wrong
        return body


def _head(source: int) -> Head:
    return list_file.read_head(os.pread(source, list_file.HEAD_MAX, 0))


def _mapped(descriptor: int, begin: int) -> Body:
    """What is behind ``descriptor`` from ``begin`` on; unmapped when nobody looks at it any more."""
    if os.fstat(descriptor).st_size == 0:  # nothing cannot be mapped
        return b""
    return memoryview(mmap.mmap(descriptor, 0, prot=mmap.PROT_READ))[begin:]


def _copy(source: int, begin: int, length: int, target: int) -> None:
    while length:
        sent = os.sendfile(target, source, begin, length)
        if sent == 0:
            raise ListError(Unfit.DAMAGED, "it was cut short while it was read")
        begin, length = begin + sent, length - sent


def _write(target: int, pieces: Iterable[Body], *, most: int) -> None:
    written = 0
    with os.fdopen(os.dup(target), "wb", buffering=WRITE_BYTES) as file:
        for piece in pieces:
            written += len(piece)
            if written > most:
                raise ListError(Unfit.TOO_LARGE, f"with its changes it has more than {ENTRIES_MAX} entries")
            file.write(piece)


def _bound_oneself() -> None:
    os.nice(NICE)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    resource.setrlimit(resource.RLIMIT_FSIZE, (list_file.FILE_MAX, list_file.FILE_MAX))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> None:
    _bound_oneself()
    with socket.socket(fileno=os.dup(sys.stdin.fileno())) as channel:
        channel.settimeout(WAIT_S)
        order = decode(channel.recv(PACKET_MAX))
        if isinstance(order, Order):
            Checker(order, channel).work()


if __name__ == "__main__":
    main()
