from __future__ import annotations

import pytest

from tests.bench.__main__ import judged
from tests.bench.figures import BOUNDS, Bound, added, ratio


def test_a_bound_holds_in_its_own_direction() -> None:
    assert [Bound(2, "").keeps(value) for value in (1.9, 2, 2.1)] == [True, True, False]
    assert [Bound(2, "", at_least=True).keeps(value) for value in (1.9, 2, 2.1)] == [False, True, True]
    assert (str(Bound(0.05, "")), str(Bound(2, "", at_least=True))) == ("≤ 0.05", "≥ 2")


def test_wrong_payloads_of_all_parts_are_added_up_and_nothing_else_is() -> None:
    one, other = {"wrong_payloads": (1.0, "payloads"), "a": (2.0, "ms")}, {"wrong_payloads": (3.0, "payloads"), "b": (4.0, "ms")}
    assert added(one, other) == {"wrong_payloads": (4.0, "payloads"), "a": (2.0, "ms"), "b": (4.0, "ms")}
    with pytest.raises(ValueError, match="measured twice: a"):
        added(one, {"a": (1.0, "ms")})


def test_a_broken_bound_in_either_direction_is_the_exit_code() -> None:
    assert judged({"wrong_payloads": (0, "payloads"), "low_light_gain": (2.5, "times")}) == 0
    assert judged({"wrong_payloads": (1, "payloads")}) == 1
    assert judged({"low_light_gain": (1.5, "times")}) == 1


def test_every_bound_has_words_for_the_readme() -> None:
    assert [name for name, bound in BOUNDS.items() if not bound.meaning or "|" in bound.meaning] == []


def test_a_peer_that_reads_nothing_at_all_counts_as_one() -> None:
    assert (ratio(6, 3), ratio(6, 0)) == (2, 6)
