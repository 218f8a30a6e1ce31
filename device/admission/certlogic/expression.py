"""From an expression as JSON to a function of the data; what is no expression is refused with the place where it breaks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from device.admission.certlogic.operations import LITERALS, OPERATIONS, TEXT_MAX, Part, reduce, variable
from device.admission.certlogic.values import INTEGER_MAX, STEPS_MAX, ExpressionError, Steps

Expression = Callable[[Any], Any]
"""Data in, value out. Raises EvaluationError."""

DEPTH_MAX = 64
NODES_MAX = 2_000
"""Of one expression; the largest of the EU's rules has 44."""
NO_LITERALS = {float: "a fraction", type(None): "null"}


def compile_expression(expression: Any) -> Expression:
    """Raises ExpressionError: it is none, or larger than the bounds."""
    part = _Compiler().compile(expression, "", 0)
    return lambda data: part(data, Steps(STEPS_MAX))


class _Compiler:
    def __init__(self) -> None:
        self._nodes = 0

    def compile(self, expression: Any, path: str, depth: int) -> Part:
        self._nodes += 1
        if depth > DEPTH_MAX or self._nodes > NODES_MAX:
            raise ExpressionError(f"{path or 'the expression'}: deeper or larger than any rule")
        if isinstance(expression, list):
            return self._list(expression, path, depth)
        if isinstance(expression, dict):
            return self._operation(expression, path, depth)
        _check_literal(expression, path or "the expression")
        return lambda _data, _steps: expression

    def _list(self, expression: list[Any], path: str, depth: int) -> Part:
        items = [self.compile(each, f"{path}[{number}]", depth + 1) for number, each in enumerate(expression)]
        if not any(isinstance(each, list | dict) for each in expression):
            return lambda _data, _steps: expression  # the usual second operand of ``in``: the same whatever the data
        return lambda data, steps: [item(data, steps) for item in items]

    def _operation(self, expression: dict[Any, Any], path: str, depth: int) -> Part:
        if len(expression) != 1:
            raise ExpressionError(f"{path or 'the expression'}: an operation has one key, this has {len(expression)}")
        ((name, operands),) = expression.items()
        here = f"{path}.{str(name)[:40]}"
        if name == "var":
            self._nodes += str(operands).count(".")  # each name of a path costs as much as a node
            return variable(operands, here)
        if not isinstance(operands, list):
            raise ExpressionError(f"{here}: its operands are a list")
        if not (isinstance(name, str) and name in OPERATIONS):
            raise ExpressionError(f"{here}: no such operation")
        counts, make = OPERATIONS[name]
        if len(operands) not in counts:
            raise ExpressionError(f"{here}: {counts.start} to {counts.stop - 1} operands are expected, here are {len(operands)}")
        if check := LITERALS.get(name):
            check(operands, here)
        parts, nodes = [], []
        for number, each in enumerate(operands):
            before = self._nodes
            parts.append(self.compile(each, f"{here}[{number}]", depth + 1))
            nodes.append(self._nodes - before)
        if name == "reduce":
            make = partial(reduce, nodes=nodes[1])
        return make(parts)


def _check_literal(value: Any, here: str) -> None:
    """A text, a whole number, true or false: nothing else stands for itself."""
    if isinstance(value, str):
        if len(value) > TEXT_MAX:
            raise ExpressionError(f"{here}: a text longer than {TEXT_MAX} characters")
    elif type(value) is int:
        if abs(value) > INTEGER_MAX:
            raise ExpressionError(f"{here}: a number beyond {INTEGER_MAX}")
    elif not isinstance(value, bool):
        raise ExpressionError(f"{here}: {NO_LITERALS.get(type(value), 'a value of another kind')} is no expression")
