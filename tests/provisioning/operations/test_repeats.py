from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from device.commands import asking, order
from device.commands.asking import Ask, Challenge
from device.commands.deeds import Replay
from device.errors import VerificationError
from device.events.cose import verify1
from device.events.topics import Topics
from provisioning.operations import repeats as repeats_module
from provisioning.operations.repeats import AGAIN_S, OPEN_MAX, PATIENCE_S, WHY, Gap, Repeats, read_reply_topic
from tests.provisioning.live import PROVINCE, SITE
from tests.provisioning.operations.played import Card, key

A = Topics(PROVINCE, SITE, "g-a")
GAP = Gap(A, "e1", ((2, 3), (7, 7)))


def numbered() -> Repeats:
    ids = count(1)
    repeats = Repeats(key(), lambda: next(ids).to_bytes(16, "big"))
    repeats.heard(Card().birth())
    return repeats


def test_a_gap_is_asked_for_when_it_has_lasted_and_ever_more_seldom() -> None:
    repeats = numbered()
    asked = {now_s: repeats.look([GAP], now_s) for now_s in (0, PATIENCE_S - 1, PATIENCE_S, PATIENCE_S + AGAIN_S - 1)}
    question = (A.command("challenge"), asking.encode_ask(Ask((1).to_bytes(16, "big"))))
    assert asked == {0: [], PATIENCE_S - 1: [], PATIENCE_S: [question], PATIENCE_S + AGAIN_S - 1: []}
    again = [now_s for now_s in range(int(PATIENCE_S + AGAIN_S), 24 * 3600, 60) if repeats.look([GAP], now_s)]
    assert len(again) < 10


@pytest.mark.parametrize("changes", [{"capabilities": ["void"]}, {"capabilities": "commands"}, {"capabilities": None}])
def test_a_gate_that_does_not_say_that_it_obeys_orders_is_not_asked(changes: dict[str, Any]) -> None:
    repeats = numbered()
    repeats.heard(Card().birth(**changes))  # an older program is on the gate now
    assert [repeats.look([GAP], now_s) for now_s in (0, PATIENCE_S)] == [[], []]
    unheard = Repeats(key())
    assert [unheard.look([GAP], now_s) for now_s in (0, PATIENCE_S)] == [[], []]


def test_gates_are_not_remembered_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeats_module, "GATES_MAX", 2)
    repeats = Repeats(key())
    cards = [Card(f"g-{number}") for number in range(3)]
    for card in cards:
        repeats.heard(card.birth())
    gaps = [Gap(card.topics, "e1", ((1, 1),)) for card in cards]
    repeats.look(gaps, 0)
    assert [topic for topic, _ in repeats.look(gaps, PATIENCE_S)] == [card.topics.command("challenge") for card in cards[1:]]


def test_a_gap_that_closed_is_forgotten() -> None:
    repeats = numbered()
    repeats.look([GAP], 0)
    assert repeats.look([], PATIENCE_S) == []
    assert repeats.look([GAP], PATIENCE_S) == []


def test_originals_that_never_come_do_not_make_the_rest_of_their_epoch_wait() -> None:
    repeats = numbered()
    given_up = Gap(A, "e1", ((5, 5),), originals=True)
    for now_s in range(0, 24 * 3600, 60):
        repeats.look([given_up], now_s)
    repeats.look([GAP, given_up], 24 * 3600)
    assert len(repeats.look([GAP, given_up], 24 * 3600 + PATIENCE_S)) == 1


def test_not_the_whole_province_is_asked_at_once() -> None:
    repeats = numbered()
    cards = [Card(f"g-{number}") for number in range(3 * OPEN_MAX)]
    for card in cards:
        repeats.heard(card.birth())
    gaps = [Gap(card.topics, "e1", ((1, 1),)) for card in cards]
    repeats.look(gaps, 0)
    assert [len(repeats.look(gaps, PATIENCE_S + 61 * turn)) for turn in range(4)] == [OPEN_MAX, OPEN_MAX, OPEN_MAX, 0]


def answer(**changes: object) -> bytes:
    told = asking.challenge_reply(Challenge("boot-1", b"\x07" * 16, 60)) | {"gate": "g-a", "outcome": "challenge"} | changes
    return asking.encode_reply(told)


def test_the_challenge_is_answered_by_an_order_that_the_gate_can_prove() -> None:
    repeats = numbered()
    repeats.ask(GAP, 0)
    sent = repeats.answered(A, (1).to_bytes(16, "big"), answer(), 1)
    assert sent is not None
    topic, body = sent
    (signature,) = order.read_message(body)
    told = order.decode(verify1(signature.envelope, key().public_key(), context=order.CONTEXT))
    assert (topic, told.deed, told.gate, told.boot, told.challenge) == (A.command("replay"), Replay("e1", GAP.ranges), "g-a", "boot-1", b"\x07" * 16)
    assert (told.actor, told.why, told.within_s) == ("recorder", WHY, 60)


def test_what_nobody_asked_what_comes_too_late_and_what_another_gate_says_is_not_answered() -> None:
    repeats = numbered()
    repeats.ask(GAP, 0)
    asked = (1).to_bytes(16, "big")
    assert repeats.answered(A, b"\xff" * 16, answer(), 1) is None
    assert repeats.answered(Topics(PROVINCE, SITE, "g-b"), asked, answer(), 1) is None
    assert repeats.answered(A, asked, answer(), 61) is None
    assert repeats.answered(A, asked, answer(), 1) is not None
    assert repeats.answered(A, asked, answer(), 1) is None


@pytest.mark.parametrize(
    "body", [b"", b"\xff", b"{}", b"[" * 10_000, answer(boot="A B"), answer(challenge="zz"), answer(lifetime_s=0), answer(lifetime_s=10**9)]
)
def test_an_answer_that_is_no_challenge_is_told(body: bytes) -> None:
    repeats = numbered()
    repeats.ask(GAP, 0)
    with pytest.raises(VerificationError):
        repeats.answered(A, (1).to_bytes(16, "big"), body, 1)


@pytest.mark.parametrize("topic", ["", "qg/v1/p-999/s-999/g-a/reply/zz", "qg/v1/p-999/s-999/g-a/reply/" + "z" * 32, "qg/v1/p-999/s-999/g-a/ack"])
def test_a_topic_that_answers_no_question_of_ours(topic: str) -> None:
    assert read_reply_topic(topic) is None
    assert read_reply_topic(f"qg/v1/{PROVINCE}/{SITE}/g-a/reply/" + "0f" * 16) == (A, b"\x0f" * 16)
