from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from device.clock import NS
from device.commands.challenges import Challenges
from device.commands.signed_time import Question, decode
from device.domain import ClockTrust, Instant
from device.gate.time_asking import AGAIN_NS, EVERY_NS, SOON_NS, TOPIC, TimeAsking


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


def test_nobody_s_flood_keeps_it_from_asking_or_its_answer_from_counting() -> None:
    """A question every 2 s, and then a thousand in a second."""
    for flood_ns in (range(0, 3600 * NS, 2 * NS), range(0, NS, NS // 1000)):
        bench = connected()
        for at_ns in flood_ns:
            bench.challenges.give(at_ns, lifetime_s=600)
        assert bench.asked(flood_ns.stop) == 1
        for at_ns in flood_ns:
            bench.challenges.give(flood_ns.stop + at_ns, lifetime_s=600)
        assert bench.challenges.redeem(bench.said[0][1].challenge, flood_ns.stop + NS, within_s=10) == flood_ns.stop


def test_it_asks_soon_again_while_nobody_answers_and_ever_more_seldom_up_to_a_quarter_of_an_hour() -> None:
    bench = connected()
    seconds = [at_s for at_s in range(3600) if bench.asked(at_s * NS)]
    apart_s = [second - first for first, second in pairwise(seconds)]
    assert [each * NS for each in apart_s] == [SOON_NS, 2 * SOON_NS, 4 * SOON_NS, 8 * SOON_NS, AGAIN_NS, AGAIN_NS]


def test_it_asks_every_six_hours_once_it_knows() -> None:
    bench = connected()
    bench.asked(0)
    bench.answer()
    assert bench.asked(AGAIN_NS, EVERY_NS - 1, EVERY_NS) == 1
    assert bench.asked(EVERY_NS + SOON_NS - 1, EVERY_NS + SOON_NS) == 1  # nobody has answered that one


def test_an_answer_that_makes_no_date_believable_is_asked_for_again_in_a_quarter_of_an_hour() -> None:
    bench = connected()
    bench.asked(0)
    bench.asking.answered()
    assert bench.asked(AGAIN_NS - 1, AGAIN_NS) == 1


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
