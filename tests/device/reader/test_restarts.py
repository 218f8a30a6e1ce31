from __future__ import annotations

from pathlib import Path

import pytest

from device.clock import NS
from device.reader.restarts import FILE, STARTS_KEPT, Restarts, pause_s, restarts_of_unit


@pytest.mark.parametrize(
    ("starts_s", "pause"),
    [
        pytest.param((), 0, id="the first"),
        pytest.param((-3600,), 0, id="the first crash of the day"),
        pytest.param((-1,), 0, id="a crash just after the start"),
        pytest.param((-2, -1), 1, id="the second in a minute"),
        pytest.param((-3, -2, -1), 2, id="the third"),
        pytest.param((-5, -4, -3, -2, -1), 8, id="the fifth"),
        pytest.param(tuple(range(-59, 0)), 10, id="all the time"),
        pytest.param(tuple(range(-119, -60)), 0, id="a minute of peace"),
        pytest.param((5, 6, 7), 0, id="a count of another boot"),
    ],
)
def test_who_starts_often_pauses_first(starts_s: tuple[int, ...], pause: float) -> None:
    assert pause_s([each * NS for each in starts_s], 0) == pause


def test_a_poster_that_kills_every_reader_at_once_costs_nine_starts_in_its_first_minute_and_then_six(tmp_path: Path) -> None:
    """Each life takes the 0.5 s of ``RestartSec``, and 1.5 s of a small Pi's processor until it sees the poster."""
    now_s, begun_s = 0.0, list[float]()
    while now_s < 600:
        begun_s.append(now_s)
        now_s += Restarts(tmp_path).begin(int(now_s * NS)) + 1.5 + 0.5
    assert [sum(minute * 60 <= each < minute * 60 + 60 for each in begun_s) for minute in range(10)] == pytest.approx([9] + [6] * 9, abs=1)


def test_the_count_outlives_a_crash_and_is_bounded(tmp_path: Path) -> None:
    pauses = [Restarts(tmp_path).begin(number * NS) for number in range(40)]
    assert pauses[:7] == [0, 0, 1, 2, 4, 8, 10]
    assert len((tmp_path / FILE).read_text("ascii").split(",")) == STARTS_KEPT


def test_after_an_end_that_was_wanted_the_count_begins_anew(tmp_path: Path) -> None:
    for number in range(5):
        Restarts(tmp_path).begin(number)
    Restarts(tmp_path).ended_well()
    assert Restarts(tmp_path).begin(6) == 0


@pytest.mark.parametrize("torn", ["", "[1, 2", '{"a": 1}', "nonsense", '["x", 1.5, null]'])
def test_a_torn_count_is_no_count(tmp_path: Path, torn: str) -> None:
    (tmp_path / FILE).write_text(torn, "ascii")
    assert Restarts(tmp_path).begin(1) == 0


def test_without_a_units_folder_nobody_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
    restarts = restarts_of_unit()
    restarts.ended_well()
    assert [restarts.begin(number) for number in range(9)] == [0] * 9


def test_a_folder_that_takes_nothing_keeps_no_reader_from_starting(tmp_path: Path) -> None:
    assert [Restarts(tmp_path / "missing").begin(number) for number in range(9)] == [0] * 9
