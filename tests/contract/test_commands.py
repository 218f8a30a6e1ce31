"""What comes of orders is on the wire as the contract says, whoever gives them: recorded, answered, counted."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from device.commands import asking, chunk, deeds
from device.commands.asking import Ask
from device.commands.chunk import Chunk
from device.commands.deeds import Announce, Deed
from device.gate.transfer import SILENT_NS
from tests.contract import schemas
from tests.contract.reading import violations
from tests.device.commands.orders import DEEDS, HERE
from tests.device.gate.command_bench import NUMBER, SECOND_OPERATOR, CommandBench

OPERATOR, STRANGER = 1, 99
PREFIX = f"qg/v1/{HERE.province}/{HERE.site}/{HERE.gate}"
CONTENT = b"x" * (chunk.ANSWER_EVERY * chunk.CONTENT_MAX + 1)


class Listening(CommandBench):
    """Keeps every answer, too."""

    def __init__(self, state: Path) -> None:
        super().__init__(state)
        self.answers: list[tuple[str, dict[str, Any]]] = []

    def send(self, *told: Any, **more: Any) -> dict[str, Any]:
        answer = super().send(*told, **more)
        self.answers.append(("reply/999", {"gate": HERE.gate} | answer))
        return answer

    def wrong(self) -> list[str]:
        recorded = [(kind.value, facts) for kind, facts in self.events] + [("command", facts) for facts, *_ in self.opened]
        found = [each for kind, facts in recorded for each in schemas.violations(kind, _as_read(facts), strict=True)]
        said = [each for topic, told in (*self.answers, *self.said) for each in violations(f"{PREFIX}/{topic}", json.dumps(told).encode())]
        return found + said


def _as_read(facts: dict[str, Any]) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(json.dumps(facts))
    return read


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Listening]:
    with closing(Listening(tmp_path)) as bench:
        yield bench


def signers(deed: Deed) -> tuple[int, ...]:
    role = min(deeds.ROLES[deeds.verb_of(deed)])
    return (NUMBER[role], SECOND_OPERATOR) if deeds.needs_two(deed) else (NUMBER[role],)


@pytest.mark.parametrize("deed", DEEDS.values(), ids=DEEDS.keys())
def test_an_order_that_counts(bench: Listening, deed: Deed) -> None:
    assert bench.give(deed, *signers(deed))["outcome"] == "done"
    assert (bench.wrong(), len(bench.events) + len(bench.opened)) == ([], 1)


@pytest.mark.parametrize("deed", DEEDS.values(), ids=DEEDS.keys())
def test_an_order_that_does_not_count(bench: Listening, deed: Deed) -> None:
    assert bench.give(deed, STRANGER)["outcome"] == "refused"
    assert (bench.wrong(), len(bench.events)) == ([], 1)


@pytest.mark.parametrize("verb", ["challenge", "chunk", "open", "sing"])
def test_anything_at_all_and_too_much_of_it(bench: Listening, verb: str) -> None:
    for _ in range(40):
        bench.commands.take(verb, b"\xff")
    bench.later(61)
    assert (bench.wrong(), len(bench.events)) == ([], 31)


def test_a_question_for_a_challenge(bench: Listening) -> None:
    bench.commands.take(asking.CHALLENGE, asking.encode_ask(Ask(bytes(16))))
    assert (bench.wrong(), len(bench.said)) == ([], 1)


@pytest.mark.parametrize("content", [CONTENT, CONTENT[:-1] + b"y", CONTENT[:-2]])
def test_a_file_in_parts(bench: Listening, content: bytes) -> None:
    announced = bench.prepared(Announce("policy", len(CONTENT), hashlib.sha256(CONTENT).digest()))
    assert bench.send(announced, *signers(announced.deed))["outcome"] == "done"
    for part in chunk.split(announced.id, content):
        bench.commands.take(chunk.VERB, chunk.encode(part))
    bench.commands.take(chunk.VERB, chunk.encode(Chunk(announced.id, 99, b"x")))
    bench.later(SILENT_NS / 1e9 + 1)
    assert (bench.wrong(), len(bench.said) > 1) == ([], True)
