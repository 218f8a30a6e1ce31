from __future__ import annotations

from types import MappingProxyType
from typing import Any

import pytest

from device.admission.certlogic import EvaluationError, ExpressionError, compile_expression
from device.admission.certlogic.operations import TEXT_MAX, VARIADIC
from device.admission.certlogic.values import INTEGER_MAX, STEPS_MAX

DAY = {"plusTime": ["2021-06-01", 0, "day"]}
NEXT = {"plusTime": ["2021-06-01", 1, "day"]}


def value(expression: Any, data: Any = None) -> Any:
    return compile_expression(expression)(data)


def fault(expression: Any, data: Any = None) -> str:
    with pytest.raises(EvaluationError) as caught:
        value(expression, data)
    return caught.value.what


@pytest.mark.parametrize(
    ("expression", "data", "expected"),
    [
        ({"var": "a.1.b"}, {"a": [0, {"b": "x"}]}, "x"),
        ({"var": "a.2"}, {"a": [0, 1]}, None),
        ({"var": "a.b"}, {"a": [0, 1]}, None),
        ({"var": "a.1"}, {"a": (0, 1)}, 1),
        ({"var": "a.1"}, {"a": {"1": "x"}}, "x"),
        ({"var": "a.b.c"}, {"a": None}, None),
        ({"var": "0"}, "text", None),
        ({"var": "99999"}, [0], None),
        ({"var": "000001"}, [0, 1], 1),
        ({"var": "0000001"}, [0, 1], None),
        ({"var": "-1"}, [0, 1], None),
        ({"var": "1"}, [0], None),
        ({"var": "é.a b-c"}, {"é": {"a b-c": 4}}, 4),
        ({"var": "a.1"}, MappingProxyType({"a": (0, 1)}), 1),
        ({"var": ""}, 5, 5),
        ([1, {"var": "x"}], {"x": 2}, [1, 2]),
        ({"if": [{"var": "x"}, "then", "else"]}, {"x": 0}, "else"),
        ({"if": [{"var": "x"}, "then", {"in": [1, 2]}]}, {"x": ("code",)}, "then"),
        ({"and": [1, "a", [0]]}, None, [0]),
        ({"and": [1, 0, {"in": [1, 2]}]}, None, 0),
        ({"!": [{"var": "x"}]}, {}, True),
        ({"!": [1]}, None, False),
        ({"===": [1, True]}, None, False),
        ({"===": [0, False]}, None, False),
        ({"===": [[1], 1]}, None, False),
        ({"===": ["a", {"var": ""}]}, {}, False),
        ({"===": [{"var": "x"}, {"var": "y"}]}, {}, True),
        ({"in": [1, [True]]}, None, False),
        ({"in": [1, [True, 1]]}, None, True),
        ({"in": ["1", [1, [], "2"]]}, None, False),
        ({"in": ["b", ["a", "b"]]}, None, True),
        ({"in": ["b", {"var": "nothing"}]}, {}, False),
        ({"in": ["b", {"var": "x"}]}, {"x": ("a", "b")}, True),
        ({"+": [2, 3]}, None, 5),
        ({"+": [INTEGER_MAX, 0]}, None, INTEGER_MAX),
        ({">": [2, 1]}, None, True),
        ({">": [1, 1]}, None, False),
        ({"<": [1, 1]}, None, False),
        ({"<": [1, 2, 3]}, None, True),
        ({"<": [1, 3, 2]}, None, False),
        ({"<": [2, 1, 3]}, None, False),
        ({">=": [1, 1]}, None, True),
        ({">=": [0, 1]}, None, False),
        ({"<=": [1, 1]}, None, True),
        ({"<=": [2, 1]}, None, False),
        ({"after": [NEXT, DAY]}, None, True),
        ({"after": [DAY, DAY]}, None, False),
        ({"before": [DAY, NEXT]}, None, True),
        ({"before": [DAY, DAY]}, None, False),
        ({"not-after": [DAY, DAY]}, None, True),
        ({"not-after": [NEXT, DAY]}, None, False),
        ({"not-before": [DAY, DAY]}, None, True),
        ({"not-before": [DAY, NEXT]}, None, False),
        ({"reduce": [{"var": "x"}, {"+": [{"var": "accumulator"}, {"var": "current"}]}, 10]}, {"x": [1, 2]}, 13),
        ({"reduce": [{"var": "x"}, {"var": "data.y"}, 10]}, {"x": [1], "y": 7}, 7),
        ({"reduce": [{"var": "nothing"}, 1, 10]}, {}, 10),
        ({"reduce": [[], 1, {"var": "x"}]}, {"x": 10}, 10),
        ({"reduce": [[1, 2], [{"var": "accumulator"}, {"var": "current"}], 0]}, None, [[0, 1], 2]),
        (
            {
                "reduce": [
                    [[1, 2], [3]],
                    {"reduce": [{"var": "current"}, {"+": [{"var": "accumulator"}, {"var": "current"}]}, {"var": "accumulator"}]},
                    0,
                ]
            },
            None,
            6,
        ),
        ({"extractFromUVCI": [{"var": "x"}, 1]}, {"x": "URN:UVCI:01:NL:187/3#7"}, "NL"),
        ({"extractFromUVCI": [{"var": "x"}, 0]}, {"x": "01:NL:187/3#7"}, "01"),
        ({"extractFromUVCI": [{"var": "x"}, 4]}, {"x": "URN:UVCI:01:NL:187/3#7"}, "7"),
        ({"extractFromUVCI": [{"var": "x"}, 5]}, {"x": "URN:UVCI:01:NL:187/3#7"}, None),
        ({"extractFromUVCI": [{"var": "x"}, -1]}, {"x": "a"}, None),
        ({"extractFromUVCI": [{"var": "x"}, 1]}, {"x": "XURN:UVCI:01"}, "UVCI"),
        ({"extractFromUVCI": [{"var": "x"}, 0]}, {"x": None}, None),
        ({"after": [{"dccDateOfBirth": ["1990"]}, {"plusTime": ["1990-12-30", 0, "day"]}]}, None, True),
    ],
)
def test_an_expression_has_its_value(expression: Any, data: Any, expected: Any) -> None:
    got = value(expression, data)
    assert (got, type(got)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("expression", "data", "what"),
    [
        ({"+": [1, True]}, None, "a whole number was expected"),
        ({"+": ["1", 1]}, None, "a whole number was expected"),
        ({"+": [INTEGER_MAX, 1]}, None, "a whole number was expected"),
        ({"===": [[], []]}, None, "a text, a number, true, false or null was expected"),
        ({"===": [{"var": "x"}, {"var": "x"}]}, {"x": {}}, "a text, a number, true, false or null was expected"),
        ({"===": [DAY, DAY]}, None, "a text, a number, true, false or null was expected"),
        ({"in": [[1], [1, [1]]]}, None, "a text, a number, true, false or null was expected"),
        ({"and": [True, DAY]}, None, "a value is neither true nor false"),
        ({"!": [{"var": "x"}]}, {"x": 1.5}, "a value is neither true nor false"),
        ({"<": [2, 1, {"var": "x"}]}, {}, "a whole number was expected"),
        ({">": [1, {"var": "x"}]}, {}, "a whole number was expected"),
        ({"after": [DAY, "2021-06-01"]}, None, "a moment was expected"),
        ({"if": [DAY, 1, 2]}, None, "a value is neither true nor false"),
        ({"!": [DAY]}, None, "a value is neither true nor false"),
        ({"in": [1, 2]}, None, "a list was expected"),
        ({"reduce": [1, 2, 3]}, None, "a list was expected"),
        ({"plusTime": [{"var": "x"}, 0, "day"]}, {}, "a date was expected"),
        ({"dccDateOfBirth": [{"var": "x"}]}, {}, "a birth date was expected"),
        ({"extractFromUVCI": [{"var": "x"}, 0]}, {"x": 5}, "a certificate's number was expected"),
    ],
)
def test_a_value_that_cannot_be_worked_with_is_a_typed_error(expression: Any, data: Any, what: str) -> None:
    assert fault(expression, data) == what


