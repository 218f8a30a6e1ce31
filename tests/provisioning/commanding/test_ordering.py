from __future__ import annotations

import hashlib
from typing import Any

import pytest

from device.admission.lists import ListKind
from device.bundles.envelope import Audience, Kind, sign_bundle
from device.commands import chunk
from device.commands.asking import Challenge
from device.commands.chunk import ANSWER_EVERY, CONTENT_MAX
from device.commands.deeds import Announce, Diagnose
from device.commands.order import ALONE_WITHIN_S
from device.errors import UsageError
from provisioning.commanding import ordering
from tests.device.commands.orders import BOOT, CHALLENGE, ID, key
from tests.lists import Province as ListOffice
from tests.lists import persons

CONTENT = bytes(20 * CONTENT_MAX - 1)


class Played:
    """A conversation whose gate answers what the test says."""

    def __init__(self, *answers: dict[str, Any]) -> None:
        self.answers = list(answers)
        self.sent: list[int] = []

    def say(self, verb: str, payload: bytes) -> None:
        assert verb == chunk.VERB
        self.sent.append(chunk.decode(payload).index)

    def answer(self, id_: bytes) -> dict[str, Any]:
        assert id_ == ID
        return self.answers.pop(0)


def progress(at: int, *, whole: bool = False) -> dict[str, Any]:
    return {"outcome": "receiving", "next": at, "whole": whole}


def sent(*answers: dict[str, Any]) -> tuple[list[int], dict[str, Any]]:
    """The parts that were sent, and the last word."""
    played = Played(*answers)
    last = ordering.send_file(played, ID, CONTENT, lambda _done, _of: None)  # type: ignore[arg-type]
    return played.sent, last


def test_a_file_goes_in_bursts_of_eight_parts_each_answered() -> None:
    assert sent(progress(8), progress(16), progress(20, whole=True)) == ([*range(20)], progress(20, whole=True))


def test_it_goes_on_where_the_gate_says_that_something_is_missing() -> None:
    found, last = sent(progress(8), progress(10), progress(16), progress(20, whole=True))
    assert (found, last["whole"]) == ([*range(16), *range(10, 20)], True)


@pytest.mark.parametrize("word", [{"outcome": "refused", "why": "wrong_sha256"}, progress(-1), progress(99), {"outcome": "receiving"}])
def test_it_ends_with_any_other_word(word: dict[str, Any]) -> None:
    assert sent(word) == ([*range(ANSWER_EVERY)], word)


def test_a_broker_that_asks_for_the_beginning_for_ever_is_left() -> None:
    answers = [progress(0)] * 1000
    played = Played(*answers)
    ordering.send_file(played, ID, CONTENT, lambda _done, _of: None)  # type: ignore[arg-type]
    assert len(answers) - len(played.answers) == 2 * 20 + 1


def bundle(kind: Kind, content: dict[str, Any]) -> bytes:
    return sign_bundle(key(1), kind, Audience("p-999"), content, seq=1, issued_s=1)


def test_a_bundle_is_announced_as_what_it_says_it_is() -> None:
    content = bundle(Kind.POLICY, {"place": "market"})
    assert ordering.announced(content) == Announce("policy", len(content), hashlib.sha256(content).digest())


def test_a_list_is_announced_as_what_it_says_it_is() -> None:
    office = ListOffice()
    content = office.whole(ListKind.DENY, 1, office.body(persons(range(3))))
    assert ordering.announced(content) == Announce("deny", len(content), hashlib.sha256(content).digest())


SECRET = {
    "keys of days": bundle(Kind.KEYS, {"site": "s-999", "days": {}}),
    "secrets of rotating passes": bundle(Kind.TRUST, {"passes": [], "rotating": {"R1": {"secret": b"s" * 32}}}),
    "no bundle": b"junk",
    "half a bundle": bundle(Kind.POLICY, {})[:50],
    "half a list": b"QGLIST1F",
    "nothing": b"",
}


@pytest.mark.parametrize("content", SECRET.values(), ids=SECRET.keys())
def test_secrets_and_what_no_gate_takes_go_through_no_broker(content: bytes) -> None:
    with pytest.raises(UsageError):
        ordering.announced(content)


def test_an_order_says_no_more_time_than_its_challenge_has() -> None:
    def within_s(lifetime_s: int, *, together: bool) -> int:
        return ordering.made(Diagnose(), "g-999", Challenge(BOOT, CHALLENGE, lifetime_s), actor="op-1", why="", together=together).within_s

    assert [within_s(600, together=True), within_s(60, together=True), within_s(600, together=False)] == [600, 60, ALONE_WITHIN_S]


@pytest.mark.parametrize("why", ["two\nlines", "w" * 200, "\udc80"])
def test_what_no_gate_would_take_is_not_signed(why: str) -> None:
    with pytest.raises(UsageError):
        ordering.made(Diagnose(), "g-999", Challenge(BOOT, CHALLENGE, 60), actor="op-1", why=why, together=False)
