from __future__ import annotations

from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import pytest

from device.admission.certlogic.values import (
    CODES_A_STEP,
    INTEGER_MAX,
    STEPS_MAX,
    EvaluationError,
    Steps,
    are_equal,
    integer,
    is_member,
    is_truthy,
    moment,
    sequence,
)

DAY = datetime(2021, 6, 1, tzinfo=UTC)


@pytest.mark.parametrize("value", [None, "", 0, [], (), {}, MappingProxyType({}), False])
def test_what_is_empty_is_false(value: Any) -> None:
    assert is_truthy(value) is False


@pytest.mark.parametrize("value", [True, "0", 1, -1, [None], (0,), {"": None}, MappingProxyType({"a": 0})])
def test_what_is_there_is_true(value: Any) -> None:
    assert is_truthy(value) is True


@pytest.mark.parametrize("value", [0.0, 1.5, DAY, b"x", {1}])
def test_what_the_specification_does_not_name_is_neither(value: Any) -> None:
    with pytest.raises(EvaluationError) as caught:
        is_truthy(value)
    assert caught.value.what == "a value is neither true nor false"


@pytest.mark.parametrize("value", [0, INTEGER_MAX, -INTEGER_MAX])
def test_whole_numbers_are_those_of_javascript(value: int) -> None:
    assert integer(value) == value


@pytest.mark.parametrize("value", [True, 1.0, "1", None, INTEGER_MAX + 1, -INTEGER_MAX - 1])
def test_nothing_else_is_a_whole_number(value: Any) -> None:
    with pytest.raises(EvaluationError) as caught:
        integer(value)
    assert caught.value.what == "a whole number was expected"


def test_the_bounds_are_javascripts_and_far_above_the_eus_rules() -> None:
    """Those take 21 steps at most."""
    assert (INTEGER_MAX, STEPS_MAX, CODES_A_STEP) == (9_007_199_254_740_991, 2_500, 16)


def test_a_moment_is_no_text() -> None:
    assert moment(DAY) is DAY
    with pytest.raises(EvaluationError) as caught:
        moment("2021-06-01")
    assert caught.value.what == "a moment was expected"


@pytest.mark.parametrize("value", [None, True, False, 0, 1, 1.5, "", "a"])
def test_a_simple_value_equals_itself_and_nothing_else(value: Any) -> None:
    values: tuple[Any, ...] = (None, True, False, 0, 1, 1.5, "", "a", [], {}, DAY)
    others = [each for each in values if each is not value]
    assert (are_equal(value, value), [are_equal(value, each) for each in others], [are_equal(each, value) for each in others]) == (
        True,
        [False] * 10,
        [False] * 10,
    )


@pytest.mark.parametrize("value", [[], (), {}, DAY])
def test_values_with_parts_are_not_compared(value: Any) -> None:
    others: list[Any] = [value, [], {}, DAY]
    for other in others:
        with pytest.raises(EvaluationError) as caught:
            are_equal(value, other)
        assert caught.value.what == "a text, a number, true, false or null was expected"


@pytest.mark.parametrize(
    ("value", "values", "expected", "cost"),
    [
        ("b", ["a", "b"], True, 0),
        ("c", ("a", "b"), False, 0),
        ("b", ["a"] * 15, False, 0),
        ("b", ["a"] * 16, False, 1),
        ("b", ["a"] * 32, False, 2),
        (1, [True, 1.0, "1"], False, 3),
        (1, [2, 1], True, 2),
        (None, [None], True, 1),
        (None, [], False, 0),
        ([], [0, "a"], False, 2),
        ("a", None, False, 0),
    ],
)
def test_a_value_is_in_a_list_at_a_price(value: Any, values: Any, expected: bool, cost: int) -> None:
    steps = Steps(10)
    assert (is_member(value, values, steps), steps) == (expected, Steps(10 - cost))


def test_nothing_is_in_what_is_no_list() -> None:
    for wrong in ("text", {"a": 1}, 5):
        with pytest.raises(EvaluationError) as caught:
            is_member("a", wrong, Steps(10))
        assert caught.value.what == "a list was expected"
    assert [sequence([1]), sequence((1,))] == [[1], (1,)]


def test_the_last_step_may_be_taken_and_the_next_may_not() -> None:
    steps = Steps(3)
    steps.take(3)
    with pytest.raises(EvaluationError) as caught:
        steps.take(1)
    assert caught.value.what == "more steps than any rule needs"