@pytest.mark.parametrize(
    ("expression", "most", "item"),
    [
        ({"reduce": [{"var": ""}, {"var": "current"}, 0]}, STEPS_MAX, 1),
        ({"reduce": [{"var": ""}, {"!": [{"var": "current"}]}, 0]}, STEPS_MAX // 2, 1),
        ({"reduce": [{"var": ""}, {"var": "data.0.x.y"}, 0]}, STEPS_MAX // 4, 1),
        ({"reduce": [{"var": ""}, {"reduce": [[1, 2], True, 0]}, 0]}, STEPS_MAX // (6 + 2), 1),
        ({"in": [0, {"var": ""}]}, STEPS_MAX, 1),
        ({"in": ["a", {"var": ""}]}, STEPS_MAX * 16 + 15, "b"),
    ],
)
def test_an_evaluation_takes_as_many_steps_as_the_bound_and_no_more(expression: Any, most: int, item: Any) -> None:
    compiled = compile_expression(expression)
    compiled([item] * most)
    compiled([item] * most)  # each evaluation has its own budget
    assert fault(expression, [item] * (most + 1)) == "more steps than any rule needs"


def test_lists_that_share_their_parts_cost_no_more_than_others() -> None:
    doubled = {"reduce": [{"var": ""}, [{"var": "accumulator"}, {"var": "accumulator"}], 0]}
    assert fault({"===": [doubled, doubled]}, [0] * 100) == "a text, a number, true, false or null was expected"
    assert fault({"in": [doubled, [doubled]]}, [0] * 100) == "a text, a number, true, false or null was expected"


def refusal(expression: Any) -> str:
    with pytest.raises(ExpressionError) as caught:
        compile_expression(expression)
    return caught.value.what


@pytest.mark.parametrize(
    ("expression", "what"),
    [
        ({"and": [1]}, ".and: 2 to 64 operands are expected, here are 1"),
        ({"!": [1, 2]}, ".!: 1 to 1 operands are expected, here are 2"),
        ({"if": [1, 2]}, ".if: 3 to 3 operands are expected, here are 2"),
        ({"<": [1]}, ".<: 2 to 3 operands are expected, here are 1"),
        ({"<": [1, 2, 3, 4]}, ".<: 2 to 3 operands are expected, here are 4"),
        ({"var": 0}, ".var: a path is a text"),
        ({"var": "a..b"}, ".var: 'a..b' is no path"),
        ({"var": "x."}, ".var: 'x.' is no path"),
        ({"var": ".x"}, ".var: '.x' is no path"),
        ({"var": "."}, ".var: '.' is no path"),
        ({"var": "x" * (TEXT_MAX + 1)}, f".var: '{'x' * 40}' is no path"),
        ({"===": [1, 2, 3]}, ".===: 2 to 2 operands are expected, here are 3"),
        ({"dccDateOfBirth": []}, ".dccDateOfBirth: 1 to 1 operands are expected, here are 0"),
        ({"plusTime": ["2021-01-01", True, "day"]}, ".plusTime: the amount is a whole number"),
        ({"plusTime": ["2021-01-01", 1, "week"]}, ".plusTime: the unit is one of year, month, day, hour"),
        ({"plusTime": ["2021-01-01", 1, ["day"]]}, ".plusTime: the unit is one of year, month, day, hour"),
        ({"extractFromUVCI": ["a", "0"]}, ".extractFromUVCI: the index is a whole number"),
        ({"extractFromUVCI": ["a", True]}, ".extractFromUVCI: the index is a whole number"),
        ({"plusTime": ["2021-01-01", {"var": "x"}, "day"]}, ".plusTime: the amount is a whole number"),
        ({"+": [1]}, ".+: 2 to 2 operands are expected, here are 1"),
        ({"in": [1, 2, 3]}, ".in: 2 to 2 operands are expected, here are 3"),
        ({"dccDateOfBirth": ["1990", 1]}, ".dccDateOfBirth: 1 to 1 operands are expected, here are 2"),
        ({"reduce": [[], 1]}, ".reduce: 3 to 3 operands are expected, here are 2"),
        ({"reduce": [[], 1, 2, 3]}, ".reduce: 3 to 3 operands are expected, here are 4"),
        ({"not-after": [DAY, DAY, DAY, DAY]}, ".not-after: 2 to 3 operands are expected, here are 4"),
        ({"plusTime": ["2021-01-01", 1, 5]}, ".plusTime: the unit is one of year, month, day, hour"),
        ({"and": [1] * (VARIADIC + 1)}, ".and: 2 to 64 operands are expected, here are 65"),
    ],
)
def test_an_operation_with_other_operands_is_refused(expression: Any, what: str) -> None:
    assert refusal(expression) == what


def test_an_operation_takes_as_much_as_the_bounds_allow() -> None:
    assert (TEXT_MAX, VARIADIC) == (256, 64)
    assert [value({"and": [1] * VARIADIC}), value({"var": "x" * TEXT_MAX}, {"x" * TEXT_MAX: 5})] == [1, 5]
