from __future__ import annotations

from device.clock import NS
from device.domain import Corners, Track, TrackState
from device.reader.chain import Look, Reading
from device.replay.moment import Moment
from device.replay.presentations import Presentations
from device.replay.unread import Span
from tests.device.replay.defects import printed, shot

LIGHT, CORNERS = printed()
PICTURE = shot(LIGHT)
FAR = Corners(((5, 5), (45, 5), (45, 45), (5, 45)))


def moment(frame: int) -> Moment:
    return Moment(frame, frame + 100, frame * NS // 25)


def track(payload: bytes, id_: str) -> Track:
    return Track(id_, TrackState.APPEARED, payload, 0, 0, 0, 0, "zxing-half")


def appear(presentations: Presentations, payload: bytes, id_: str, frame: int, *, found: int | None = None, seen: int | None = None) -> None:
    reading = Reading(payload, CORNERS, "zxing-full")
    span = None if found is None else Span(moment(found), found, moment(frame - 1), CORNERS)
    onset = None if seen is None else moment(seen)
    presentations.appear(track(payload, id_), moment(frame), reading, PICTURE, onset=onset, span=span, looks=frame + 1)
    presentations.read(moment(frame), Look((reading,)), looks=frame + 1)


def test_a_presentation_is_told_from_when_it_was_seen_to_when_it_left() -> None:
    presentations = Presentations()
    appear(presentations, b"999 one", "a-1", 30, found=20, seen=10)
    presentations.read(moment(31), Look((Reading(b"999 one", CORNERS, "zxing-half"),)), looks=32)
    presentations.read(moment(32), Look(), looks=33)
    presentations.leave("a-1", moment(50))
    (told,) = presentations.all(moment(0))
    assert (told.seen_s, told.found_s, told.read_s, told.last_read_s, told.left_s) == (0.4, 0.8, 1.2, 1.24, 2.0)
    assert (told.waited_s, told.read_frame, told.stage, told.stages) == (0.8, 130, "zxing-full", {"zxing-full": 1, "zxing-half": 1})
    assert (told.frames, told.looks, told.reads, told.kind, told.bytes) == (12, 12, 2, "other", 7)


def test_equal_codes_have_equal_numbers_and_nothing_else_in_common() -> None:
    presentations = Presentations()
    for number, payload in enumerate((b"a", b"b", b"a", b"c")):
        appear(presentations, payload, f"a-{number}", 10 * number)
        presentations.leave(f"a-{number}", moment(10 * number + 5))
    assert [each.code for each in presentations.all(moment(0))] == [1, 2, 1, 3]


def test_a_code_that_has_not_left_has_no_time_of_leaving() -> None:
    presentations = Presentations()
    appear(presentations, b"a", "a-1", 3)
    assert [each.left_s for each in presentations.all(moment(0))] == [None]


def test_a_symbol_found_on_and_on_in_the_place_of_a_code_is_that_code() -> None:
    presentations = Presentations()
    appear(presentations, b"a", "a-1", 0)
    assert [presentations.owns(CORNERS, moment(frame)) for frame in (10, 20, 30)] == [True, True, True]
    presentations.leave("a-1", moment(35))
    assert [presentations.owns(CORNERS, moment(frame)) for frame in (40, 46)] == [True, False]


def test_a_symbol_elsewhere_is_another() -> None:
    presentations = Presentations()
    appear(presentations, b"a", "a-1", 0)
    assert not presentations.owns(FAR, moment(1))


def test_no_payload_is_in_the_words_of_what_is_held() -> None:
    presentations = Presentations()
    appear(presentations, b"999000000001", "a-1", 0)
    assert "999000000001" not in repr(presentations._all)


def test_a_symbol_that_stays_unread_where_a_code_has_left_is_another_one() -> None:
    presentations = Presentations()
    appear(presentations, b"a", "a-1", 0)
    presentations.leave("a-1", moment(15))
    assert [presentations.owns(CORNERS, moment(frame)) for frame in (5, 10, 15, 20, 30, 40)] == [True, True, True, False, False, False]
