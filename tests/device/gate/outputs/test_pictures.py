"""Reading and finishing pictures, with letters that can be told apart by their numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from device.errors import HardwareError
from device.gate.outputs.pictures import GLYPHS, PANELS, Foot, Panel, Pictures, load
from device.turnstile.signals import Signal
from device.turnstile.words import LINES, OF_SIGNAL

PANEL = PANELS[0]
HIGH, WIDE = 3, 4
PAGE = 200
HINT = "`sudo make install` draws them; on a laptop: make pictures"


def plain(panel: Panel = PANEL) -> Pictures:
    """Every letter is four columns wide and filled with its number in ``GLYPHS``."""
    glyphs = {glyph: np.full((HIGH, WIDE), number, dtype=np.uint8) for number, glyph in enumerate(GLYPHS)}
    page = np.full((panel.height, panel.width), PAGE, dtype=np.uint8)
    palette = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
    return Pictures(panel, palette, {line.name: [page, page] for line in LINES}, glyphs)


def foot_of(pictures: Pictures, foot: Foot, number: int | None, signal: Signal = Signal.NO) -> str:
    """The words in the last row."""
    page = pictures.finished(OF_SIGNAL[signal], foot, number)[0]
    return "".join(GLYPHS[index] for index in page[-1][WIDE // 2 :: WIDE])


def test_a_refusal_ends_with_hotline_gate_and_the_short_number_of_the_event() -> None:
    words = foot_of(plain(), Foot("1022", "cong-01"), 1_230_042)
    assert words.split() == ["☎1022", "cong-01", "#0042"]
    assert len(words) == PANEL.width // WIDE


def test_a_long_name_of_a_gate_keeps_its_end() -> None:
    assert foot_of(plain(), Foot("1022", "ben-xe-mien-dong-moi-thu-duc-01b"), 7).split() == ["☎1022", "…ng-moi-thu-duc-01b", "#0007"]


def test_the_longest_hotline_that_settings_allow_still_fits() -> None:
    assert foot_of(plain(), Foot("+" + "9" * 19, "a" * 32), 9_999).split() == ["☎+" + "9" * 19, "…aa", "#9999"]


def test_what_was_not_recorded_has_no_number_and_who_names_no_hotline_shows_none() -> None:
    assert foot_of(plain(), Foot("", "cong-01"), None).split() == ["cong-01"]


def test_whoever_may_pass_sees_the_whole_picture() -> None:
    pages = plain().finished(OF_SIGNAL[Signal.GO], Foot("1022", "cong-01"), 42)
    assert [np.unique(page).tolist() for page in pages] == [[PAGE], [PAGE]]


def test_the_foot_of_one_person_is_not_on_the_picture_of_the_next() -> None:
    pictures, foot = plain(), Foot("1022", "cong-01")
    foot_of(pictures, foot, 1)
    assert foot_of(pictures, foot, None).split() == ["☎1022", "cong-01"]


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 and no more", b"\x93NUMPY"])
def test_pictures_that_are_missing_or_broken_are_told_with_what_to_do(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / f"{PANEL}.npz").write_bytes(content)
    with pytest.raises(HardwareError) as caught:
        load(PANEL, tmp_path)
    assert (caught.value.what.split(":")[0], caught.value.hint) == (f"the pictures for a display {PANEL} cannot be read", HINT)


def test_pictures_of_other_words_are_not_shown(tmp_path: Path) -> None:
    path = plain().save(tmp_path)
    with np.load(path) as file:
        old = dict(file)
    old["words"] = np.array(["go|go|arrow|Đi|Go"])
    np.savez(path, **old)
    with pytest.raises(HardwareError) as caught:
        load(PANEL, tmp_path)
    assert (caught.value.what, caught.value.hint) == (f"the pictures in {path} were drawn from other words than this version's", HINT)


def test_a_size_that_nobody_drew_for_is_told_with_those_that_there_are() -> None:
    with pytest.raises(HardwareError) as caught:
        load(Panel(100, 100, colour=True))
    assert caught.value.what == "there are no pictures for a display 100x100-colour"
    assert "128x64-mono" in caught.value.hint
