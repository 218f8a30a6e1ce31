"""What a check says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Result(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Check:
    """One finding: what was looked at, what was seen, and what to do."""

    id: str
    result: Result
    detail: str
    fix: str = ""


Finding = tuple[Result, str, str]
"""Result, what was seen, what to do."""
