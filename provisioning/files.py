"""Files that are whole or absent: written beside their place, brought to disk, then renamed into it."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from device.errors import StoreError

PRIVATE = 0o600
PUBLIC = 0o644
FOLDER = 0o700


def make_folder(path: Path) -> Path:
    """``path`` as a folder that only its owner may enter; one that is there already stays as it is."""
    try:
        path.mkdir(mode=FOLDER, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"the folder {path} cannot be made: {error.strerror}", hint="choose a folder that you may write to") from error
    return path


def write(path: Path, content: bytes | str, *, mode: int = PUBLIC) -> None:
    """Put ``content`` at ``path``: after a power cut there is the old file or the new one, never a part.

    The mode is set before the first byte, so that a key is never readable by others, not even for a moment.

    Raises:
        StoreError: where it cannot be written.
    """
    data = content.encode() if isinstance(content, str) else content
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
        sync_folder(path.parent)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror}", hint="is the disk full, or the folder not yours?") from error


def sync_folder(path: Path) -> None:
    """Bring a folder's own list of names to disk: a rename is durable only then."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
