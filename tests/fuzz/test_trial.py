"""The judge finds what it is there to find: one parser for each way to break the promise."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Callable

import pytest

from device.domain import Misread, NotACredential
from tests.fuzz import trial
from tests.fuzz.trial import Fault, Target, Verdict, judge, shrunk, watched

REFUSED = NotACredential(Misread.OTHER)


class RefusedError(ValueError):
    """A typed refusal of a parser that raises."""


def _target(call: Callable[[bytes], object]) -> Target:
    return Target("planted", call, (b"seed",), (NotACredential,), (RefusedError,))


def _sound(_payload: bytes) -> object:
    return REFUSED


def _refusing(_payload: bytes) -> object:
    raise RefusedError


def _raising(payload: bytes) -> object:
    return {b"a": REFUSED}[payload]


def _of_another_type(_payload: bytes) -> object:
    return None


def _slow(_payload: bytes) -> object:
    until_ns = time.thread_time_ns() + trial.LIMIT_NS + 1_000_000
    while time.thread_time_ns() < until_ns:
        pass
    return REFUSED


def _large(_payload: bytes) -> object:
    return REFUSED if bytearray(trial.MEMORY_MAX + 1) else None


def _endless(payload: bytes) -> object:
    while payload:
        pass
    return REFUSED


def _catching_too_much(payload: bytes) -> object:
    try:
        return _endless(payload)
    except Exception:  # noqa: BLE001 - the fault that is planted
        return REFUSED


def _panicking(_payload: bytes) -> object:
    raise SystemExit


FAULTS: dict[str, tuple[Callable[[bytes], object], str]] = {
    "another exception": (_raising, "raised"),
    "an exit": (_panicking, "raised"),
    "another type": (_of_another_type, "answered"),
    "too slow": (_slow, "slow"),
    "too large": (_large, "large"),
    "endless": (_endless, "hung"),
    "endless, and it catches exceptions": (_catching_too_much, "hung"),
}


@pytest.mark.parametrize(("call", "kind"), FAULTS.values(), ids=FAULTS.keys())
def test_a_planted_fault_is_found(call: Callable[[bytes], object], kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "HANG_S", 0.2)
    with watched():
        fault = judge(_target(call), b"x", memory=True).fault
    assert fault is not None
    assert fault.kind == kind


@pytest.mark.parametrize(("call", "answer"), [(_sound, "NotACredential other"), (_refusing, "RefusedError")])
def test_an_answer_or_a_typed_refusal_is_no_fault(call: Callable[[bytes], object], answer: str) -> None:
    with watched():
        verdict = judge(_target(call), b"x", memory=False)
    assert verdict == Verdict(answer, verdict.took_ns, 0, None)


def test_a_call_that_was_slow_once_is_no_fault() -> None:
    calls = []

    def slow_once(payload: bytes) -> object:
        calls.append(payload)
        return _slow(payload) if len(calls) == 1 else REFUSED

    with watched():
        verdict = judge(_target(slow_once), b"x", memory=False)
    assert (verdict.fault, len(calls)) == (None, 1 + trial.REPEATS)


def test_a_pattern_from_the_payload_is_compiled_anew_for_each_look() -> None:
    pattern = "(?i)" + "[\x80-\U0010ffff]" * 10  # seconds for a full symbol of them
    with watched():
        fault = judge(_target(lambda _: REFUSED if re.search(pattern, "a") is None else None), b"x", memory=False).fault
    assert fault is not None
    assert fault.kind == "slow"


def test_memory_of_one_call_is_told_without_what_was_there_before() -> None:
    before = bytearray(trial.MEMORY_MAX)
    with watched():
        verdict = judge(_target(lambda _: REFUSED if bytearray(100_000) and before else None), b"x", memory=True)
    assert 100_000 <= verdict.peak_bytes < 110_000


def test_a_finding_is_told_as_short_as_it_can_be() -> None:
    def raising(payload: bytes) -> object:
        if b"\xff|" in payload:
            raise KeyError(payload)
        return REFUSED

    target, payload = _target(raising), b"a" * 100 + b"\xff|" + b"b" * 77
    with watched():
        fault = judge(target, payload, memory=False).fault
        assert fault is not None
        assert shrunk(target, payload, fault) == b"\xff|"


def test_a_fault_tells_where_it_is_and_nothing_of_the_payload() -> None:
    with watched():
        fault = judge(_target(_raising), b"999000000001", memory=False).fault
    assert fault == Fault("raised", f"KeyError at test_trial.py:{_raising.__code__.co_firstlineno + 1}, called from _raising")


def test_the_signal_is_as_it_was_afterwards() -> None:
    before = signal.getsignal(signal.SIGVTALRM)
    with watched():
        judge(_target(_sound), b"x", memory=False)
    assert (signal.getsignal(signal.SIGVTALRM), signal.getitimer(signal.ITIMER_VIRTUAL)) == (before, (0.0, 0.0))
