"""Is this the gate that it was? A copied card shows in its key, in its signed head, and in boots that cannot follow each other."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from device.errors import VerificationError
from device.events import head
from device.events.cloudevents import event_id
from device.events.head import Head
from provisioning.operations.alarms import What
from provisioning.operations.arrivals import VOID, link_of, read_object
from provisioning.operations.births import Birth
from provisioning.operations.database import Database
from provisioning.operations.register import Known, Register

RETURNS_MAX = 4
RETURNS_WITHIN = timedelta(hours=1)
"""Two devices with one client id put each other out, turn by turn and for ever, so a boot that had been followed by another is
there again every few minutes. Once alone proves nothing: a broker that was killed may send a birth again that it had delivered."""
RETURNS_APART = timedelta(minutes=1)
RETURNS_REMEMBERED = 1000  # gates


class Identities:
    """Judges birth messages against what is stored."""

    def __init__(self, database: Database, register: Register) -> None:
        self._database = database
        self._register = register
        self._returns: OrderedDict[str, list[datetime]] = OrderedDict()

    def judge(self, birth: Birth, known: Known, moment: str) -> Iterator[What]:
        """What is wrong with ``birth``; ``known`` is brought up to date. Every step is taken, so exhaust it."""
        if birth.key:
            yield from self._key(birth, known)
        if birth.head and birth.key == known.key:
            yield from self._head(birth, known)
        first_seen = not self._register.has_seen(known.gate, birth.boot)
        if birth.fresh and first_seen and self._began_behind(birth):
            yield What.ROLLED_BACK
        if birth.boot != known.boot and (first_seen or birth.fresh):
            if not first_seen and self._takes_turns(known.gate, datetime.fromisoformat(moment)):
                yield What.TWO_BOOTS
            known.boot = birth.boot
            self._register.change(known)
        if first_seen:
            self._register.saw(known.gate, birth.boot, birth.epoch, moment)

    def _key(self, birth: Birth, known: Known) -> Iterator[What]:
        if known.key is None:
            known.key = birth.key
            self._register.change(known)
        elif birth.key != known.key:
            if birth.key != known.other_key:
                known.other_key = birth.key
                self._register.change(known)
            yield What.OTHER_KEY

    def _head(self, birth: Birth, known: Known) -> Iterator[What]:
        """The event at the head may be here already, or come later: the archive compares it then."""
        try:
            told = head.verify(birth.head, Ed25519PublicKey.from_public_bytes(birth.key))
        except (VerificationError, ValueError):
            told = Head("", "", 0, b"")
        if told.gate != known.gate:
            yield What.BROKEN_CHAIN
            return
        if not told.sequence:
            return
        if stored := self._body(known.gate, told.epoch, told.sequence):
            if link_of(stored) != told.hash:
                yield What.BROKEN_CHAIN
        elif (told.epoch, told.sequence) != (known.head_epoch, known.head_sequence):
            known.head_epoch, known.head_sequence, known.head_hash = told.epoch, told.sequence, told.hash
            self._register.change(known)

    def _began_behind(self, birth: Birth) -> bool:
        """Another boot has sent the very event that this one would write next. A void there may have been written later."""
        body = self._body(birth.topics.gate, birth.epoch, birth.last_sequence + 1)
        event = read_object(body) if body else None
        return isinstance(event, dict) and event.get("type") != VOID and event.get("bootid") not in (None, birth.boot)

    def _takes_turns(self, gate: str, now: datetime) -> bool:
        """Count one return, at most one a minute; whether they are too many."""
        returns = [each for each in self._returns.pop(gate, []) if now - each < RETURNS_WITHIN]
        if not returns or now - returns[-1] >= RETURNS_APART:
            returns.append(now)
        self._returns[gate] = returns
        while len(self._returns) > RETURNS_REMEMBERED:
            self._returns.popitem(last=False)
        return len(returns) >= RETURNS_MAX

    def _body(self, gate: str, epoch: str, sequence: int) -> bytes | None:
        row = self._database.row("SELECT body FROM events WHERE source = ? AND id = ?", (f"/gates/{gate}", event_id(gate, epoch, sequence)))
        return row[0] if row else None
