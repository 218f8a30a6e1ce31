"""What counts as true, as false, as equal; and what an evaluation may cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from device.errors import VerificationError

INTEGER_MAX = 2**53 - 1
"""The largest that JavaScript's numbers hold exactly; the specification's integers are a subset of them."""
STEPS_MAX = 2_500
"""Of one evaluation. The costliest of the EU's rules takes 21; of the costliest kind that was tried, 2,500 take 4.5 ms."""
CODES_A_STEP = 16
"""Texts that are compared in the time of one other step."""


class ExpressionError(VerificationError):
    """A text is no CertLogic expression."""


class EvaluationError(VerificationError):
    """A sound expression met a value that it cannot work with, or more of them than any certificate has."""


@dataclass(slots=True)
class Steps:
    """What is left of an evaluation's budget. Only what is repeated is charged: the rest is bounded by the expression's size."""

    left: int

    def take(self, steps: int) -> None:
        """Raises EvaluationError where that is more than what is left."""
        self.left -= steps
        if self.left < 0:
            raise EvaluationError("more steps than any rule needs")


def is_truthy(value: Any) -> bool:
    """Is ``value`` true? ``null``, "", 0, [] and {} are false.

    Raises:
        EvaluationError: it is neither, such as a date or a fraction.
    """
    if value is None or isinstance(value, bool | int | str | list | tuple | Mapping):
        return bool(value)
    raise EvaluationError("a value is neither true nor false")


def integer(value: Any) -> int:
    """Raises EvaluationError for anything but a whole number up to ``INTEGER_MAX``; true is none."""
    if type(value) is int and -INTEGER_MAX <= value <= INTEGER_MAX:
        return value
    raise EvaluationError("a whole number was expected")


def moment(value: Any) -> datetime:
    """Raises EvaluationError for anything but a moment, which only ``plusTime`` and ``dccDateOfBirth`` make."""
    if isinstance(value, datetime):
        return value
    raise EvaluationError("a moment was expected")


def are_equal(left: Any, right: Any) -> bool:
    """Equal without any conversion: 1 is not true, nor "1".

    Raises:
        EvaluationError: neither is a simple value. Two lists that share their parts could also take for ever to compare.
    """
    if not (_is_simple(left) or _is_simple(right)):
        raise EvaluationError("a text, a number, true, false or null was expected")
    return type(left) is type(right) and bool(left == right)


def _is_simple(value: Any) -> bool:
    return value is None or isinstance(value, bool | int | float | str)


def is_member(value: Any, values: Any, steps: Steps) -> bool:
    """Is ``value`` in the list ``values``? In nothing (``null``) there is nothing."""
    if values is None:
        return False
    items = sequence(values)
    if isinstance(value, str):
        steps.take(len(items) // CODES_A_STEP)
        return value in items  # the same answer as below, and value sets are long
    steps.take(len(items))
    return any(are_equal(value, each) for each in items)


def sequence(value: Any) -> list[Any] | tuple[Any, ...]:
    """Raises EvaluationError for anything but a list."""
    if isinstance(value, list | tuple):
        return value
    raise EvaluationError("a list was expected")
