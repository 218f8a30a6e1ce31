from __future__ import annotations

from provisioning.operations.alarms import ADVICE, What, note


def test_a_note_holds_each_alarm_and_since_when() -> None:
    told = note("g-a", [(What.OTHER_KEY, "2026-11-01T00:00:00.000+00:00")])
    assert told == b'{"gate":"g-a","alarms":[{"what":"other_key","since":"2026-11-01T00:00:00.000+00:00"}]}'
    assert note("g-a", []) == b'{"gate":"g-a","alarms":[]}'


def test_every_alarm_says_what_to_look_at() -> None:
    assert set(ADVICE) == set(What)
