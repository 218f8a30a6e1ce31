from __future__ import annotations

from math import inf

from tests.fuzz.campaign import run
from tests.fuzz.rules import RULES
from tests.fuzz.trial import judge, watched


def test_a_rule_answers_or_is_refused_within_time_and_memory() -> None:
    (tally,) = run({"certlogic_text": RULES}, runs=10_000, seed=20_261_125, seconds=inf, jobs=1, tell=lambda _tallies: None).values()
    assert ([finding.fault for finding in tally.findings], tally.runs) == ([], 10_000)
    assert set(tally.answers) == {"str", "ExpressionError", "EvaluationError"}


def test_rules_are_fuzzed_from_such_as_have_answers() -> None:
    with watched():
        assert [judge(RULES, seed, memory=True).answer for seed in RULES.seeds] == ["str"] * len(RULES.seeds)
