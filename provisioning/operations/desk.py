"""The desk between broker and archive: judges what came, has it stored, and says what is to be sent. It knows no connection."""

from __future__ import annotations

import hashlib
import logging
import secrets
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from device.commands import signed_time
from device.commands.deeds import Verb
from device.commands.order import ID_BYTES
from device.errors import VerificationError
from device.events import confirmation
from device.events.confirmation import Confirmation
from device.events.cose import sign1
from device.events.topics import Topics
from provisioning.operations import alarms, arrivals, births, missing
from provisioning.operations.alarms import ADVICE, What
from provisioning.operations.archive import SAFE, Archive, Verdict
from provisioning.operations.arrivals import Arrival, Ignored, is_well_spelt
from provisioning.operations.births import Birth
from provisioning.operations.confirming import Confirming
from provisioning.operations.minutes import Minutes, Seldom, Tally
from provisioning.operations.repeats import Repeats, read_reply_topic
from provisioning.operations.settings import RecorderSettings

LOOK_S = 1.0
"""So often what an operator has accepted is read: from a table that is nearly always empty."""
GAPS_S = 60.0
OVERDUE_S = 3600.0
"""So often what has been missing for long is looked for: after a start, gates have so much time to send what waited for it."""

log = logging.getLogger("qrgate.recorder")


@dataclass(frozen=True, slots=True)
class Message:
    """As it came. ``fresh`` is one that the broker neither kept for us nor sends a second time."""

    topic: str
    body: bytes = field(repr=False)
    fresh: bool = True


@dataclass(frozen=True, slots=True)
class Outgoing:
    topic: str
    body: bytes = field(repr=False)
    retain: bool = False


@dataclass(frozen=True, slots=True)
class Taken:
    """What one commit has made safe, and what is to be said about it."""

    safe: list[Arrival]
    said: list[Outgoing]


