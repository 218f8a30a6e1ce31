from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.admission.certlogic import EvaluationError, ExpressionError, compile_expression
from device.admission.certlogic.expression import DEPTH_MAX, NODES_MAX
from device.admission.certlogic.operations import OPERATIONS, TEXT_MAX
from device.admission.certlogic.values import INTEGER_MAX, STEPS_MAX

SEEDED = settings(derandomize=True, database=None, deadline=None, max_examples=400)


def value(expression: Any, data: Any = None) -> Any:
    return compile_expression(expression)(data)


def refusal(expression: Any) -> str:
    with pytest.raises(ExpressionError) as caught:
        compile_expression(expression)
    return caught.value.what


@pytest.mark.parametrize(
    ("expression", "what"),
    [
        (None, "the expression: null is no expression"),
        (3.5, "the expression: a fraction is no expression"),
        ([1, 2.0], "[1]: a fraction is no expression"),
        ({}, "the expression: an operation has one key, this has 0"),
        ({"and": [1, {"a": 1, "b": 2}]}, ".and[1]: an operation has one key, this has 2"),
        ({"xor": [1, 2]}, ".xor: no such operation"),
        ({1: [1, 2]}, ".1: no such operation"),
        ({"and": "foo"}, ".and: its operands are a list"),
        ({"x" * 50: []}, f".{'x' * 40}: no such operation"),
        ({None: []}, ".None: no such operation"),
        ("x" * (TEXT_MAX + 1), f"the expression: a text longer than {TEXT_MAX} characters"),
        ([INTEGER_MAX + 1], f"[0]: a number beyond {INTEGER_MAX}"),
        ([-INTEGER_MAX - 1], f"[0]: a number beyond {INTEGER_MAX}"),
        (b"x", "the expression: a value of another kind is no expression"),
        ({"reduce": [[], {"reduce": [[], 1]}, 1]}, ".reduce[1].reduce: 3 to 3 operands are expected, here are 2"),
    ],
)
def test_what_is_no_expression_is_refused_with_its_place(expression: Any, what: str) -> None:
    assert refusal(expression) == what


def deep(levels: int) -> Any:
    expression: Any = True
    for _ in range(levels):
        expression = {"!": [expression]}
    return expression


def test_an_expression_is_as_deep_and_large_as_the_bounds_and_no_more() -> None:
    assert (DEPTH_MAX, NODES_MAX) == (64, 2_000)
    lists: Any = []
    for _ in range(DEPTH_MAX):
        lists = [lists]
    assert value({"!": lists}) is False
    assert refusal([lists]) == "[0]" * (DEPTH_MAX + 1) + ": deeper or larger than any rule"
    assert value(deep(DEPTH_MAX)) is True
    assert refusal(deep(DEPTH_MAX + 1)) == "" + ".![0]" * (DEPTH_MAX + 1) + ": deeper or larger than any rule"
    assert len(value([0] * (NODES_MAX - 1))) == NODES_MAX - 1
    assert refusal([0] * NODES_MAX) == f"[{NODES_MAX - 1}]: deeper or larger than any rule"
    assert value([{"var": "a.b.c"}, *[0] * (NODES_MAX - 4)])[0] is None
    assert refusal([{"var": "a.b.c"}, *[0] * (NODES_MAX - 3)]) == f"[{NODES_MAX - 3}]: deeper or larger than any rule"
    assert [len(value("x" * TEXT_MAX)), value([INTEGER_MAX, -INTEGER_MAX])] == [
        TEXT_MAX,
        [2**53 - 1, 1 - 2**53],
    ]


def test_what_is_repeated_costs_as_much_as_it_is_large() -> None:
    seven = {"reduce": [{"var": ""}, [1, [2, 3], {"!": [{"var": "current"}]}], [0] * 9]}  # nodes of the part that is repeated
    compiled, most = compile_expression(seven), STEPS_MAX // 7
    assert compiled([0] * most) == compiled([0] * most) == [1, [2, 3], True]  # each evaluation has its own budget
    with pytest.raises(EvaluationError) as caught:
        compiled([0] * (most + 1))
    assert caught.value.what == "more steps than any rule needs"


def test_a_list_without_operations_is_the_same_whatever_the_data() -> None:
    compiled = compile_expression(["a", 1, True])
    assert compiled({}) is compiled({"x": 1})


TEXTS = st.sampled_from(["", "a", "2021-06-01", "1990", "URN:UVCI:01:NL:1/2#3", "payload.v.0.dt", "x"]) | st.text(max_size=4)
PATHS = st.sampled_from(["", "x", "x.0", "x.y", "current", "accumulator", "data.x"])
SIMPLE = st.booleans() | st.integers(-3, 3) | TEXTS


def operation(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Sound operations on ``inner``."""
    several = {"and": 3, **dict.fromkeys(("if", "reduce"), 3), **dict.fromkeys(("===", "in", "+", ">", "<=", "after", "not-before"), 2), "!": 1}
    return st.one_of(
        *(st.fixed_dictionaries({name: st.tuples(*[inner] * count).map(list)}) for name, count in several.items()),
        st.tuples(inner, st.integers(-30, 30), st.sampled_from(["year", "month", "day", "hour"])).map(lambda operands: {"plusTime": list(operands)}),
        st.tuples(inner, st.integers(-1, 5)).map(lambda operands: {"extractFromUVCI": list(operands)}),
        inner.map(lambda operand: {"dccDateOfBirth": [operand]}),
        st.lists(inner, max_size=3),
    )


SOUND = st.recursive(SIMPLE | PATHS.map(lambda path: {"var": path}), operation, max_leaves=25)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8) | st.sampled_from(["day", "2021-06-01", "a.b"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=4), inner, max_size=3)
        | st.tuples(st.sampled_from([*OPERATIONS, "var"]), st.lists(inner, max_size=3)).map(lambda pair: {pair[0]: pair[1]})
    ),
    max_leaves=20,
)


@SEEDED
@given(JSON, JSON)
def test_anything_is_refused_with_a_typed_error_or_has_a_value(expression: Any, data: Any) -> None:
    with suppress(ExpressionError, EvaluationError):
        compile_expression(expression)(data)


@SEEDED
@given(SOUND, JSON)
def test_a_sound_expression_has_the_same_value_each_time_or_the_same_typed_error(expression: Any, data: Any) -> None:
    compiled = compile_expression(expression)
    answers = []
    for _ in range(2):
        try:
            answers.append(repr(compiled({"x": data})))
        except EvaluationError as error:
            answers.append(error.what)
    assert answers[0] == answers[1]
