from __future__ import annotations

import pytest

from device.domain import Track, TrackState
from device.reader.scanners.held import MEMORY_MAX, Held

MS = 1_000_000


def told(held: Held, table: list[tuple[int, str]]) -> list[str]:
    """Each row: milliseconds, and the text that came (or none: only time has passed). What is said, as "aA" for a Appeared."""
    answers = []
    for at_ms, text in table:
        seen = held.read(text.encode(), at_ns=at_ms * MS) if text else held.tick(at_ms * MS)
        answers.append(" ".join(f"{track.payload.decode()}{track.state.value[0].upper()}" for track in seen))
    return answers


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        pytest.param([(0, "a"), (500, "a"), (1000, "a")], ["aA", "aS", "aS"], id="a code that is held is one track, however often it is sent"),
        pytest.param([(0, "a"), (1999, ""), (2000, ""), (2100, "")], ["aA", "aS", "aL", ""], id="no text for its time: it has left"),
        pytest.param([(0, "a"), (1900, "a"), (3800, ""), (3900, "")], ["aA", "aS", "aS", "aL"], id="its time counts from the last text"),
        pytest.param([(0, "a"), (100, "b"), (200, "b")], ["aA", "bA aL", "bS"], id="the next person's code: the earlier one left at once"),
        pytest.param([(0, "a"), (2000, "a")], ["aA", "aA aL"], id="away for exactly its time, and nobody looked meanwhile: two tracks"),
        pytest.param([(0, "a"), (1999, "a")], ["aA", "aS"], id="back just in time: still there"),
        pytest.param([(0, "a"), (5000, "b")], ["aA", "bA aL"], id="the earlier one's time was over: it leaves once"),
        pytest.param(
            [(0, "a"), (300, "b"), (600, "a"), (900, "b"), (1200, "a"), (1500, "b")],
            ["aA", "bA aL", "bS", "bS", "bS", "bS"],
            id="two codes held side by side come by turns: one track each",
        ),
        pytest.param([(0, "a"), (100, "b"), (2100, "a")], ["aA", "bA aL", "aA bL"], id="away for its time, the same code is a new track"),
        pytest.param([(0, "a"), (100, "b"), (1900, "a"), (2100, ""), (3900, "a")], ["aA", "bA aL", "bS", "bL", "aA"], id="held on behind another"),
        pytest.param([(0, "")], [""], id="nothing"),
    ],
)
def test_a_code_appears_stays_and_leaves_though_the_module_never_says_so(table: list[tuple[int, str]], expected: list[str]) -> None:
    assert told(Held("0badcafe", "scan-gm65", 2.0), table) == expected


def test_a_track_tells_which_text_it_was_when_it_came_and_when_it_came_last() -> None:
    held = Held("0badcafe", "scan-gm65", 2.0)
    held.read(b"a", at_ns=100)
    held.read(b"b", at_ns=200)
    (still,) = held.read(b"b", at_ns=300)
    assert still == Track("0badcafe-2", TrackState.STILL, b"b", frame=2, frame_ns=200, decoded_ns=200, last_seen_ns=300, stage="scan-gm65")


def test_no_two_tracks_have_one_id() -> None:
    held = Held("0badcafe", "scan-gm65", 2.0)
    ids = [held.read(payload, at_ns=at_s * 1000 * MS)[0].id for at_s, payload in ((0, b"a"), (5, b"a"), (6, b"b"), (10, b"a"))]
    assert ids == ["0badcafe-1", "0badcafe-2", "0badcafe-3", "0badcafe-4"]


def test_time_in_which_the_module_was_away_is_no_leaving() -> None:
    held = Held("0badcafe", "scan-gm65", 2.0)
    told(held, [(0, "a")])
    held.resume(30_000 * MS)
    assert told(held, [(30_100, ""), (30_200, "a"), (31_000, "a"), (33_000, "")]) == ["aS", "aS", "aS", "aL"]


def test_a_code_that_did_not_come_back_with_the_module_has_left() -> None:
    held = Held("0badcafe", "scan-gm65", 2.0)
    told(held, [(0, "a")])
    held.resume(30_000 * MS)
    assert told(held, [(31_999, ""), (32_000, "")]) == ["aS", "aL"]


def test_what_is_remembered_is_bounded() -> None:
    held = Held("0badcafe", "scan-gm65", 2.0)
    for number in range(1000):
        held.read(b"%d" % number, at_ns=number)
    assert (len(held._seen_ns), [track.payload for track in held.view()]) == (MEMORY_MAX, [b"999"])


def test_a_view_shows_the_track_as_still_there() -> None:
    held = Held("0badcafe", "scan-gm65", 2.0)
    held.read(b"a", at_ns=0)
    assert [(track.payload, track.state) for track in held.view()] == [(b"a", TrackState.STILL)]
