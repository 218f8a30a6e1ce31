"""CertLogic 1.3.2: the EU's language for rules of health certificates, a small subset of JsonLogic with dates.

An expression is compiled once, when a bundle is read: whatever is not CertLogic is refused there, with the place. What is
left can still meet values it cannot work with, or cost too much; then it raises ``EvaluationError``, and the rule does not
hold. Nothing else ever comes out, and never late: depth, size and steps have bounds.

Source: eu-dcc-business-rules at 488f61c, certlogic/specification (README 1.3.2 and test suites). Where it leaves a question
open, or its implementations differ, this one is on the side that opens no gate:

* ``===`` "works reliable on strings and integers, but not on other types": two lists, two objects or two moments are an
  error, since JavaScript tells them apart and Kotlin compares them.
* Whole numbers are JavaScript's safe ones (up to 2^53 - 1); ``true`` is none, nor is 1.0.
* ``and`` checks its last operand too: "all operands must evaluate to either a truthy or falsy value".
* ``in`` and ``null``: the README calls a second operand that is no list an error, the suite (in assertions that its own
  runners skip) wants false for ``null``. It is false here; that a value set is there at all is checked when rules are read.
* ``reduce`` knows the outer data as ``data``: the README keeps that for later, the suite (skipped as well) asks for it.
* A day that never was (30 February) is an error, where JavaScript goes on counting. A text has no members.

Beside certlogic-js 1.2.2, on 190,000 expressions and 60,000 dates made up at random: the same values, errors and refusals but
for these points, and an offset of time that ends in a colon, which JavaScript takes.
"""

from __future__ import annotations

from device.admission.certlogic.expression import Expression, compile_expression
from device.admission.certlogic.values import EvaluationError, ExpressionError, is_truthy

__all__ = ["EvaluationError", "Expression", "ExpressionError", "compile_expression", "is_truthy"]
