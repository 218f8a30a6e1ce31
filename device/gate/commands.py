"""Commands from the network: judged, carried out, recorded, answered. Whatever the bytes are, nothing is raised here.

Each order that counts is an event ``command``. What does not count does nothing; it is recorded too, up to 30 a minute singly and
the rest as counts, so that nobody fills the store by knocking.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from device.admission.folded import FoldedCounts
from device.bundles.delegations import Delegation
from device.bundles.envelope import Place
from device.clock import NS
from device.commands import asking, chunk, deeds
from device.commands.challenges import Challenges
from device.commands.deeds import Deed, Replay, Verb, verb_of
from device.commands.judge import Refusal, Ruling, judge
from device.commands.order import Order, unproven_id
from device.domain import EventType
from device.errors import VerificationError
from device.gate.carrying_out import CannotError, CarryingOut
from device.gate.province import Tell
from device.gate.transfer import Transfer, TransferError
from device.seldom import Seldom

log = logging.getLogger("qrgate.gate")

SINGLY_A_MINUTE = 30
MINUTE_NS = 60 * NS


class Commands:
    def __init__(  # noqa: PLR0913 - the composition root hands everything in, once
        self,
        *,
        place: Place,
        boot: str,
        delegations: Callable[[int], tuple[Delegation, ...]],
        passed_s: Callable[[], int],
        challenges: Challenges,
        carrying_out: CarryingOut,
        transfer: Transfer,
        say: Callable[[str, bytes], object],
        tell: Tell,
        ticks: Callable[[], int],
    ) -> None:
        """``delegations`` are those in force after so many seconds since 1970; ``passed_s`` is a moment that has certainly passed;
        ``say`` publishes below the gate's own topics, or drops it; ``tell`` records a fact.
        """
        self._place = place
        self._boot = boot
        self._delegations = delegations
        self._passed_s = passed_s
        self._challenges = challenges
        self._carrying_out = carrying_out
        self._transfer = transfer
        self._say = say
        self._tell = tell
        self._ticks = ticks
        self._seldom = Seldom(log, ticks)
        self._budget: FoldedCounts[str] = FoldedCounts(SINGLY_A_MINUTE, MINUTE_NS)

    def take(self, verb: str, payload: bytes) -> None:
        """A message below the gate's topic ``cmd``. It may be anybody's."""
        now_ns = self._ticks()
        match verb:
            case asking.CHALLENGE:
                self._give_challenge(payload, now_ns)
            case chunk.VERB:
                self._take_chunk(payload, now_ns)
            case _:
                self._take_order(verb, payload, now_ns)

    def look(self, now_ns: int) -> None:
        """Once a turn."""
        if (dropped := self._transfer.look(now_ns)) is not None:
            self._tell(EventType.COMMAND, {"what": chunk.VERB, "order": dropped.hex(), "outcome": "failed", "why": "silent"})
            self._answer(dropped, {"outcome": "failed", "why": "silent"})
        if counts := self._budget.due(now_ns):
            self._tell(EventType.AUDIT, {"what": "commands_folded", "counts": dict(counts)})
            self._budget.settle(counts)
        self._carrying_out.look()

    # --- orders ------------------------------------------------------------------------------------------------

    def _take_order(self, verb: str, payload: bytes, now_ns: int) -> None:
        passed_s = self._passed_s()
        ruling = judge(payload, verb, place=self._place, boot=self._boot, delegations=self._delegations(passed_s), passed_s=passed_s)
        order, refusal = ruling.order, ruling.refusal
        if order is None or refusal is not None:
            self._refuse(verb, payload, ruling, refusal or Refusal.MALFORMED, now_ns)
            return
        given_ns = self._challenges.redeem(order.challenge, now_ns, within_s=ruling.within_s)
        if isinstance(given_ns, Refusal):
            self._refuse(verb, payload, ruling, given_ns, now_ns)
            return
        self._obey(order, _facts(order, ruling), given_ns, now_ns)

    def _obey(self, order: Order, facts: dict[str, Any], given_ns: int, now_ns: int) -> None:
        try:
            told = self._carrying_out.do(order, facts | {"outcome": "done"}, given_ns=given_ns, now_ns=now_ns)
        except CannotError as error:
            self._seldom.warning("an order cannot be carried out: %s: %s", _words(order.deed), error)
            self._tell(EventType.COMMAND, facts | {"outcome": "failed", "why": str(error)})
            self._answer(order.id, {"outcome": "failed", "why": str(error)})
            return
        log.info("order %s is carried out", _words(order.deed))
        self._answer(order.id, {"outcome": "done"} | told.recorded | told.answered)

    def _refuse(self, verb: str, payload: bytes, ruling: Ruling, why: Refusal, now_ns: int) -> None:
        if ruling.order is not None:
            self._turn_away(_facts(ruling.order, ruling), why, ruling.order.id, now_ns)
        else:
            self._turn_away({"what": verb if verb in list(Verb) else "unknown"}, why, unproven_id(payload), now_ns)

    def _turn_away(self, facts: dict[str, Any], why: str, id_: bytes | None, now_ns: int) -> None:
        """Record and answer it within the minute's budget, and only count it beyond."""
        if self._budget.folds(str(why), now_ns):
            return
        self._seldom.warning("a command does not count: %s", why)
        self._tell(EventType.COMMAND, facts | {"outcome": "refused", "why": str(why)})
        if id_ is not None:
            self._answer(id_, {"outcome": "refused", "why": str(why)})

    # --- challenges --------------------------------------------------------------------------------------------

    def _give_challenge(self, payload: bytes, now_ns: int) -> None:
        """Silence where too many are asked for: answers would push others' out of the way."""
        try:
            ask = asking.decode_ask(payload)
        except VerificationError:
            self._turn_away({"what": asking.CHALLENGE}, Refusal.MALFORMED, None, now_ns)
            return
        challenge = self._challenges.give(now_ns, lifetime_s=ask.lifetime_s)
        if challenge is not None:
            self._answer(ask.id, {"outcome": "challenge"} | asking.challenge_reply(asking.Challenge(self._boot, challenge, ask.lifetime_s)))

    # --- files -------------------------------------------------------------------------------------------------

    def _take_chunk(self, payload: bytes, now_ns: int) -> None:
        try:
            part = chunk.decode(payload)
        except VerificationError:
            self._turn_away({"what": chunk.VERB}, Refusal.MALFORMED, None, now_ns)
            return
        try:
            progress = self._transfer.take(part, now_ns)
        except TransferError as error:
            self._turn_away({"what": chunk.VERB, "order": part.id.hex()}, str(error), part.id, now_ns)
            return
        if progress is not None:
            self._answer(part.id, {"outcome": "receiving"} | progress)
            if progress["whole"]:
                self._tell(EventType.COMMAND, {"what": chunk.VERB, "order": part.id.hex(), "outcome": "received"})

    def _answer(self, id_: bytes, told: dict[str, Any]) -> None:
        try:
            self._say(asking.reply_topic(id_), asking.encode_reply({"gate": self._place.gate} | told))
        except VerificationError as error:
            self._seldom.error("an answer is not sent: %s", error.what)


def _words(deed: Deed) -> str:
    """For the log, which names nobody: who has ordered, and why, stands in the record."""
    match deed:
        case Replay(epoch, ranges):
            return f"{verb_of(deed)} ({len(ranges)} ranges of epoch {epoch})"
        case _:
            told = ", ".join(f"{name} {value.hex() if isinstance(value, bytes) else value}" for name, value in deeds.arguments(deed).items())
            return f"{verb_of(deed)} ({told})" if told else str(verb_of(deed))


def _facts(order: Order, ruling: Ruling) -> dict[str, Any]:
    """What is recorded of an order whose signatures are proven."""
    arguments = {name: value.hex() if isinstance(value, bytes) else value for name, value in deeds.arguments(order.deed).items()}
    facts = {"what": order.verb.value, "order": order.id.hex(), "args": arguments, "actor": order.actor, "reason": order.why}
    return facts | {"keys": list(ruling.signers)}
