from __future__ import annotations

import json
from pathlib import Path

import pytest

from device.errors import HardwareError
from device.gate.outputs.prompts import SPOKEN, find, table

HINT = "`sudo make install` makes them; on a laptop: make prompts"


def test_recordings_that_were_never_made_are_told(tmp_path: Path) -> None:
    with pytest.raises(HardwareError) as caught:
        find(tmp_path / "nothing")
    assert (caught.value.what.split(":")[0], caught.value.hint) == ("there are no recordings for the voice", HINT)


def test_recordings_of_other_words_are_not_played(tmp_path: Path) -> None:
    (tmp_path / "prompts.json").write_text(json.dumps(table() | {"go": "Đi"}), encoding="utf-8")
    with pytest.raises(HardwareError) as caught:
        find(tmp_path)
    assert caught.value.what == f"the recordings in {tmp_path} say other words than this version's"


def test_a_recording_that_is_missing_is_named(tmp_path: Path) -> None:
    (tmp_path / "prompts.json").write_text(json.dumps(table()), encoding="utf-8")
    for line in SPOKEN[1:]:
        (tmp_path / f"{line.name}.wav").touch()
    with pytest.raises(HardwareError) as caught:
        find(tmp_path)
    assert caught.value.what == f"recordings are missing in {tmp_path}: {SPOKEN[0].name}"
