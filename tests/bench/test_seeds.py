from __future__ import annotations

from tests.bench.seeds import APPROACH, DUSK, SCORING, TUNING, stream


def test_every_stream_is_another_and_the_same_again() -> None:
    def first(*names: int) -> int:
        base, kind, *numbers = names
        return int(stream(base, kind, *numbers).integers(1 << 62))

    names = [(base, kind, number) for base in (TUNING, SCORING) for kind in (APPROACH, DUSK) for number in range(3)]
    assert len({first(*each) for each in names}) == len(names)
    assert [first(*each) for each in names] == [first(*each) for each in names]
