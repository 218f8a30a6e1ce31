"""Orders at the gate's own process: what an uplink hands over, whoever it is, and what the lane does then."""

from __future__ import annotations

import json
import selectors
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from device.bundles.delegations import Role, delegations_content
from device.bundles.envelope import Audience, Kind, sign_bundle
from device.commands import asking, order
from device.commands.asking import Ask, Challenge
from device.commands.deeds import Deed, Diagnose, Erase, LaneMode, Open, Restart, SetMode
from device.commands.order import Order
from device.domain import Direction
from device.gate.lane_mode import FILE
from device.links import Link, Received, Say
from tests.device.commands.orders import DEEDS, holder, key, ordered, signed
from tests.gates import Gate
from tests.played_pins import PlayedPins

OFFICE, OPERATOR, SECOND, STRANGER = key(7), 1, 2, 77
RELAY, FREE, GREEN = 17, 18, 22
LINES = {
    "relay.pin": str(RELAY),
    "free_relay.pin": str(FREE),
    "lamps.green_pin": str(GREEN),
    "passage.wait_s": "0.5",
}
HOLDERS = (holder(OPERATOR, Role.OPERATOR, Role.TECHNICIAN), holder(SECOND, Role.OPERATOR), holder(3, Role.HEALTH_OFFICER))
WITHIN_S = 10.0


class Voice:
    """The uplink's end, played by the test: honest or captured, it can only hand bytes over."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self._ids = count(1)

    def put(self, verb: str, payload: bytes) -> None:
        assert self.link.send(Received(f"qg/v1/p1/s1/g1/cmd/{verb}", payload))

    def fresh(self) -> bytes:
        return next(self._ids).to_bytes(16, "big")

    def answer(self, id_: bytes) -> dict[str, Any]:
        limit_s = time.monotonic() + WITHIN_S
        with selectors.DefaultSelector() as selector:
            selector.register(self.link, selectors.EVENT_READ)
            while selector.select(max(limit_s - time.monotonic(), 0)):
                message = self.link.receive()
                if isinstance(message, Say) and message.topic == asking.reply_topic(id_):
                    return asking.decode_reply(message.body)
        raise AssertionError("no answer")

    def ask(self) -> Challenge:
        ask = Ask(self.fresh())
        self.put("challenge", asking.encode_ask(ask))
        return asking.read_challenge(self.answer(ask.id))

    def give(self, deed: Deed, *signers: int) -> dict[str, Any]:
        challenge = self.ask()
        told = Order(self.fresh(), deed, "g1", challenge.boot, challenge.challenge, 60, "op-1", "test")
        self.put(told.verb, signed(told, *signers))
        answer = self.answer(told.id)
        assert answer.pop("gate") == "g1"
        return answer


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    """Its delegations lie in the inbox."""
    gate = Gate(tmp_path / "gate", LINES)
    with (gate.folder / "site.toml").open("a", encoding="utf-8") as site:
        site.write(f'[bundles]\npublic_key = "{OFFICE.public_key().public_bytes_raw().hex()}"\n')
    inbox = gate.state / "inbox"
    inbox.mkdir(parents=True)
    bundle = sign_bundle(OFFICE, Kind.DELEGATIONS, Audience("p1"), delegations_content(HOLDERS), seq=1, issued_s=1)
    (inbox / "delegations.bundle").write_bytes(bundle)
    return gate


@pytest.fixture
def played(gate: Gate) -> Iterator[PlayedPins]:
    with PlayedPins(gate).start() as played:
        yield played


@pytest.fixture
def voice(gate: Gate, played: PlayedPins) -> Iterator[Voice]:
    del played  # it only has to be there
    with closing(gate.connect("uplink")) as link:
        while any((gate.state / "inbox").iterdir()):
            time.sleep(0.02)  # a bundle that is in force is told by nothing else that could be awaited
        yield Voice(link)


def test_an_order_opens_the_lane_once(voice: Voice, played: PlayedPins) -> None:
    assert voice.give(Open(Direction.ENTRY), OPERATOR) == {"outcome": "done"}
    played.await_level(RELAY, high=True)
    played.await_level(RELAY, high=False)
    assert [edge.high for edge in played.edges(RELAY)].count(True) == 1


def test_a_captured_uplink_opens_nothing_frees_nothing_and_erases_nothing(voice: Voice, played: PlayedPins) -> None:
    """It hears every challenge, and has seen every order before."""
    old = ordered(Open(Direction.ENTRY), gate="g1", challenge=voice.ask().challenge)
    for deed in (*DEEDS.values(), Erase("0" * 16, 1, 10**6)):
        challenge = voice.ask()
        told = Order(voice.fresh(), deed, "g1", challenge.boot, challenge.challenge, 60, "op-1")
        voice.put(told.verb, signed(told, STRANGER))
        voice.put(told.verb, signed(told, STRANGER, 78))
        elsewhere = Order(voice.fresh(), deed, "g2", challenge.boot, challenge.challenge, 60, "op-1")
        voice.put(elsewhere.verb, signed(elsewhere, OPERATOR, SECOND))
        voice.put(told.verb, order.encode(told))
    voice.put("open", signed(old, OPERATOR))  # of another boot
    assert voice.give(Diagnose(), OPERATOR)["diagnostics"]["mode"] == "normal"
    assert [edge for pin in (RELAY, FREE) for edge in played.edges(pin) if edge.high] == []


def test_two_keys_free_the_lane_and_a_restart_by_order_leaves_it_free(voice: Voice, gate: Gate, played: PlayedPins) -> None:
    assert voice.give(SetMode(LaneMode.FREE), OPERATOR) == {"outcome": "refused", "why": "needs_two"}
    assert voice.give(SetMode(LaneMode.FREE), OPERATOR, SECOND) == {"outcome": "done"}
    played.await_level(FREE, high=True)
    assert json.loads((gate.state / FILE).read_bytes()) == {"mode": "free"}
    assert voice.give(Restart(), OPERATOR) == {"outcome": "done"}
    assert gate.process is not None
    gate.process.communicate(timeout=WITHIN_S)
    assert gate.process.returncode == 0
    played.start()
    played.await_level(FREE, high=True)
    with closing(gate.connect("uplink")) as link:
        assert Voice(link).give(SetMode(LaneMode.NORMAL), OPERATOR) == {"outcome": "done"}
    played.await_level(FREE, high=False)
