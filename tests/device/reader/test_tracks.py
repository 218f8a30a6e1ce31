from __future__ import annotations

import pytest

from device.domain import Corners, Track, TrackState
from device.reader.chain import Reading
from device.reader.tracks import ASIDE_MAX, STATIC_NS, TRACKS_MAX, Tracks

SQUARE = Corners(((0, 0), (1, 0), (1, 1), (0, 1)))
MS = 1_000_000


def readings(payloads: str) -> list[Reading]:
    return [Reading(payload.encode(), SQUARE, "main-half") for payload in payloads]


def looks(tracks: Tracks, table: list[tuple[int, str]]) -> list[str]:
    """Each row: milliseconds, payloads read. Returns, for each look, the letters with A(ppeared), S(till) or L(eft)."""
    answers = []
    for frame, (at_ms, payloads) in enumerate(table):
        seen = tracks.look(readings(payloads), frame=frame, frame_ns=at_ms * MS, decoded_ns=at_ms * MS + 1)
        answers.append(" ".join(f"{track.payload.decode()}{track.state.value[0].upper()}" for track in seen))
    return answers


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        pytest.param([(0, "a"), (33, "a"), (66, "a")], ["aA", "aS", "aS"], id="held up"),
        pytest.param(
            [(0, "a"), (300, ""), (620, ""), (640, ""), (700, "")], ["aA", "aS", "aS", "aL", ""], id="leaves after its time and three misses"
        ),
        pytest.param([(0, "a"), (33, ""), (66, ""), (99, ""), (133, "a")], ["aA", "aS", "aS", "aS", "aS"], id="three blurred frames are no leaving"),
        pytest.param(
            [(0, "a"), (5000, ""), (5033, ""), (5066, ""), (5099, "a")], ["aA", "aS", "aS", "aS", "aS"], id="dark frames after a silence: no leaving"
        ),
        pytest.param([(0, "a"), (5000, ""), (5300, ""), (5600, "")], ["aA", "aS", "aS", "aL"], id="away since a silence"),
        pytest.param([(0, "a"), (3000, ""), (4000, ""), (5000, "")], ["aA", "aS", "aS", "aL"], id="a frame a second"),
        pytest.param([(0, "a"), (300, ""), (310, ""), (599, ""), (600, "")], ["aA", "aS", "aS", "aS", "aL"], id="exactly its time"),
        pytest.param([(0, "a"), (900, ""), (910, ""), (920, "a"), (930, "")], ["aA", "aS", "aS", "aS", "aS"], id="read again: misses start over"),
        pytest.param([(0, "a"), (0, "ab"), (40, "b")], ["aA", "aS bA", "aS bS"], id="a second code beside the first"),
        pytest.param([(0, "")], [""], id="nothing"),
    ],
)
def test_a_code_appears_stays_and_leaves(table: list[tuple[int, str]], expected: list[str]) -> None:
    assert looks(Tracks("0badcafe", 0.6), table) == expected


def test_a_code_that_comes_back_is_another_track() -> None:
    tracks = Tracks("0badcafe", 0.2)
    ids = []
    for at_ms, payloads in [(0, "a"), (300, ""), (310, ""), (320, ""), (400, "a")]:
        ids += [track.id for track in tracks.look(readings(payloads), frame=1, frame_ns=at_ms * MS, decoded_ns=0)]
    assert ids == ["0badcafe-1"] * 4 + ["0badcafe-2"]


def test_a_track_keeps_the_frame_in_which_it_was_first_read() -> None:
    tracks = Tracks("0badcafe", 0.6)
    tracks.look([Reading(b"a", SQUARE, "main-full")], frame=7, frame_ns=100, decoded_ns=150)
    (track,) = tracks.look([Reading(b"a", SQUARE, "main-half")], frame=9, frame_ns=300, decoded_ns=350)
    expected = Track("0badcafe-1", TrackState.STILL, b"a", frame=7, frame_ns=100, decoded_ns=150, last_seen_ns=300, stage="main-full")
    assert (track, tracks.in_view) == (expected, {b"a": "main-half"})


def test_the_oldest_tracks_stay_and_the_rest_is_counted() -> None:
    tracks = Tracks("0badcafe", 0.6)
    first = tracks.look(readings("abcdefghij"), frame=0, frame_ns=0, decoded_ns=0)
    assert ([track.payload for track in first], tracks.refused) == ([letter.encode() for letter in "abcdefgh"], 2)


def test_no_answer_holds_more_tracks_than_a_packet_may() -> None:
    tracks = Tracks("0badcafe", 0.2)
    looks(tracks, [(0, "abcdefgh"), (300, ""), (310, "")])
    answer = looks(tracks, [(320, "ijklmnop"), (330, "ijklmnop")])
    assert answer == ["aL bL cL dL eL fL gL hL", "iA jA kA lA mA nA oA pA"]
    assert TRACKS_MAX == 8


def test_at_the_end_every_track_leaves() -> None:
    tracks = Tracks("0badcafe", 0.6)
    looks(tracks, [(0, "ab")])
    assert [(track.payload, track.state) for track in tracks.end()] == [(b"a", TrackState.LEFT), (b"b", TrackState.LEFT)]
    assert (tracks.view(), tracks.in_view, tracks.end()) == ((), {}, ())