class Desk:
    """Owned by one thread. ``take`` what came; once it is safe everywhere, ``tell``; and send what ``next`` gives."""

    def __init__(self, settings: RecorderSettings, archive: Archive, key: Ed25519PrivateKey) -> None:
        self.tally = Tally()
        self._province = settings.identity.province
        self._tells_time = settings.clock.trusted
        self._archive = archive
        self._key = key
        self._repeats = Repeats(key)
        self._confirming = Confirming()
        self._unsent: deque[Outgoing] = deque()
        self._seldom = Seldom()
        now_s = time.monotonic()
        self._minutes = Minutes(now_s)
        self._look_s = self._gaps_s = self._overdue_s = now_s

    def take(self, messages: Sequence[Message], received_at: datetime) -> Taken:
        """Commit what is to be kept.

        Raises:
            StoreError: nothing of them was stored, and they may be taken once more.
        """
        kept: list[Arrival | Birth] = []
        answers: list[Outgoing] = []
        ignored: Counter[str] = Counter()
        for message in messages:
            match self._judged(message):
                case Arrival() as found:
                    kept.append(found)
                case Birth() as found:
                    self._repeats.heard(found)
                    kept.append(found)
                case Ignored(why):
                    ignored[why] += 1
                    self.warn(why, f"a message on {message.topic[:100]!r} is ignored: {why}")
                case Outgoing() as answer:
                    answers.append(answer)
        verdicts = self._archive.store(kept, received_at=received_at)
        safe = [each for each, verdict in zip(kept, verdicts, strict=True) if isinstance(each, Arrival) and verdict in SAFE]
        self.tally.ignored.update(ignored)
        self.tally.stored += verdicts.count(Verdict.STORED)
        self.tally.duplicates += verdicts.count(Verdict.DUPLICATE)
        self.tally.conflicts += verdicts.count(Verdict.CONFLICT) + verdicts.count(Verdict.CROWDED)
        return Taken(safe, [*answers, *self._raised(), *self._originals(safe)])

    def tell(self, taken: Taken) -> None:
        """It is safe wherever it shall be: confirm it."""
        self._unsent.extend(taken.said)
        if left := self._confirming.add(taken.safe):
            self.warn("confirming", f"{left} events are confirmed when their gates send them again: too many of theirs wait already")

    @property
    def waiting(self) -> int:
        """Messages and events that wait for the broker's window."""
        return len(self._unsent) + len(self._confirming)

    def next(self) -> Outgoing | None:
        """What is to be sent next, signed at this moment: answers and notes before confirmations."""
        if self._unsent:
            return self._unsent.popleft()
        found = self._confirming.next()
        if found is None:
            return None
        return self._confirmation(*found)

    def look(self, now_s: float) -> None:
        """What is due by the clock, beside the log's line of the minute."""
        if line := self._minutes.line(self.tally, now_s):
            log.info(line)
        if now_s - self._look_s >= LOOK_S:
            self._look_s = now_s
            self._unsent.extend(self._notes(self._archive.take_accepted()))
        if now_s - self._gaps_s >= GAPS_S:
            self._gaps_s = now_s
            self._unsent.extend(Outgoing(*each) for each in self._repeats.look(self._archive.gaps(self._province), now_s))
        if now_s - self._overdue_s >= OVERDUE_S:
            self._overdue_s = now_s
            missing.raise_alarms(self._archive.database, self._archive.register, self._archive.gaps(self._province), datetime.now(UTC))
            self._unsent.extend(self._raised())

    def greet(self) -> None:
        """A new connection: what the broker keeps for us it may have lost, and what was to be said on the old one is said by the next repeat."""
        self._unsent = deque(self._notes(self._archive.register.alarmed()))

    # --- one message -------------------------------------------------------------------------------------------

    def _judged(self, message: Message) -> Arrival | Birth | Ignored | Outgoing | None:
        match message.topic.split("/")[5:]:
            case ["state"]:
                return births.read(message.topic, message.body, province=self._province, fresh=message.fresh)
            case ["request", "time"]:
                return self._time(message)
            case ["reply", _]:
                return self._reply(message)
            case _:
                return arrivals.read(message.topic, message.body, province=self._province)

    def _time(self, message: Message) -> Outgoing | Ignored | None:
        if not self._tells_time:
            self.warn("time", "gates ask for the time; where this machine's clock is kept right, [clock] trusted = true in recorder.toml answers")
            return None
        topics = read_time_topic(message.topic)
        try:
            question = signed_time.decode(message.body)
            if topics is None or topics.province != self._province or question.gate != topics.gate:
                return Ignored("a question for the time in another's name")
            now_ms = round(datetime.now(UTC).timestamp() * 1000)
            answer = signed_time.answer(self._key, question, id_=secrets.token_bytes(ID_BYTES), utc_ms=now_ms)
        except VerificationError:
            return Ignored("not a question for the time")
        return Outgoing(topics.command(Verb.TIME), answer)

    def _reply(self, message: Message) -> Outgoing | Ignored | None:
        """Gates answer operators too: what nobody here has asked is not for us."""
        found = read_reply_topic(message.topic)
        if found is None:
            return None
        try:
            order = self._repeats.answered(*found, message.body, time.monotonic())
        except VerificationError:
            return Ignored("no challenge")
        return Outgoing(*order) if order else None

    # --- what is said ------------------------------------------------------------------------------------------

    def _confirmation(self, topic: str, confirmed: Confirmation) -> Outgoing:
        self.tally.confirmations += 1
        return Outgoing(topic, sign1(self._key, confirmation.encode(confirmed), context=confirmation.CONTEXT))

    def _originals(self, safe: Sequence[Arrival]) -> Iterator[Outgoing]:
        """A void came, and what it stands for is here: the gate, which keeps that until it hears so, is told before its void is confirmed."""
        for each in safe:
            if self._archive.has_original(each):
                digest = hashlib.sha256(each.link).digest()
                yield self._confirmation(each.topics.confirmation, Confirmation(each.topics.gate, each.epoch, each.sequence, each.sequence, digest))

    def _raised(self) -> Iterator[Outgoing]:
        gates = self._archive.register.take_raised()
        for gate in gates:
            for what, _ in self._archive.register.alarms(gate):
                self.warn(what, f"alarm {what} at gate {gate}: {ADVICE[What(what)]}")
        yield from self._notes(gates)

    def _notes(self, gates: Sequence[str]) -> Iterator[Outgoing]:
        for gate in gates:
            if site := self._archive.register.site(gate):
                yield Outgoing(Topics(self._province, site, gate).note, alarms.note(gate, self._archive.register.alarms(gate)), retain=True)

    def warn(self, kind: str, what: str) -> bool:
        """To the log, once a minute and kind; whether it was written."""
        line = self._seldom.line(kind, what, time.monotonic())
        if line:
            log.warning(line)
        return bool(line)


def read_time_topic(topic: str) -> Topics | None:
    """Who asks for the time."""
    match topic.split("/"):
        case ["qg", "v1", province, site, gate, "request", "time"] if is_well_spelt(topics := Topics(province, site, gate)):
            return topics
        case _:
            return None
