"""The specification's own test suites, whole, and the tests of published rules."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from device.admission.certlogic import ExpressionError, compile_expression

RULES = Path(__file__).parents[5] / "shared/data/dcc/rules"
SPECIFICATION = RULES / "certlogic/certlogic/specification"

needs_data = pytest.mark.skipif(not SPECIFICATION.is_dir(), reason=f"no published test suites at {SPECIFICATION}")


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def assertions() -> Iterator[tuple[str, Any, Any, Any]]:
    """Every assertion of every file, also of those that the reference implementations skip: name, expression, data, expected."""
    for path in sorted((SPECIFICATION / "testSuite").glob("*.json")):
        for case in read(path)["cases"]:
            for each in case["assertions"]:
                expression = each.get("certLogicExpression", case.get("certLogicExpression"))
                yield f"{path.name}: {case['name']}", expression, each.get("data"), each["expected"]


@needs_data
def test_every_assertion_of_the_specification_holds() -> None:
    rows = list(assertions())
    answers = [(name, expression, data, compile_expression(expression)(data)) for name, expression, data, _ in rows]
    assert (answers, len(rows)) == (rows, 232)


@needs_data
def test_the_assertions_that_other_implementations_skip_are_known() -> None:
    """They are asked for above all the same; a suite that skips more would be another suite."""
    skipped = {}
    for path in sorted((SPECIFICATION / "testSuite").glob("*.json")):
        suite = read(path)
        assert "only" not in json.dumps([suite.get("directive"), *(case.get("directive") for case in suite["cases"])])
        marks = [(suite, case, each) for case in suite["cases"] for each in case["assertions"]]
        if count := sum(any(part.get("directive") == "skip" for part in mark) for mark in marks):
            skipped[path.name] = count
    assert skipped == {"ins-with-nulls.json": 4, "patched-reduce.json": 10}


@needs_data
def test_what_the_specification_calls_invalid_is_refused_and_nothing_else() -> None:
    judged = []
    for path in sorted((SPECIFICATION / "validation-testSuite").glob("*.json")):
        for case in read(path)["cases"]:
            try:
                compile_expression(case["certLogicExpression"])
                judged.append((case["certLogicExpression"], True, not case["issues"]))
            except ExpressionError:
                judged.append((case["certLogicExpression"], False, not case["issues"]))
    assert ([row for row in judged if row[1] is not row[2]], len(judged)) == ([], 23)


@needs_data
def test_every_test_of_every_published_rule_holds() -> None:
    rules = sorted((RULES / "eu-rules").glob("*/*/rule.json"))
    tests = 0
    for path in rules:
        logic = compile_expression(read(path)["Logic"])
        for test in map(read, sorted(path.parent.glob("tests/*.json"))):
            assert logic({"payload": test["payload"], "external": test["external"]}) is test["expected"], (path, test["name"])
            tests += 1
    assert (len(rules), tests) == (30, 120)
