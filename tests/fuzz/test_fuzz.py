"""The short form of ``make fuzz``, and the proof that a campaign finds what is planted."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from math import inf

import pytest

from device.bundles import strict
from device.credentials import SIGNED, UNSIGNED
from device.domain import CredentialKind, Misread, NotACredential
from tests.fuzz import campaign, documents, seeds, writers
from tests.fuzz.__main__ import main, report
from tests.fuzz.campaign import Tally, run
from tests.fuzz.targets import TARGETS
from tests.fuzz.trial import LIMIT_NS, MEMORY_MAX, Target, judge, watched

RUNS = 100_000
REFUSED = NotACredential(Misread.OTHER)


def _silent(_tallies: dict[str, Tally]) -> None:
    pass


def test_only_typed_answers_come_out_within_time_and_memory() -> None:
    tallies = run(TARGETS, runs=RUNS, seed=20_261_125, seconds=inf, jobs=1, tell=_silent)
    assert [finding for tally in tallies.values() for finding in tally.findings] == []
    assert sum(tally.runs for tally in tallies.values()) == RUNS


@pytest.mark.parametrize("name", [detect.__module__.rpartition(".")[2] for detect, _ in (*SIGNED, *UNSIGNED)])
def test_each_format_is_fuzzed_from_payloads_that_it_reads(name: str) -> None:
    with watched():
        answers = [judge(TARGETS[name], seed, memory=False).answer for seed in seeds.BY_FORMAT[name]]
    assert answers
    assert {answer.split()[1] for answer in answers} <= {*CredentialKind, Misread.PLACE}


def test_the_whole_reader_is_reached_in_every_format() -> None:
    tally = run({"read": TARGETS["read"]}, runs=20_000, seed=1, seconds=60, jobs=1, tell=_silent)["read"]
    reached = {answer.split()[1] for answer in tally.answers if answer.startswith("Credential")}
    assert reached == set(seeds.BY_FORMAT)


@pytest.mark.parametrize("target", documents.TARGETS, ids=[target.name for target in documents.TARGETS])
def test_each_document_is_fuzzed_from_one_that_is_taken(target: Target) -> None:
    with watched():
        verdicts = [judge(target, seed, memory=True) for seed in target.seeds]
    assert [verdict.fault for verdict in verdicts] == [None] * len(target.seeds)
    assert {verdict.answer for verdict in verdicts} & {*(refusal.__name__ for refusal in target.refusals), "Refused"} == set()


@pytest.mark.parametrize("name", writers.BY_FORMAT)
def test_what_is_changed_within_is_refused_or_proven_and_both_happen(name: str) -> None:
    source = random.Random(1)
    with watched():
        answers = {judge(TARGETS[name], writers.BY_FORMAT[name](source), memory=False).answer for _ in range(300)}
    assert answers >= {f"Credential {name} proven", "NotACredential malformed"}


def test_a_pass_with_patterns_inside_is_refused_in_time() -> None:
    with watched():
        verdict = judge(TARGETS["kd1"], seeds.PATTERNS, memory=True)
    assert (verdict.answer, verdict.fault) == ("NotACredential malformed", None)


def test_a_rule_that_folds_a_list_into_itself_is_refused_in_time() -> None:
    with watched():
        verdict = judge(TARGETS["certlogic"], strict.encode(documents.FOLDED), memory=True)
    assert (verdict.answer, verdict.fault) == ("EvaluationError", None)


# --- planted ---------------------------------------------------------------------------------------------------


def _raising(payload: bytes) -> object:
    if payload.count(b"|") == 6 and payload.endswith(b"9"):
        raise ValueError(payload)
    return REFUSED


def _slow(payload: bytes) -> object:
    """Takes its time with cards of many fields."""
    until_ns = time.thread_time_ns() + LIMIT_NS + 1_000_000
    while payload.count(b"|") > 11 and time.thread_time_ns() < until_ns:
        pass
    return REFUSED


def _large(payload: bytes) -> object:
    """Believes a length that is written in the payload."""
    written = payload.partition(b"|")[0][-4:]
    return REFUSED if bytearray(int(written) * 1000 if written.isdigit() else 0) is not None else None


PLANTED: dict[str, tuple[Callable[[bytes], object], str]] = {
    "raises on a pattern": (_raising, "raised"),
    "slow for some": (_slow, "slow"),
    "large for some": (_large, "large"),
}


@pytest.mark.parametrize(("call", "kind"), PLANTED.values(), ids=PLANTED.keys())
def test_a_planted_fault_is_found_by_mutation(call: Callable[[bytes], object], kind: str) -> None:
    target = Target("planted", call, seeds.BY_FORMAT["cccd"], (NotACredential,))
    tallies = run({"planted": target}, runs=50_000, seed=1, seconds=60, jobs=1, tell=_silent)
    (finding,) = tallies["planted"].findings
    with watched():
        again = judge(target, finding.payload, memory=True).fault
    assert (finding.fault.kind, again) == (kind, finding.fault)
    assert report(tallies, 1.0)["findings"] == [
        {
            "target": "planted",
            "kind": kind,
            "detail": finding.fault.detail,
            "payload_hex": finding.payload.hex(),
            "runs": finding.runs,
        }
    ]


def test_a_target_with_a_finding_is_asked_no_further_and_the_others_are() -> None:
    planted = Target("planted", _raising, (b"||||||9",), (NotACredential,))
    tallies = run({"planted": planted, "tkvt": TARGETS["tkvt"]}, runs=40_000, seed=1, seconds=60, jobs=1, tell=_silent)
    assert 1 <= tallies["planted"].runs <= campaign.BATCH_RUNS
    assert tallies["tkvt"].runs == 20_000


# --- the command -----------------------------------------------------------------------------------------------


def test_processes_side_by_side_ask_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    reports = []
    for jobs in ("1", "2"):
        assert main(["--target", "tkvt", "--target", "mic", "--runs", "12001", "--jobs", jobs, "--json"]) == 0
        reports.append(json.loads(capsys.readouterr().out))
    alone, together = ({name: each["answers"] for name, each in told["targets"].items()} for told in reports)
    assert alone == together
    assert [told["runs"] for told in reports] == [12_001, 12_001]
    assert reports[0]["limits"] == {"cpu_ms": LIMIT_NS / 1e6, "memory_bytes": MEMORY_MAX}


def test_a_finding_is_told_and_makes_the_command_fail(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TARGETS, "planted", Target("planted", _raising, (b"1|2|3|4|5|6|9",), (NotACredential,)))
    assert main(["--target", "planted", "--runs", "5000"]) == 1
    told = capsys.readouterr().out
    (again,) = [line for line in told.splitlines() if "--payload" in line]
    assert again.endswith(b"||||||9".hex())
    assert main(again.partition(": ")[2].split()) == 1


def test_a_payload_without_a_finding_is_asked_again(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--target", "tkvt", "--payload", b"TKVT_1".hex()]) == 0
    assert capsys.readouterr().out.startswith("tkvt: Credential tkvt claimed, ")


def test_time_ends_a_campaign() -> None:
    tallies = run({"tkvt": TARGETS["tkvt"]}, runs=10**9, seed=1, seconds=0.01, jobs=1, tell=_silent)
    assert tallies["tkvt"].runs <= campaign.BATCH_RUNS


@pytest.mark.parametrize("arguments", [["--payload", "00"], ["--runs", "0"], ["--jobs", "0"], ["--seconds", "0"], ["--target", "nobody"]])
def test_a_command_that_means_nothing_is_refused(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        main(arguments)
    assert refused.value.code == 2
