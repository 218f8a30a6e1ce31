from __future__ import annotations

from provisioning.operations.minutes import Minutes, Seldom, Tally


def test_the_log_tells_what_came_once_a_minute_and_of_quiet_minutes_nothing() -> None:
    minutes, tally = Minutes(100.0), Tally(stored=2, duplicates=1, confirmations=1)
    assert minutes.line(tally, 159.9) == ""
    assert minutes.line(tally, 160.0) == "in the last minute: 2 stored, 1 duplicates, 1 confirmations"
    tally.stored += 5
    assert [minutes.line(tally, now_s) for now_s in (200.0, 221.0, 300.0)] == [
        "",
        "in the last minute: 5 stored, 0 duplicates, 0 confirmations",
        "",
    ]


def test_the_first_of_a_kind_is_told_at_once_and_a_flood_once_a_minute() -> None:
    seldom = Seldom()
    told = [seldom.line("conflict", "a conflict", now_s) for now_s in (0.0, 1.0, 2.0, 60.0)]
    assert told == ["a conflict", "", "", "a conflict (and 2 more like it)"]
    assert seldom.line("time", "a question", 2.0) == "a question"
