from __future__ import annotations

import pytest

from device.clock import NS
from device.domain import Corners
from device.replay.moment import Moment
from device.replay.unread import DIAGNOSED_MAX, SIGHTINGS_MIN, Unread
from tests.device.replay.defects import printed, shot

LIGHT, CORNERS = printed()
PICTURE = shot(LIGHT)


def moved(corners: Corners, x: float, y: float = 0, *, scale: float = 1) -> Corners:
    left, top = corners.points[0]
    points = tuple((left + (a - left) * scale + x, top + (b - top) * scale + y) for a, b in corners.points)
    return Corners(points)  # type: ignore[arg-type]


@pytest.fixture
def unread() -> Unread:
    return Unread(lambda _luma, _corners: None)


def show(unread: Unread, sightings: list[tuple[int, list[Corners]]]) -> None:
    for frame, corners in sightings:
        unread.see(Moment(frame, frame, frame * NS // 25), corners, PICTURE, looks_before=frame, noise=1.5)


def spans(unread: Unread) -> list[tuple[int, int, int]]:
    unread.end()
    return [(span.first.index, span.last.index, span.sightings) for span, _ in unread.missed]


def test_a_symbol_seen_from_look_to_look_is_one_span(unread: Unread) -> None:
    show(unread, [(frame, [moved(CORNERS, 5 * frame)]) for frame in range(10)])
    assert spans(unread) == [(0, 9, 10)]


def test_a_symbol_taken_for_one_in_a_frame_or_two_is_chance(unread: Unread) -> None:
    show(unread, [(frame, [CORNERS]) for frame in range(SIGHTINGS_MIN - 1)])
    assert spans(unread) == []


def test_a_symbol_that_comes_again_after_a_gap_is_another_span(unread: Unread) -> None:
    show(unread, [(frame, [CORNERS]) for frame in (0, 1, 2, 40, 41, 42)])
    assert spans(unread) == [(0, 2, 3), (40, 42, 3)]


def test_two_hands_are_two_spans(unread: Unread) -> None:
    far = moved(CORNERS, 400)
    show(unread, [(frame, [CORNERS, far]) for frame in range(4)])
    assert spans(unread) == [(0, 3, 4), (0, 3, 4)]


def test_a_part_that_is_taken_for_the_whole_is_the_same_symbol(unread: Unread) -> None:
    show(unread, [(frame, [moved(CORNERS, 3, scale=0.5), CORNERS]) for frame in range(4)])
    assert spans(unread) == [(0, 3, 4)]
    assert {diagnosis.measures.module_px for _, diagnosis in unread.missed} == {5.0}


def test_a_symbol_that_is_read_after_all_is_no_miss(unread: Unread) -> None:
    show(unread, [(frame, [CORNERS]) for frame in range(5)])
    claimed = unread.claim(moved(CORNERS, 20))
    assert claimed is not None
    assert (claimed.first.index, claimed.looks_before, spans(unread)) == (0, 0, [])


def test_a_code_read_elsewhere_claims_nothing(unread: Unread) -> None:
    show(unread, [(frame, [CORNERS]) for frame in range(5)])
    assert (unread.claim(moved(CORNERS, 400)), spans(unread)) == (None, [(0, 4, 5)])


def test_however_long_a_span_is_its_diagnosis_has_a_bound(unread: Unread) -> None:
    show(unread, [(frame, [CORNERS]) for frame in range(DIAGNOSED_MAX + 20)])
    assert spans(unread) == [(0, DIAGNOSED_MAX + 19, DIAGNOSED_MAX + 20)]
    (span, _), *_ = unread.missed
    assert len(span.diagnoses) == DIAGNOSED_MAX


def test_the_way_of_a_symbol_is_told_by_a_frame_and_a_jumping_outline_is_no_way(unread: Unread) -> None:
    show(unread, [(frame, [moved(CORNERS, 8 * frame)]) for frame in range(0, 10, 2)])
    ((span, _),) = [(unread.claim(moved(CORNERS, 64)), None)]
    assert span is not None
    assert span.way_px(Moment(10, 10, 0), moved(CORNERS, 80)) == 8
    assert span.way_px(Moment(11, 11, 0), moved(CORNERS, 300, scale=0.5)) == 0
