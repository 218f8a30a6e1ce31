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
    write_together((path, content.encode() if isinstance(content, str) else content, mode))


def write_together(*parts: tuple[Path, bytes, int]) -> None:
    """As ``write`` for files that belong together, each with its mode: none takes its place before all of them are on disk."""
    beside = {path: path.with_name(f".{path.name}.{secrets.token_hex(4)}") for path, _, _ in parts}
    path = parts[0][0]
    try:
        try:
            for path, content, mode in parts:
                _create(beside[path], content, mode)
            for path, new in beside.items():
                new.replace(path)
        finally:
            for new in beside.values():
                new.unlink(missing_ok=True)
        for folder in {path.parent for path in beside}:
            sync_folder(folder)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror}", hint="is the disk full, or the folder not yours?") from error


def _create(path: Path, content: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(path: Path) -> None:
    """Bring a folder's own list of names to disk: a rename is durable only then."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
