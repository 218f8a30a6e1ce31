"""A gate's desk for orders on the bench: everything real but the lane, the store and the clock, which note what they are told."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

from device.bundles.delegations import Delegation, Role
from device.bundles.envelope import Place
from device.clock import NS, Verdict
from device.commands import asking, order
from device.commands.asking import Ask, Challenge
from device.commands.challenges import Challenges
from device.commands.deeds import Deed
from device.commands.order import Order
from device.domain import Direction, EventType
from device.errors import StoreError
from device.gate.act import LaneState
from device.gate.carrying_out import CarryingOut
from device.gate.commands import Commands
from device.gate.lane_mode import OrderedMode
from device.gate.transfer import Transfer
from device.turnstile.machine import Service
from tests.device.commands.orders import BOOT, EPOCH, HERE, holder, key, ordered

EVERY_ROLE = tuple(holder(number, role) for number, role in enumerate(Role, 1))
"""Key 1 has the first role, and so on."""
NUMBER = {role: number for number, role in enumerate(Role, 1)}
SECOND_OPERATOR = 9
NOW_S = 1_795_000_000


@dataclass
class NotedLane:
    """The acting thread, as far as orders know it: what it was told, and carried out at once."""

    lane: LaneState = field(default_factory=LaneState)
    told: list[Any] = field(default_factory=list)

    def order(self, service: Service) -> None:
        self.told.append(service)
        self.lane = LaneState(self.lane.free_by, service=service, serves_entry=service is Service.NORMAL)

    def order_free(self, *, free: bool) -> None:
        self.told.append(free)


@dataclass
class NotedClock:
    verdict: Verdict = Verdict.TAKEN
    taken: list[tuple[datetime, int, int]] = field(default_factory=list)

    def take_signed(self, utc: datetime, *, asked_ns: int, answered_ns: int) -> Verdict:
        self.taken.append((utc, asked_ns, answered_ns))
        return self.verdict


class CommandBench:
    """``said`` is what was published, ``events`` what was recorded, ``done`` what was done beside the lane."""

    def __init__(
        self, state: Path, *, delegations: tuple[Delegation, ...] = (*EVERY_ROLE, holder(SECOND_OPERATOR, Role.OPERATOR)), place: Place = HERE
    ) -> None:
        (state / "inbox").mkdir(parents=True, exist_ok=True)
        self.inbox = state / "inbox"
        self.delegations = delegations
        self.now_ns = 1000 * NS
        self.said: list[tuple[str, dict[str, Any]]] = []
        self.events: list[tuple[EventType, dict[str, Any]]] = []
        self.opened: list[tuple[dict[str, Any], Direction, str, int]] = []
        self.done: list[Any] = []
        self.store_fails = False
        self.link_has_room = True
        self.something_waits = False
        self.lane = NotedLane()
        self.clock = NotedClock()
        self.mode = OrderedMode(state, self.lane, BOOT, waits=lambda: self.something_waits)
        self.transfer = Transfer(state, reserve=0)
        self.carrying_out = CarryingOut(
            open=self._open,
            lane=lambda: self.lane.lane,
            mode=self.mode,
            transfer=self.transfer,
            places=lambda epoch, first, last: (first, last) if epoch == EPOCH else None,
            again=self._again,
            erase=self._erase,
            diagnose=lambda: {"version": "1"},
            clock=self.clock,
            time_taken=lambda: self.done.append("time taken"),
            restart=lambda: self.done.append("restart"),
            waits=lambda: self.something_waits,
            record=self._record,
            tell=lambda kind, facts: self.events.append((kind, facts)),
        )
        self.commands = Commands(
            place=place,
            boot=BOOT,
            delegations=lambda _passed_s: self.delegations,
            passed_s=lambda: NOW_S,
            challenges=Challenges(secrets.token_bytes),
            carrying_out=self.carrying_out,
            transfer=self.transfer,
            say=lambda topic, body: self.said.append((topic, asking.decode_reply(body))),
            tell=lambda kind, facts: self.events.append((kind, facts)),
            ticks=lambda: self.now_ns,
        )
        self._ids = count(1)

    def _open(self, facts: dict[str, Any], direction: Direction, *, subject: str, deadline_ns: int) -> None:
        self._store()
        self.opened.append((facts, direction, subject, deadline_ns))

    def _again(self, first: int, last: int) -> bool:
        self._store()
        self.done.append(("again", first, last))
        return self.link_has_room

    def _erase(self, first: int, last: int, facts: dict[str, Any]) -> int:
        rows = last - first + 1
        self._record(facts | {"erased": rows})
        self.done.append(("erase", first, last))
        return rows

    def _record(self, facts: dict[str, Any]) -> None:
        self._store()
        self.events.append((EventType.COMMAND, facts))

    def _store(self) -> None:
        if self.store_fails:
            raise StoreError("the disk is full")

    # --- what somebody sends ---------------------------------------------------------------------------------------

    def later(self, seconds: float) -> None:
        """Time passes, and the recording thread turns."""
        self.now_ns += int(seconds * NS)
        self.mode.look(self.now_ns)
        self.commands.look(self.now_ns)

    def ask(self, lifetime_s: int = 60) -> Challenge:
        id_ = self.fresh()
        self.commands.take("challenge", asking.encode_ask(Ask(id_, lifetime_s)))
        topic, told = self.said.pop()
        assert (topic, told["outcome"]) == (asking.reply_topic(id_), "challenge")
        return asking.read_challenge(told)

    def prepared(self, deed: Deed, **changes: Any) -> Order:
        """An order with a challenge of this gate, not yet signed."""
        challenge = {} if "challenge" in changes else {"challenge": self.ask().challenge}
        return ordered(deed, **{"id": self.fresh()} | challenge | changes)

    def send(self, told: Order, *signers: int, verb: str = "") -> dict[str, Any]:
        """Sign and send; the gate's answer."""
        payload = order.encode(told)
        self.commands.take(verb or told.verb, order.message([order.sign(key(number), payload) for number in signers]))
        topic, answer = self.said.pop()
        assert (topic, answer.pop("gate")) == (asking.reply_topic(told.id), HERE.gate)
        return answer

    def give(self, deed: Deed, *signers: int, after_s: float = 0, **changes: Any) -> dict[str, Any]:
        """A challenge, then the order; the gate's answer."""
        told = self.prepared(deed, **changes)
        self.later(after_s)
        return self.send(told, *signers)

    def fresh(self) -> bytes:
        return next(self._ids).to_bytes(16, "big")

    def close(self) -> None:
        self.transfer.close()

    def commanded(self, *names: str) -> list[tuple[Any, ...]]:
        """These facts of every event ``command``."""
        return [tuple(facts.get(name) for name in names) for kind, facts in self.events if kind is EventType.COMMAND]
