from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest

from device import board, config
from device.errors import SettingsError
from provisioning.authority.init import REFERENCE_GATE
from provisioning.technician.canvas import Room
from provisioning.technician.wiring import HEIGHT, SHARED_TABLES, WIDTH, Sheet, draw

BOARDS = sorted((Path(__file__).parents[3] / "hardware" / "boards").glob("*.toml"))
EVERY_PIN = """
[lane]
profile = "two_way"
[relay]
pin = 9
[exit_relay]
pin = 10
[free_relay]
pin = 11
[lamps]
green_pin = 12
red_pin = 13
amber_pin = 14
[buzzer]
pin = 15
tone_hz = 5000
[passage]
pin = 16
exit_pin = 17
[inputs]
outer_beam_pin = 18
inner_beam_pin = 19
loop_pin = 20
fire_pin = 21
break_glass_pin = 22
tamper_pin = 23
mains_pin = 24
ready_pin = 25
exit_button_pin = 26
assist_button_pin = 27
setup_button_pin = 0
key_free_pin = 1
key_reset_pin = 4
[display]
kind = "ssd1306"
"""


def sheet(path: Path) -> Sheet:
    usual = {name: REFERENCE_GATE[name] for name in (*SHARED_TABLES, "pins")}
    return Sheet(config.load_bench(path, usual), path.name)


@pytest.fixture(params=[*BOARDS, EVERY_PIN], ids=[*(path.stem for path in BOARDS), "every pin"])
def drawn(request: pytest.FixtureRequest, tmp_path: Path) -> Sheet:
    if isinstance(request.param, Path):
        return sheet(request.param)
    (tmp_path / "every.toml").write_text(request.param, encoding="utf-8")
    return sheet(tmp_path / "every.toml")


def apart(one: Room, other: Room) -> bool:
    return one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]


def within(inner: Room, outer: Room) -> bool:
    return inner[0] >= outer[0] and inner[1] >= outer[1] and inner[2] <= outer[2] and inner[3] <= outer[3]


def test_no_words_lie_on_others(drawn: Sheet) -> None:
    assert [(one.text, other.text) for one, other in combinations(drawn.canvas.words, 2) if not apart(one.room, other.room)] == []


def test_no_words_cross_the_edge_of_a_box_or_of_the_sheet(drawn: Sheet) -> None:
    boxes = [*drawn.canvas.boxes]
    crossing = [words.text for words in drawn.canvas.words for box in boxes if not apart(words.room, box) and not within(words.room, box)]
    beyond = [words.text for words in drawn.canvas.words if not within(words.room, (0, 0, WIDTH, drawn.canvas.height))]
    assert (crossing, beyond) == ([], [])


def test_every_pin_in_use_stands_there_with_its_number_on_the_header(drawn: Sheet) -> None:
    told = {words.text for words in drawn.canvas.words}
    uses = board.uses(lambda table, key: getattr(drawn.tables[table], key))
    assert {f"GPIO {use.pin} ({board.HEADER[use.pin]})" for use in uses} - told == set()


@pytest.mark.parametrize("path", BOARDS, ids=lambda path: path.stem)
def test_a_board_file_fits_on_one_page(path: Path) -> None:
    assert sheet(path).canvas.height == HEIGHT


def test_a_file_with_mistakes_is_not_drawn(tmp_path: Path) -> None:
    path = tmp_path / "board.toml"
    path.write_text('[pins]\nfactory = "lgpio"\n[relay]\npin = 4\n', encoding="utf-8")
    with pytest.raises(SettingsError, match=r"relay\.pin 4 is pulled up"):
        draw(path)


def test_the_same_file_gives_the_same_drawing() -> None:
    assert draw(BOARDS[0]) == draw(BOARDS[0])
