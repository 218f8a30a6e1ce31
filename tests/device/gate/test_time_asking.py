from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from device.commands.challenges import Challenges
from device.commands.signed_time import Question, decode
from device.domain import ClockTrust, Instant
from device.gate.time_asking import AGAIN_NS, EVERY_NS, TOPIC, TimeAsking


class Bench:
    def __init__(self, *, there_is_one: bool = True) -> None:
        self.said: list[tuple[str, Question]] = []
        self.trust = ClockTrust.UNTRUSTED
        self.challenges = Challenges(lambda size: bytes([len(self.said)]) * size)
        self.asking = TimeAsking(
            self.challenges,
            lambda topic, body: self.said.append((topic, decode(body))),
            gate="g-999",
            boot="boot-1",
            now=lambda: Instant(datetime(2026, 1, 1, tzinfo=UTC), self.trust),
            there_is_one=there_is_one,
        )

    def asked(self, *moments_ns: int) -> int:
        """How often, in looks at these moments."""
        before = len(self.said)
        for at_ns in moments_ns:
            self.asking.look(at_ns)
        return len(self.said) - before

    def answer(self) -> None:
        self.trust = ClockTrust.TRUSTED
        self.asking.answered()


def connected(**options: Any) -> Bench:
    bench = Bench(**options)
    bench.asking.broker(connected=True)
    return bench


def test_it_asks_as_soon_as_there_is_a_broker() -> None:
    bench = Bench()
    assert bench.asked(0, 1) == 0
    bench.asking.broker(connected=True)
    assert bench.asked(2, 3) == 1
    assert bench.said == [(TOPIC, Question("g-999", "boot-1", b"\x00" * 16))]


def test_the_question_s_challenge_is_open_at_this_gate() -> None:
    bench = connected()
    bench.asked(7)
    assert bench.challenges.redeem(bench.said[0][1].challenge, 8, within_s=10) == 7


def test_it_asks_every_quarter_of_an_hour_while_nobody_answers_and_every_six_hours_then() -> None:
    bench = connected()
    assert bench.asked(0, AGAIN_NS - 1, AGAIN_NS) == 2
    bench.answer()
    assert bench.asked(2 * AGAIN_NS, AGAIN_NS + EVERY_NS - 1, AGAIN_NS + EVERY_NS) == 1


def test_an_answer_that_makes_no_date_believable_is_asked_for_again_soon() -> None:
    bench = connected()
    bench.asked(0)
    bench.asking.answered()
    assert bench.asked(AGAIN_NS) == 1


def test_a_new_session_asks_at_once_what_nobody_has_answered_and_nothing_else() -> None:
    bench = connected()
    bench.asked(0)
    for is_there in (False, True, True):
        bench.asking.broker(connected=is_there)
    assert bench.asked(1, 2) == 1
    bench.answer()
    for is_there in (False, True):
        bench.asking.broker(connected=is_there)
    assert bench.asked(3) == 0


def test_without_a_recorder_or_a_broker_nobody_is_asked() -> None:
    assert connected(there_is_one=False).asked(0, EVERY_NS) == 0
    bench = connected()
    bench.asking.broker(connected=False)
    assert bench.asked(0, EVERY_NS) == 0
