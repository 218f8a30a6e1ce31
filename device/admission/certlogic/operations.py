"""What each operation of an expression does, once its operands are compiled: one maker an operation, and the table of them."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

from device.admission.certlogic.moments import UNITS, date_of_birth, plus, read_moment
from device.admission.certlogic.values import (
    EvaluationError,
    ExpressionError,
    Steps,
    are_equal,
    integer,
    is_member,
    is_truthy,
    moment,
    sequence,
)

Part = Callable[[Any, Steps], Any]
"""One node of an expression: data and what is left of the budget in, value out. Raises EvaluationError."""

TEXT_MAX = 256
"""Characters of a text in an expression; a certificate's own texts have 80."""
VARIADIC = 64

PATH = re.compile(r"(?:[^.]+(?:\.[^.]+)*)?")
INDEX = re.compile(r"[0-9]{1,6}")
UVCI_PREFIX = "URN:UVCI:"
UVCI_SEPARATORS = re.compile(r"[/#:]")


def variable(path: Any, here: str) -> Part:
    if not isinstance(path, str):
        raise ExpressionError(f"{here}: a path is a text")
    if len(path) > TEXT_MAX or not PATH.fullmatch(path):
        raise ExpressionError(f"{here}: {path[:40]!r} is no path")
    names = [(name, int(name) if INDEX.fullmatch(name) else None) for name in path.split(".")] if path else []

    def read(data: Any, _steps: Steps) -> Any:
        for name, index in names:
            if data is None:
                return None
            data = _member(data, name, index)
        return data

    return read


def _member(value: Any, name: str, index: int | None) -> Any:
    """Whatever is not there is ``null``."""
    if isinstance(value, Mapping):
        return value.get(name)
    if isinstance(value, list | tuple) and index is not None and index < len(value):
        return value[index]
    return None


def _if(parts: list[Part]) -> Part:
    guard, then, otherwise = parts
    return lambda data, steps: then(data, steps) if is_truthy(guard(data, steps)) else otherwise(data, steps)


def _and(parts: list[Part]) -> Part:
    def all_of(data: Any, steps: Steps) -> Any:
        value: Any = None
        for part in parts:
            value = part(data, steps)
            if not is_truthy(value):
                return value
        return value

    return all_of


def _not(parts: list[Part]) -> Part:
    (part,) = parts
    return lambda data, steps: not is_truthy(part(data, steps))


def _equal(parts: list[Part]) -> Part:
    left, right = parts
    return lambda data, steps: are_equal(left(data, steps), right(data, steps))


def _in(parts: list[Part]) -> Part:
    member, members = parts
    return lambda data, steps: is_member(member(data, steps), members(data, steps), steps)


def _plus(parts: list[Part]) -> Part:
    left, right = parts
    return lambda data, steps: integer(integer(left(data, steps)) + integer(right(data, steps)))


def _comparison(holds: Callable[[Any, Any], bool], kind: Callable[[Any], Any]) -> Callable[[list[Part]], Part]:
    """Of two operands, or of three: then the second lies between the others."""

    def make(parts: list[Part]) -> Part:
        def compare(data: Any, steps: Steps) -> bool:
            values = [kind(part(data, steps)) for part in parts]
            return all(holds(left, right) for left, right in pairwise(values))

        return compare

    return make


def _plus_time(parts: list[Part]) -> Part:
    text, amount, unit = parts
    return lambda data, steps: plus(read_moment(text(data, steps)), amount(data, steps), unit(data, steps))


def _date_of_birth(parts: list[Part]) -> Part:
    (text,) = parts
    return lambda data, steps: date_of_birth(text(data, steps))


def reduce(parts: list[Part], nodes: int = 1) -> Part:
    """``nodes`` is how large the second operand is, which is evaluated for each item."""
    items, step, initial = parts

    def fold(data: Any, steps: Steps) -> Any:
        values = items(data, steps)
        total = initial(data, steps)
        for value in () if values is None else sequence(values):
            steps.take(nodes)
            total = step({"accumulator": total, "current": value, "data": data}, steps)
        return total

    return fold


def _from_uvci(parts: list[Part]) -> Part:
    text, index = parts

    def extract(data: Any, steps: Steps) -> str | None:
        uvci, number = text(data, steps), index(data, steps)
        if uvci is None:
            return None
        if not isinstance(uvci, str):
            raise EvaluationError("a certificate's number was expected")
        fragments = UVCI_SEPARATORS.split(uvci.removeprefix(UVCI_PREFIX))
        return fragments[number] if 0 <= number < len(fragments) else None

    return extract


# --- operands that must be written out -------------------------------------------------------------------------


def _check_plus_time(operands: list[Any], here: str) -> None:
    _, amount, unit = operands
    if type(amount) is not int:
        raise ExpressionError(f"{here}: the amount is a whole number")
    if not (isinstance(unit, str) and unit in UNITS):
        raise ExpressionError(f"{here}: the unit is one of {', '.join(UNITS)}")


def _check_uvci(operands: list[Any], here: str) -> None:
    if type(operands[1]) is not int:
        raise ExpressionError(f"{here}: the index is a whole number")


ONE, TWO, THREE = range(1, 2), range(2, 3), range(3, 4)
COMPARED = range(2, 4)
OPERATIONS: dict[str, tuple[range, Callable[[list[Part]], Part]]] = {
    "if": (THREE, _if),
    "and": (range(2, VARIADIC + 1), _and),
    "!": (ONE, _not),
    "===": (TWO, _equal),
    "in": (TWO, _in),
    "+": (TWO, _plus),
    ">": (COMPARED, _comparison(operator.gt, integer)),
    "<": (COMPARED, _comparison(operator.lt, integer)),
    ">=": (COMPARED, _comparison(operator.ge, integer)),
    "<=": (COMPARED, _comparison(operator.le, integer)),
    "after": (COMPARED, _comparison(operator.gt, moment)),
    "before": (COMPARED, _comparison(operator.lt, moment)),
    "not-after": (COMPARED, _comparison(operator.le, moment)),
    "not-before": (COMPARED, _comparison(operator.ge, moment)),
    "plusTime": (THREE, _plus_time),
    "reduce": (THREE, reduce),
    "extractFromUVCI": (TWO, _from_uvci),
    "dccDateOfBirth": (ONE, _date_of_birth),
}
LITERALS: dict[str, Callable[[list[Any], str], None]] = {"plusTime": _check_plus_time, "extractFromUVCI": _check_uvci}
