"""The health department's key: made where it stays, and the only one that opens sealed identities."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from device.errors import UsageError, VerificationError
from device.events.sealing import Identity, Occasion, unseal_identity
from provisioning import files
from provisioning.authority import keys

PRIVATE = "identity.key"
PUBLIC = "identity.pub"
LINE_MAX = 64 * 1024
"""Characters in one line of a file of sealed identities."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """One row as the recorder hands it over: the event it belongs to, and the sealed bytes."""

    occasion: Occasion
    sealed: bytes


def make(folder: Path) -> str:
    """A new key pair in ``folder``; its public half, hex, is for the province's policy.

    Raises:
        UsageError: a key is there already: without it, nothing that was sealed for it could be read any more.
        StoreError: it cannot be written.
    """
    path = files.make_folder(folder) / PRIVATE
    if path.exists():
        raise UsageError(f"there is a key already: {path}", hint="give another folder for another key; keep the old one for what was sealed for it")
    key = X25519PrivateKey.generate()
    keys.write_key(path, key)
    public = key.public_key().public_bytes_raw().hex()
    files.write(folder / PUBLIC, public + "\n")
    return public


def read(path: Path) -> Iterator[Sealed]:
    """The rows of a file: one JSON document a line, ``{"gate": …, "epoch": …, "sequence": …, "sealed": base64}``.

    Raises:
        VerificationError: a line is none.
    """
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(iter(lambda: file.readline(LINE_MAX), ""), start=1):
                if line.strip():
                    yield _row(line, f"{path}:{number}")
    except OSError as error:
        raise VerificationError(f"{path} cannot be read: {error.strerror}", hint="is the name right?") from None
    except UnicodeDecodeError:
        raise VerificationError(f"{path} is no text", hint="one JSON document a line") from None


def _row(line: str, place: str) -> Sealed:
    try:
        row = json.loads(line)
        occasion = Occasion(row["gate"], row["epoch"], row["sequence"])
        sealed = base64.b64decode(row["sealed"], validate=True)
        if [type(occasion.gate), type(occasion.epoch), type(occasion.sequence)] == [str, str, int]:
            return Sealed(occasion, sealed)
    except (ValueError, LookupError, TypeError, binascii.Error, RecursionError):
        pass
    raise VerificationError(f"{place}: this is no sealed identity", hint='{"gate": …, "epoch": …, "sequence": …, "sealed": base64} a line')


def write_row(row: Sealed) -> str:
    """The line that ``read`` takes."""
    occasion = row.occasion
    sealed = base64.b64encode(row.sealed).decode()
    return json.dumps({"gate": occasion.gate, "epoch": occasion.epoch, "sequence": occasion.sequence, "sealed": sealed})


def open_row(row: Sealed, key: X25519PrivateKey) -> Identity:
    """Raises VerificationError where it does not open."""
    return unseal_identity(row.sealed, key, row.occasion)
