"""Every story, played and compared. ``python -m tests.scenarios FILE`` tells one to people."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from device.errors import SettingsError
from tests.scenarios import story, telling
from tests.scenarios.stage import Line, Stage
from tests.scenarios.verdict import differences, laws


@pytest.mark.parametrize("path", story.every(), ids=lambda path: path.stem)
def test_the_story_goes_as_it_is_told(path: Path, tmp_path: Path) -> None:
    with closing(Stage(story.read(path), tmp_path)) as stage:
        stage.play()
        assert differences(stage) == []


def test_the_page_lists_every_story() -> None:
    page = (Path(__file__).parents[2] / "docs/scenarios.md").read_text(encoding="utf-8")
    assert [line for line in page.splitlines() if line.startswith("|")] == telling.table()


def test_there_are_stories_of_every_directive() -> None:
    directives = {path.stem[:7] for path in story.every() if path.stem[:2] in {"bd", "bg", "lc", "ls"}}
    assert directives == {"bd-2020", "bg-2021", "bd-2021", "lc-2021", "ls-2021"}


# --- a story that goes wrong is noticed ------------------------------------------------------------------------

TALE = """
title = "t"
why = "w"
[clock]
start = 2021-07-01T08:00:00
[policy]
mode = "record"
[people.an]
holds = "cccd"
[[steps]]
shows = "an"
expect = { admit = true, reason = "recorded" }
"""


def played(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "tale.toml"
    path.write_text(text, encoding="utf-8")
    with closing(Stage(story.read(path), tmp_path)) as stage:
        stage.play()
        return differences(stage)


@pytest.mark.parametrize(
    ("instead", "told"),
    [
        ('{ admit = true, reason = "recorded" }', []),
        (
            '{ reason = "recorded" }',
            ["admit should be False and is True", "opens should be False and is True", "passage should be None and is 'turned'"],
        ),
        ('{ admit = true, reason = "ok" }', ["reason should be 'ok' and is 'recorded'"]),
        ("{ admit = true, people = 2 }", ["people should be 2 and is 1"]),
        ('{ admit = true, hint = "not_declared" }', ["hint should be 'not_declared' and is None"]),
        ('{ admit = true, passage = "unused" }', ["passage should be 'unused' and is 'turned'"]),
        ('{ admit = true, signal = "no" }', ["signal should be 'no' and is <Signal.GO: 'go'>"]),
    ],
)
def test_what_is_not_as_expected_is_told(tmp_path: Path, instead: str, told: list[str]) -> None:
    found = played(tmp_path, TALE.replace('{ admit = true, reason = "recorded" }', instead))
    assert found == [f"01/07 08:00:00 g1, an: {each}" for each in told]


def test_a_decision_that_was_not_expected_is_told(tmp_path: Path) -> None:
    (found,) = played(tmp_path, TALE.replace('admit = true, reason = "recorded"', "decided = false"))
    assert found.startswith("01/07 08:00:00 g1, an: expected no decision, found {")


@pytest.mark.parametrize(
    ("end", "told"),
    [
        ("events = { decision = 1 }", "at the end events should be {'decision': 1} and is {'decision': 1, 'passage': 1}"),
        ("inside = 0", "at the end inside should be 0 and is 1"),
        ('alarms = ["denied_person"]', "at the end alarms should be ['denied_person'] and is []"),
        ("shadow = { ok = 1 }", "at the end shadow should be {'ok': 1} and is {}"),
        ("folded = { link = 1 }", "at the end folded should be {'link': 1} and is {}"),
    ],
)
def test_an_end_that_is_not_as_expected_is_told(tmp_path: Path, end: str, told: str) -> None:
    assert played(tmp_path, f"{TALE}[finally]\n{end}\n") == [told]


def test_what_must_hold_in_every_story_is_looked_for(tmp_path: Path) -> None:
    path = tmp_path / "tale.toml"
    path.write_text(TALE, encoding="utf-8")
    with closing(Stage(story.read(path), tmp_path)) as stage:
        stage.play()
        (gate,) = stage.gates.values()
        (gate.state / "leak").write_bytes(b"..999000000001..")
        at = stage.sky.now
        gate.pulses += [(at, None), (at, at + timedelta(seconds=3.1))]
        gate.opened_for.append("nobody")
        stage.lines = [line for line in stage.lines if line.event["type"] != "qrgate.passage"]
        assert list(laws(stage, gate)) == [
            "1 grants, and passages of 0",
            "the lane opened without a grant, or twice for one",
            "the relay was on from 08:00:30 to None",
            f"the relay was on from 08:00:30 to {at + timedelta(seconds=3.1)}",
            "the state folder holds b'999000000001'",
        ]
        stage.lines.clear()
        stage.lines += [Line(at, gate.id, {"sequence": "2", "type": "qrgate.audit", "data": {}})]
        assert "the sequence of events has a gap" in list(laws(stage, gate))


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (TALE.replace('mode = "record"', 'mood = "record"'), "1 mistake in the policy:\n  mood: unknown key (did you mean 'mode'?)"),
        (
            TALE.replace("title", "titel"),
            "StoryError: tale.toml: ValueError: the story: unknown titel; known: clock, finally, gates, people, policy, steps, title, why",
        ),
        (TALE.replace('shows = "an"', 'shows = "binh"'), "StoryError: tale.toml: ValueError: nobody is called binh"),
        (
            TALE + "hapens = 1\n",
            "StoryError: tale.toml: ValueError: at 2021-07-01 08:00:00+07:00: a step that shows something expects something",
        ),
        (TALE.replace("reason", "reasn"), "StoryError: tale.toml: TypeError: Expected.__init__() got an unexpected keyword argument 'reasn'"),
        (TALE.replace('"cccd"', '"card"'), "ValueError: holds = 'card' is nothing that can be held; known: "),
        (TALE.replace('"cccd"', '"cccd"\nnumbre = "999"'), "ValueError: holds = 'cccd': _cccd() got an unexpected keyword argument 'numbre'"),
    ],
)
def test_a_story_with_a_slip_is_not_played(tmp_path: Path, wrong: str, told: str) -> None:
    with pytest.raises((story.StoryError, SettingsError, ValueError)) as caught:
        played(tmp_path, wrong)
    assert f"{type(caught.value).__name__}: {caught.value}".startswith(told) or str(caught.value).startswith(told)
