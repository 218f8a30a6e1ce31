from __future__ import annotations

import random

from tests.fuzz import seeds
from tests.fuzz.mutation import CHANGES, SIZE_MAX, Mutator

CARDS = seeds.BY_FORMAT["cccd"]


def _payloads(seed: int, count: int) -> list[bytes]:
    mutator = Mutator(random.Random(seed), CARDS)
    return [mutator.payload() for _ in range(count)]


def test_the_same_seed_gives_the_same_payloads() -> None:
    assert _payloads(1, 500) == _payloads(1, 500) != _payloads(2, 500)


def test_payloads_are_of_many_sizes_and_none_is_over_the_bound() -> None:
    sizes = [len(payload) for payload in _payloads(1, 5000)]
    assert min(sizes) == 0
    assert max(sizes) == SIZE_MAX
    assert 100 < sum(size > 1000 for size in sizes) < 1000


def test_hardly_a_payload_comes_twice() -> None:
    payloads = _payloads(1, 5000)
    assert len(set(payloads)) > 4500


def test_every_change_takes_any_payload_and_does_something() -> None:
    source = random.Random(1)
    mutator = Mutator(source, CARDS)
    idle = {change.__name__: {change(source, payload, mutator) for _ in range(50)} for payload in (b"", b"a", *CARDS) for change in CHANGES}
    assert [name for name, results in idle.items() if len(results) < 2] == []


def test_rare_answers_are_changed_again() -> None:
    mutator = Mutator(random.Random(1), [b"seed"])
    for number in range(100):
        mutator.keep(b"rare%d" % number, "rare")
    assert {mutator.good()[:4] for _ in range(100)} == {b"seed", b"rare"}


def test_payloads_in_the_formats_own_way_are_among_them() -> None:
    mutator = Mutator(random.Random(1), [b"seed"], lambda source: b"written" + source.randbytes(4))
    payloads = [mutator.payload() for _ in range(1000)]
    assert 100 < sum(payload.startswith(b"written") for payload in payloads) < 600
