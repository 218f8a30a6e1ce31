from __future__ import annotations

import numpy as np

from tests.bench.approach import SIGMAS, approach
from tests.bench.peers import zxing_defaults
from tests.bench.reader import WHOLE, ZBAR_ONLY, Reader
from tests.bench.seeds import TUNING
from tests.bench.side_by_side import run
from tests.device.reader.pictures import VIETNAMESE, code, scene


def test_a_step_tells_what_was_read_in_this_frame_and_what_it_cost() -> None:
    for decoders in (WHOLE, ZBAR_ONLY):
        with Reader(decoders) as reader:
            shown, gone = reader.step(scene(code(VIETNAMESE))), reader.step(scene())
        assert [shown.payloads, gone.payloads] == [frozenset({VIETNAMESE}), frozenset()]
        assert shown.cpu_ns > 0


def test_a_frame_that_was_passed_over_reads_nothing() -> None:
    picture = scene(code(VIETNAMESE))
    with Reader() as reader:
        read = [bool(reader.step(picture).payloads) for _ in range(40)]
    assert read[0]
    assert not all(read)


def test_a_sequence_is_shown_to_all_and_what_nobody_showed_is_wrong() -> None:
    sequence = approach(TUNING, 0)
    assert sequence.sigma == SIGMAS[0]
    result = run(sequence.frames(), {"zxing": zxing_defaults, "liar": lambda _: frozenset({b"never shown"})})
    busy = sum(shown.code is not None for shown in sequence.frames())
    assert result.wrong == {"reader": 0, "zxing": 0, "liar": busy}
    assert (len(result.read["liar"]), bool(result.read["reader"]), bool(result.read["zxing"])) == (0, True, True)
    assert np.isinf(result.first("liar"))
