"""Events that are missing, and the signed order by which the recorder asks a gate for them again. No disk, clock or socket here.

A gate sends again by itself what nobody has confirmed. What is missing all the same was confirmed and then lost with an archive, or
is given up by a void that got lost, or is held back. So this is slow on purpose. A gate of before obeys no orders, and is not asked.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from device.commands import asking, order
from device.commands.asking import CHALLENGE, Ask
from device.commands.deeds import RANGES_MAX, Replay, Verb
from device.commands.order import ID_BYTES, Order
from device.events.topics import Topics
from provisioning.operations.births import COMMANDS, Birth
from provisioning.operations.runs import Range

ACTOR = "recorder"
WHY = "events are missing"
PATIENCE_S = 180.0
"""A gap is older than this before anybody asks: the backlog lane is slower than the live one, and repeats take half a minute."""
AGAIN_S = 600.0
AGAIN_MAX_S = 24 * 3600.0
OPEN_MAX = 20
"""Questions that wait for a challenge, in the whole province."""
REMEMBERED = 1000
"""Gaps in memory, at most two of an epoch."""
GATES_MAX = 20_000

Outgoing = tuple[str, bytes]


@dataclass(frozen=True, slots=True)
class Gap:
    """What one epoch of one gate lacks. ``originals``: these are events in whose place voids stand."""

    topics: Topics
    epoch: str
    ranges: tuple[Range, ...]
    originals: bool = False


@dataclass(slots=True)
class _Waiting:
    gap: Gap
    due_s: float
    pause_s: float = AGAIN_S


class Repeats:
    """Asks for a challenge, and then for the events. ``id_`` makes 16 fresh bytes."""

    def __init__(self, key: Ed25519PrivateKey, id_: Callable[[], bytes] = lambda: secrets.token_bytes(ID_BYTES)) -> None:
        self._key = key
        self._id = id_
        self._waiting: dict[tuple[str, str, bool], _Waiting] = {}
        self._asked: dict[bytes, tuple[Gap, float]] = {}
        self._obedient: dict[str, None] = {}  # by the birth message that the broker keeps, so that it need not be kept here

    def heard(self, birth: Birth) -> None:
        """Whether this gate obeys orders; none is sent to a gate that was not heard."""
        self._obedient.pop(birth.topics.gate, None)
        if COMMANDS in birth.capabilities:
            self._obedient[birth.topics.gate] = None
        if len(self._obedient) > GATES_MAX:
            del self._obedient[next(iter(self._obedient))]

    def look(self, gaps: Iterable[Gap], now_s: float) -> list[Outgoing]:
        """The questions that are due. ``gaps`` are all there are now: one that is closed is forgotten."""
        before, self._waiting = self._waiting, {}
        self._asked = {id_: each for id_, each in self._asked.items() if each[1] > now_s}
        questions = []
        for gap in gaps:
            if len(self._waiting) >= REMEMBERED:
                break
            if gap.topics.gate not in self._obedient:
                continue
            place = (gap.topics.gate, gap.epoch, gap.originals)
            waiting = self._waiting[place] = before.get(place) or _Waiting(gap, now_s + PATIENCE_S)
            waiting.gap = gap
            if now_s >= waiting.due_s and len(self._asked) < OPEN_MAX:
                waiting.due_s, waiting.pause_s = now_s + waiting.pause_s, min(2 * waiting.pause_s, AGAIN_MAX_S)
                questions.append(self.ask(gap, now_s))
        return questions

    def ask(self, gap: Gap, now_s: float) -> Outgoing:
        """The question for a challenge, with which the order for ``gap`` can be signed."""
        ask = Ask(self._id())
        self._asked[ask.id] = (gap, now_s + ask.lifetime_s)
        return gap.topics.command(CHALLENGE), asking.encode_ask(ask)

    def answered(self, topics: Topics, id_: bytes, body: bytes, now_s: float) -> Outgoing | None:
        """The signed order, where ``body`` is the challenge that was asked for under ``id_``.

        Raises:
            VerificationError: it is none; or the gap cannot be named in an order.
        """
        gap, until_s = self._asked.get(id_, (None, 0.0))
        if gap is None or gap.topics != topics or now_s > until_s:
            return None
        del self._asked[id_]
        challenge = asking.read_challenge(asking.decode_reply(body))
        deed = Replay(gap.epoch, gap.ranges[:RANGES_MAX])
        told = Order(self._id(), deed, topics.gate, challenge.boot, challenge.challenge, challenge.lifetime_s, ACTOR, WHY)
        return topics.command(Verb.REPLAY), order.message([order.sign(self._key, order.encode(told))])


def read_reply_topic(topic: str) -> tuple[Topics, bytes] | None:
    """Whose answer it is, and to which question."""
    match topic.split("/"):
        case ["qg", "v1", province, site, gate, "reply", text] if len(text) == 2 * ID_BYTES:
            try:
                return Topics(province, site, gate), bytes.fromhex(text)
            except ValueError:
                return None
        case _:
            return None