def test_a_view_shows_the_tracks_as_still_there() -> None:
    tracks = Tracks("0badcafe", 0.6)
    looks(tracks, [(0, "a")])
    assert [track.state for track in tracks.view()] == [TrackState.STILL]


def test_a_code_that_the_last_look_did_not_read_is_missing_until_it_is_read_or_has_left() -> None:
    tracks = Tracks("0badcafe", 0.2)
    missing = []
    for at_ms, payloads in [(0, "ab"), (33, "a"), (66, "ab"), (99, "a"), (133, "a"), (400, "a")]:
        looks(tracks, [(at_ms, payloads)])
        missing.append(tracks.missing)
    assert missing == [False, True, False, True, True, False]


def at(payload: str, x: float) -> Reading:
    return Reading(payload.encode(), Corners(((x, 0), (x + 100, 0), (x + 100, 100), (x, 100))), "main-half")


def followed(tracks: Tracks, table: list[tuple[int, list[Reading]]]) -> list[str]:
    """As ``looks``, with the number of each track."""
    answers = []
    for at_ms, seen in table:
        answer = tracks.look(seen, frame=0, frame_ns=at_ms * MS, decoded_ns=0)
        answers.append(" ".join(f"{track.id[-1]}{track.state.value[0].upper()}" for track in answer))
    return answers


def test_the_same_code_in_two_hands_is_two_tracks() -> None:
    table = [(0, [at("a", 0), at("a", 500)]), (33, [at("a", 510), at("a", 5)]), (66, [at("a", 10)]), (99, [at("a", 520)])]
    assert followed(Tracks("0badcafe", 0.6), table) == ["1A 2A", "1S 2S", "1S 2S", "1S 2S"]


def test_the_hand_that_goes_leaves_and_the_other_with_the_same_code_stays() -> None:
    only_the_second = [(ms, [at("a", 500)]) for ms in (200, 400, 700)]
    tracks = Tracks("0badcafe", 0.6)
    assert followed(tracks, [(0, [at("a", 0), at("a", 500)]), *only_the_second]) == ["1A 2A", "1S 2S", "1S 2S", "1L 2S"]


def test_a_second_hand_with_the_same_code_is_noticed_when_it_comes() -> None:
    assert followed(Tracks("0badcafe", 0.6), [(0, [at("a", 0)]), (33, [at("a", 2), at("a", 600)])]) == ["1A", "1S 2A"]


def test_a_hand_may_move_as_far_as_it_likes_with_its_code() -> None:
    assert followed(Tracks("0badcafe", 0.6), [(0, [at("a", 0)]), (33, [at("a", 1000)])]) == ["1A", "1S"]


def test_of_three_hands_with_the_same_code_the_covered_one_makes_no_fourth() -> None:
    table = [(0, [at("a", 0), at("a", 10), at("a", 500)]), (33, [at("a", 450), at("a", 300)])]
    assert followed(Tracks("0badcafe", 0.6), table) == ["1A 2A 3A", "1S 2S 3S"]


WALL = "abcdefgh"
assert len(WALL) == TRACKS_MAX
LONG_MS = STATIC_NS // MS


def test_a_wall_of_posters_makes_room_for_a_hand_and_none_of_them_appears_anew() -> None:
    tracks = Tracks("0badcafe", 0.6)
    everything = WALL + "x"
    rows = [(0, WALL), (LONG_MS - 1, everything), (LONG_MS, everything), (LONG_MS + 33, everything), (LONG_MS + 66, everything)]
    *before, made_room, appeared, after = looks(tracks, rows)
    still = " ".join(f"{letter}S" for letter in WALL)
    assert before == [" ".join(f"{letter}A" for letter in WALL), still]
    assert made_room == "aL " + " ".join(f"{letter}S" for letter in WALL[1:])
    assert appeared == " ".join(f"{letter}S" for letter in WALL[1:]) + " xA"
    assert after == " ".join(f"{letter}S" for letter in WALL[1:]) + " xS"
    assert set(tracks.in_view) == {letter.encode() for letter in everything}


def test_a_code_that_was_put_aside_appears_again_only_after_it_was_away() -> None:
    tracks = Tracks("0badcafe", 0.6)
    everything = WALL + "x"
    begin = [(0, WALL), (LONG_MS, everything), (LONG_MS + 33, everything)]
    without = everything.replace("a", "")
    away = [(LONG_MS + 33 + 300 * step, without) for step in range(1, 5)]
    x_gone = [(away[-1][0] + 300 * step, without.replace("x", "")) for step in range(1, 5)]
    back = [(x_gone[-1][0] + 33, everything.replace("x", ""))]
    answers = looks(tracks, [*begin, *away, *x_gone, *back])
    assert "aA" in answers[-1]
    assert not any("aA" in answer for answer in answers[1:-1])


def test_what_is_put_aside_is_bounded() -> None:
    tracks = Tracks("0badcafe", 0.6)
    alphabet = [chr(0x100 + number) for number in range(ASIDE_MAX + 2 * TRACKS_MAX)]
    for turn in range(3 * len(alphabet)):
        seen = "".join(alphabet[: TRACKS_MAX + turn])
        looks(tracks, [(turn * 2 * LONG_MS, seen)])
    assert len(tracks.in_view) == ASIDE_MAX + TRACKS_MAX
    assert tracks.refused > 0
