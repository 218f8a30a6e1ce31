"""What the voice says, as recordings: ``made/prompts/NAME.wav`` for each spoken line of ``device/turnstile/words.py``.

They were made when the gate was installed (``recording.py``); here they are found, and told from those of another version.
"""

from __future__ import annotations

import json
from pathlib import Path

from device.errors import HardwareError
from device.turnstile.words import LINES

PROMPTS = Path(__file__).parent / "made" / "prompts"
TABLE = "prompts.json"
"""Written last: it says of what words the recordings beside it were made."""

SPOKEN = tuple(line for line in LINES if line.is_spoken)


def table() -> dict[str, str]:
    return {line.name: line.vietnamese for line in SPOKEN}


def find(folder: Path = PROMPTS) -> dict[str, Path]:
    """The recording of each line, by the line's name. Raises HardwareError where some are missing or say other words."""
    hint = "`sudo make install` makes them; on a laptop: make prompts"
    try:
        made = json.loads((folder / TABLE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise HardwareError(f"there are no recordings for the voice: {error}", hint=hint) from None
    if made != table():
        raise HardwareError(f"the recordings in {folder} say other words than this version's", hint=hint)
    paths = {line.name: folder / f"{line.name}.wav" for line in SPOKEN}
    if missing := [name for name, path in paths.items() if not path.is_file()]:
        raise HardwareError(f"recordings are missing in {folder}: {', '.join(missing)}", hint=hint)
    return paths
