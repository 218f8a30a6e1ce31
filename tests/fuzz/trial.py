"""One call of one parser, judged: it answers as its type says, within its time and its memory, whatever the bytes.

Time is the thread's CPU time. A slow call is repeated three times and counts as the fastest of the four, since a
collection of garbage or a busy neighbour falls on one call and not on all. Memory is what ``tracemalloc`` sees of a call of
its own, so that tracing costs the timed call nothing: objects of Python and of its C extensions, not what a C library takes
from the system by itself. A call that does not come back within ``HANG_S`` of CPU time is ended by a signal.
"""

from __future__ import annotations

import random
import re
import signal
import time
import traceback
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

LIMIT_NS = 5_000_000
DOUBT_NS = 1_000_000  # from here on a call is repeated, so that the slowest one that is told is slow by itself
MEMORY_MAX = 8_000_000
HANG_S = 2.0
REPEATS = 3
SHRINK_CALLS = 400
SHRINK_S = 5.0


@dataclass(frozen=True)
class Target:
    """A parser and what it promises.

    ``call`` may answer with one of ``answers`` or raise one of ``refusals``, and nothing else. ``seeds`` are good payloads,
    ``write`` makes others in the format's own way. ``limit_ns`` is CPU time of a call.
    """

    name: str
    call: Callable[[bytes], object]
    seeds: tuple[bytes, ...]
    answers: tuple[type, ...]
    refusals: tuple[type[Exception], ...] = ()
    write: Callable[[random.Random], bytes] | None = None
    limit_ns: int = LIMIT_NS


@dataclass(frozen=True)
class Fault:
    """A broken promise. ``kind`` is one of raised, answered, slow, large, hung."""

    kind: str
    detail: str


@dataclass(frozen=True)
class Verdict:
    answer: str
    took_ns: int
    peak_bytes: int  # 0 where the memory was not looked at
    fault: Fault | None


class Hung(BaseException):
    """No ``Exception``: a parser that catches too much shall not catch this."""


@contextmanager
def watched() -> Iterator[None]:
    """Within it, ``judge`` ends calls that do not come back. Main thread only, as signals are."""

    def end(_signal: int, _frame: FrameType | None) -> None:
        raise Hung

    before = signal.signal(signal.SIGVTALRM, end)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def judge(target: Target, payload: bytes, *, memory: bool) -> Verdict:
    answer, took_ns, fault = _timed(target, payload)
    if fault is None and took_ns > DOUBT_NS:
        took_ns = min(took_ns, *(_timed_anew(target, payload) for _ in range(REPEATS)))
        if took_ns > target.limit_ns:
            fault = Fault("slow", f"over {target.limit_ns / 1e6:g} ms of CPU time, {REPEATS + 1} times")
    peak_bytes = _peak(target, payload) if memory and fault is None else 0
    if peak_bytes > MEMORY_MAX:
        fault = Fault("large", f"over {MEMORY_MAX / 1e6:g} MB")
    return Verdict(answer, took_ns, peak_bytes, fault)


def _timed(target: Target, payload: bytes) -> tuple[str, int, Fault | None]:
    signal.setitimer(signal.ITIMER_VIRTUAL, HANG_S)
    begun_ns = time.thread_time_ns()
    try:
        answer: object = target.call(payload)
    except Hung:
        return "hung", int(HANG_S * 1e9), Fault("hung", f"no answer within {HANG_S:g} s of CPU time")
    except target.refusals as refusal:
        return type(refusal).__name__, time.thread_time_ns() - begun_ns, None
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - whatever comes out is a finding, a panic of a Rust extension too
        return "raised", time.thread_time_ns() - begun_ns, Fault("raised", f"{type(error).__name__} {_where(error)}")
    took_ns = time.thread_time_ns() - begun_ns
    if type(answer) not in target.answers:
        return "answered", took_ns, Fault("answered", type(answer).__name__)
    return _name(answer), took_ns, None


def _timed_anew(target: Target, payload: bytes) -> int:
    """Not spared what the call before has left in Python's cache of patterns: the next person brings another pattern."""
    re.purge()
    return _timed(target, payload)[1]


def _where(error: BaseException) -> str:
    """The place in the source, not the words: they may hold the payload, and would tell one fault from itself."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"at {frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}, called from {frames[1 if len(frames) > 1 else 0].name}"


def _name(answer: object) -> str:
    """Kinds of answers are told apart as finely as they are told to people."""
    parts = (getattr(answer, name, None) for name in ("kind", "proof", "what"))
    return " ".join([type(answer).__name__, *(str(part) for part in parts if part is not None)])


def _peak(target: Target, payload: bytes) -> int:
    tracemalloc.start(1)
    try:
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        _timed(target, payload)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return peak - before


def shrunk(target: Target, payload: bytes, fault: Fault) -> bytes:
    """A shorter payload with the same fault: spans are taken out, halves first, as long as calls and time allow."""
    calls, until_s = 0, time.monotonic() + SHRINK_S
    size = len(payload) // 2
    while size:
        at = 0
        while at < len(payload):
            if calls >= SHRINK_CALLS or time.monotonic() > until_s:
                return payload
            shorter, calls = payload[:at] + payload[at + size :], calls + 1
            if judge(target, shorter, memory=fault.kind == "large").fault == fault:
                payload = shorter
            else:
                at += size
        size //= 2
    return payload
