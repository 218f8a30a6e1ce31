from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from device.errors import HardwareError
from device.gate.outputs import drawing
from device.gate.outputs.drawing import BOLD, Box, draw_all, foot_px, pages, picture
from device.gate.outputs.pictures import PANELS, Foot, Panel, Pictures, load
from device.turnstile.words import LINES, Line


def _font_is_missing() -> bool:
    try:
        drawing._font(BOLD, 12)
    except HardwareError:
        return True
    return False


pytestmark = pytest.mark.skipif(_font_is_missing(), reason="DejaVu Sans is not installed (apt install fonts-dejavu-core)")


@pytest.fixture(scope="module", params=PANELS, ids=str)
def panel(request: pytest.FixtureRequest) -> Panel:
    chosen: Panel = request.param
    return chosen


@pytest.fixture(scope="module")
def pictures(panel: Panel) -> Pictures:
    return draw_all(panel)


def ink(page: drawing.Page, ground: tuple[int, int, int]) -> Box:
    """Where the words of ``page`` really lie: found in the picture, above its foot and beside its band."""
    image = picture(page)
    image.paste(ground, (page.band.left, page.band.top, page.band.right, page.band.bottom))
    difference = np.any(np.asarray(image) != ground, axis=2)
    rows, columns = np.flatnonzero(difference.any(axis=1)), np.flatnonzero(difference.any(axis=0))
    return Box(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.name)
def test_no_word_is_lost_cut_off_or_covered(panel: Panel, line: Line) -> None:
    made = pages(panel, line)
    assert " ".join(row.text for page in made for row in page.rows) == f"{line.vietnamese} {line.english}"
    room = Box(0, 0, panel.width, panel.height - (foot_px(panel) if line.gives_hotline else 0))
    for page in made:
        assert [row.text for row in page.rows if not room.holds(row.ink) or row.ink.meets(page.band)] == []
        assert [(one.text, other.text) for one, other in combinations(page.rows, 2) if one.ink.meets(other.ink)] == []
        assert page.band.holds(page.symbol)
        # what was measured is what was drawn
        inks = [row.ink for row in page.rows]
        whole = Box(min(i.left for i in inks), min(i.top for i in inks), max(i.right for i in inks), max(i.bottom for i in inks))
        assert whole.holds(ink(page, drawing.NIGHT if panel.colour else drawing.BLACK))


def test_words_are_large_enough_to_be_read_in_passing(panel: Panel) -> None:
    smallest = min(row.size for line in LINES for page in pages(panel, line) for row in page.rows)
    assert smallest >= (10 if min(panel.width, panel.height) < 200 else 13)


def test_all_pictures_differ(pictures: Pictures) -> None:
    drawn = [page.tobytes() for each in pictures.pages.values() for page in each]
    assert len(set(drawn)) == len(drawn) >= len(LINES)


def test_every_line_tells_both_languages_on_one_page_or_on_two(panel: Panel, pictures: Pictures) -> None:
    count = 1 if min(panel.width, panel.height) >= 200 else 2
    assert {name: len(each) for name, each in pictures.pages.items()} == {line.name: count for line in LINES}


def test_what_is_kept_looks_as_it_was_drawn(panel: Panel, pictures: Pictures) -> None:
    page = pages(panel, LINES[1])[0]
    kept = pictures.palette[pictures.pages[LINES[1].name][0]].astype(int)
    assert np.abs(kept - np.asarray(picture(page)).astype(int)).max() <= (12 if panel.colour else 0)


def test_pictures_are_read_back_as_they_were_written(panel: Panel, pictures: Pictures, tmp_path: Path) -> None:
    pictures.save(tmp_path)
    read, foot = load(panel, tmp_path), Foot("1022", "gate-a")
    for line in LINES:
        for one, other in zip(read.finished(line, foot, 7), pictures.finished(line, foot, 7), strict=True):
            assert np.array_equal(one, other)
    assert np.array_equal(read.palette, pictures.palette)


def test_the_letters_of_the_foot_are_whole(panel: Panel, pictures: Pictures) -> None:
    """A letter that reached the edge of its field would have been cut there, above or below."""
    ground = pictures.glyphs[" "][0, 0]
    cut = [glyph for glyph, drawn in pictures.glyphs.items() if (drawn[0] != ground).any() or (drawn[-1] != ground).any()]
    assert cut == []
    assert {drawn.shape[0] for drawn in pictures.glyphs.values()} == {foot_px(panel)}


def test_all_is_made_by_one_command(tmp_path: Path) -> None:
    assert drawing.main([str(tmp_path / "made")]) == 0
    assert sorted(path.name for path in (tmp_path / "made").iterdir()) == sorted(f"{panel}.npz" for panel in PANELS)


def test_a_font_that_is_missing_is_named_with_the_package_that_has_it() -> None:
    with pytest.raises(HardwareError) as caught:
        drawing._font("NoSuchFont.ttf", 12)
    assert (caught.value.what, caught.value.hint) == ("the font NoSuchFont.ttf is not on this machine", "apt install fonts-dejavu-core")


def test_words_without_room_are_told_and_not_cut() -> None:
    long = Line("long", LINES[1].signal, LINES[1].symbol, "Không " * 40 + "qua", "No " * 40 + "way")
    with pytest.raises(HardwareError) as caught:
        pages(PANELS[0], long)
    assert caught.value.hint == "shorten it in device/turnstile/words.py"
