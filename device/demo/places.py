"""Where the demo writes: seen to before anything starts, so that no minute of showing ends in an error."""

from __future__ import annotations

import tempfile
from pathlib import Path

from device.errors import UsageError


def check_file(option: str, file: Path) -> None:
    """Raises UsageError where ``file``, given as ``option``, cannot be written; it is left as it was."""
    there = file.exists()
    try:
        file.open("ab").close()
        if not there:
            file.unlink()
    except OSError as error:
        raise _unwritable(option, file, error) from None


def check_folder(option: str, folder: Path, *, empty: bool = False) -> None:
    """Make ``folder``, given as ``option``. Raises UsageError where it cannot be written, or holds something and should not."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
        filled = any(folder.iterdir())
    except OSError as error:
        raise _unwritable(option, folder, error) from None
    if empty and filled:
        raise UsageError(f"{option} {folder}: the folder is not empty", hint="choose another one; it may be new")


def _unwritable(option: str, path: Path, error: OSError) -> UsageError:
    return UsageError(f"{option} {path} cannot be written: {error.strerror}", hint="choose another place")
