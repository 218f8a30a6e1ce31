from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from device.clock import NS
from device.domain import Track, TrackState
from device.links import ReaderState
from device.reader.speaker import Speaker
from tests.device.reader.clocks import HandClock
from tests.device.reader.lines import Gate

OK = ReaderState("ok", 1, 0, 1, 0)
A = Track("0badcafe-1", TrackState.APPEARED, b"a", 0, 0, 0, 0, "zxing-half")
HERE = replace(A, state=TrackState.STILL)
LEFT = replace(A, state=TrackState.LEFT)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.leave()


@pytest.fixture
def speaker(gate: Gate, clock: HandClock) -> Iterator[Speaker]:
    speaker = Speaker(gate.connect, clock=clock)
    speaker.view(())
    gate.hear()
    yield speaker
    speaker.close()


def test_appearing_and_leaving_are_said_at_once_and_the_rest_twice_a_second(speaker: Speaker, gate: Gate, clock: HandClock) -> None:
    said = []
    for tracks in ((A,), (HERE,), (HERE,), (LEFT,), ()):
        speaker.view(tracks)
        clock.sleep(0.033)
        said.append(gate.hear())
    assert said == [["aA"], [], [], ["aL"], []]
    clock.sleep(0.5)
    speaker.view(())
    assert gate.hear() == [""]


def test_the_state_is_said_once_a_second_and_when_it_changes(speaker: Speaker, gate: Gate, clock: HandClock) -> None:
    said = []
    for state in (OK, OK, replace(OK, state="no_frames"), OK):
        speaker.state(state)
        said.append(gate.hear())
        clock.sleep(0.4)
    clock.sleep(0.6)
    speaker.state(OK)
    assert [*said, gate.hear()] == [["ok"], [], ["no_frames"], ["ok"], ["ok"]]


def test_how_the_reader_is_can_be_said_before_anything_was_seen(gate: Gate, clock: HandClock) -> None:
    speaker = Speaker(gate.connect, clock=clock)
    speaker.state(OK)
    assert (gate.hear(), speaker.told) == (["ok"], False)
    speaker.view(())
    assert (gate.hear(), speaker.told) == ([""], True)
    speaker.close()


def test_a_gate_that_comes_back_is_told_the_whole_view_first(speaker: Speaker, gate: Gate, clock: HandClock) -> None:
    speaker.view((A,))
    gate.leave()
    speaker.view((HERE,))
    speaker.state(OK)
    gate.there = True
    clock.sleep(0.5)
    speaker.view((HERE,))
    speaker.state(OK)
    assert gate.hear() == ["aS", "ok"]


def test_a_gate_that_is_away_is_tried_seldom_and_never_forgotten(gate: Gate, clock: HandClock) -> None:
    gate.there = False
    speaker = Speaker(gate.connect, clock=clock)
    for _ in range(1000):
        speaker.view((HERE,))
        clock.sleep(0.033)
    assert 33 <= gate.tries <= 70
    speaker.close()


def test_a_leaving_that_a_slow_gate_had_no_room_for_is_said_later(speaker: Speaker, gate: Gate, clock: HandClock) -> None:
    full = replace(HERE, payload=b"9" * 4000)
    while speaker.told:
        clock.sleep(0.5)
        speaker.view((full,) * 8)
    speaker.view((LEFT,))
    assert not speaker.told
    gate.hear()
    speaker.view(())
    assert (gate.hear(), speaker.told) == (["aL"], True)


def test_eight_of_the_largest_payloads_and_eight_that_left_fit_a_packet(speaker: Speaker, gate: Gate) -> None:
    largest = [replace(A, id=f"0badcafe-{number}", payload=bytes([65 + number]) * 4296) for number in range(16)]
    left = tuple(replace(track, state=TrackState.LEFT) for track in largest[8:])
    speaker.view(tuple(largest[:8]) + left)
    (said,) = gate.hear()
    assert [word[-1] for word in said.split()] == ["A"] * 8


def test_what_the_gate_says_on_this_line_is_not_listened_to(speaker: Speaker, gate: Gate, clock: HandClock) -> None:
    assert gate.link is not None
    gate.link.send(OK)
    speaker.view((A,))
    assert gate.hear() == ["aA"]
    assert clock() < 2_000 * NS
