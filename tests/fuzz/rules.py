"""Rules of health certificates as a fuzz target: whatever JSON a bundle may carry, an answer or a typed refusal in time."""

from __future__ import annotations

import json
import random

from device.admission.certlogic import EvaluationError, ExpressionError, compile_expression
from device.admission.certlogic.operations import OPERATIONS
from tests.fuzz.trial import Target

SEEDS: tuple[object, ...] = (
    {"and": [{"var": "payload.v.0"}, {">=": [{"var": "payload.v.0.dn"}, {"var": "payload.v.0.sd"}]}, {"!": [{"var": "payload.v.1"}]}]},
    {"reduce": [[{"var": "payload.r"}, {"var": "payload.v"}], {"+": [{"var": "accumulator"}, {"if": [{"var": "current.0"}, 1, 0]}]}, 0]},
    {"before": [{"plusTime": [{"var": "external.validationClock"}, 0, "day"]}, {"plusTime": [{"var": "payload.v.0.dt"}, 12, "month"]}]},
    {"in": [{"var": "payload.v.0.mp"}, {"var": "external.valueSets.vaccines"}]},
    {"===": [{"extractFromUVCI": [{"var": "payload.v.0.ci"}, 1]}, "VN"]},
    {"after": [{"dccDateOfBirth": [{"var": "payload.dob"}]}, {"plusTime": [{"var": "external.validationClock"}, -18, "year"]}]},
)
"""One for each thing that a rule does."""

CERTIFICATE = {
    "payload": {
        "ver": "1.3.0",
        "dob": "1990-02",
        "v": [{"co": "VN", "mp": "EU/1/20/1528", "dn": 2, "sd": 2, "dt": "2021-05-01", "ci": "URN:UVCI:01:VN:1/2#3"}],
    },
    "external": {"validationClock": "2021-07-01T00:00:00.000Z", "valueSets": {"vaccines": ("EU/1/20/1528", "EU/1/20/1507")}},
}
OPERANDS_OF = {name: counts.start for name, (counts, _) in OPERATIONS.items()}
PATHS = ("", "payload.v", "payload.v.0.dn", "payload.dob", "current", "accumulator", "data.payload.v", "external.valueSets.vaccines")
LITERALS = (None, True, False, 0, 1, -1, 3, 2**53, 1.5, "", "a", "day", "month", "2021-02-28", "1990", "2021-06-01T23:59:59.9999+07:00")
LEAVES = (*LITERALS, *({"var": path} for path in PATHS))


def answer(text: bytes) -> object:
    """What a rule says of one certificate, and says again."""
    try:
        expression = json.loads(text)
    except (ValueError, RecursionError):
        raise ExpressionError("no JSON") from None
    logic = compile_expression(expression)
    first = repr(logic(CERTIFICATE))
    if repr(logic(CERTIFICATE)) != first:
        raise AssertionError("a rule that changes its mind")
    return first


def write(source: random.Random) -> bytes:
    """Operations upon operations, most of them with as many operands as they want."""
    return json.dumps(_expression(source, 6)).encode()


def _expression(source: random.Random, depth: int) -> object:
    if not depth or source.random() < 0.25:
        return source.choice(LEAVES)
    name = source.choice(tuple(OPERANDS_OF))
    if name == "plusTime":
        return {name: [_expression(source, depth - 1), int(source.random() * 800) - 400, source.choice(("year", "month", "day", "hour"))]}
    operands = [_expression(source, depth - 1) for _ in range(OPERANDS_OF[name] + (source.random() < 0.1))]
    return {name: operands} if source.random() < 0.9 else operands


RULES = Target("certlogic_text", answer, tuple(json.dumps(seed).encode() for seed in SEEDS), (str,), (ExpressionError, EvaluationError), write=write)
