from __future__ import annotations

from itertools import islice

import pytest

from tests.bench.approach import SEQUENCES, SIGMAS, approach
from tests.bench.peers import zxing_defaults
from tests.bench.seeds import SCORING, TUNING

LOW_NOISE = [number for number in range(12) if SIGMAS[number % len(SIGMAS)] <= 3]


def test_a_sequence_is_the_same_again_and_no_two_frames_are_equal() -> None:
    once, again = list(approach(TUNING, 3).frames()), list(approach(TUNING, 3).frames())
    assert [(shown.luma.tobytes(), shown.code, shown.whole) for shown in once] == [(shown.luma.tobytes(), shown.code, shown.whole) for shown in again]
    assert len({shown.luma.tobytes() for shown in once}) == len(once)


def test_a_sequence_begins_empty_then_shows_one_code() -> None:
    sequence = approach(TUNING, 5)
    codes = [shown.code for shown in sequence.frames()]
    assert codes == [None] * sequence.empty_frames + [sequence.payload] * (len(codes) - sequence.empty_frames)


def test_most_codes_at_rest_are_read_by_zxing_where_noise_is_low() -> None:
    """Most and not all: motion, tilt and defocus are there, too, and some are meant to be too hard."""
    read = []
    for number in LOW_NOISE:
        sequence = approach(TUNING, number)
        at_rest = sequence.empty_frames + sequence.hand.coming_frames
        frames = islice(sequence.frames(), at_rest, at_rest + sequence.hand.holding_frames)
        read.append(any(sequence.payload in zxing_defaults(shown.luma) for shown in frames))
    assert sum(read) >= len(read) - 1


@pytest.mark.parametrize("number", [0, 7])
def test_what_zxing_reads_is_what_is_held_up(number: int) -> None:
    sequence = approach(TUNING, number)
    assert set().union(*(zxing_defaults(shown.luma) for shown in sequence.frames())) <= {sequence.payload}


def test_all_sequences_have_codes_of_their_own_tuning_and_scoring_apart() -> None:
    payloads = {approach(base, number).payload for base in (TUNING, SCORING) for number in range(SEQUENCES)}
    assert len(payloads) == 2 * SEQUENCES
    assert {payload[:3] for payload in payloads} == {b"999"}


def test_every_noise_is_shown_as_often() -> None:
    sigmas = [approach(SCORING, number).sigma for number in range(SEQUENCES)]
    assert {sigma: sigmas.count(sigma) for sigma in SIGMAS} == dict.fromkeys(SIGMAS, SEQUENCES // len(SIGMAS))
