"""The province's list key at the gate: taken into the state folder, erased where the office handed it over."""

from __future__ import annotations

import re
from pathlib import Path

from device.admission.lists import KEY_BYTES
from device.errors import SettingsError
from device.gate.keys import erase, write_secret

LIST_KEY = "list.key"
HINT = "`qrgate-provision init` makes it; copy it with the settings"


class ListKey:
    """``key`` hides and finds names; ``left_behind`` is where the office's file still lies, if it could not be erased."""

    def __init__(self, state: Path, handed: Path) -> None:
        """A key that is handed over replaces the one in use: its lists follow. Raises SettingsError, StoreError."""
        kept = state / LIST_KEY
        if handed.exists():
            self.key = _read(handed)
            if not kept.exists() or _read(kept) != self.key:
                write_secret(kept, (self.key.hex() + "\n").encode())
        else:
            self.key = _read(kept if kept.exists() else handed)
        self.left_behind = erase(handed)


def _read(path: Path) -> bytes:
    try:
        text = path.read_text(encoding="ascii").strip()
    except OSError as error:
        raise SettingsError(f"no list key at {path}: {error.strerror}", hint=HINT) from None
    except ValueError:
        text = ""
    if not re.fullmatch(rf"[0-9a-f]{{{2 * KEY_BYTES}}}", text):
        raise SettingsError(f"{path} holds no list key", hint=HINT)
    return bytes.fromhex(text)
