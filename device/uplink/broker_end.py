"""The uplink's end of the sessions with the broker, one after the other: what is sent in which order, and what each answer means.

It believes nobody: the broker's PUBACK deletes no event, and what comes from the network is handed to the gate as it came.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from device.clock import NS
from device.domain import StoredEvent
from device.events.topics import Topics
from device.links import Again, BrokerState, Events, Give, Health, Hello, Lane, Message, Refused, Say
from device.seldom import Seldom
from device.settings import Settings
from device.uplink import discovery, packets, presence
from device.uplink.actions import Ask, Publish, Stuck, Tell, Wait
from device.uplink.backoff import Backoff
from device.uplink.client import Outcome, Session, SessionError
from device.uplink.culprit import Culprit
from device.uplink.drain import Drain
from device.uplink.inbox import Letter
from device.uplink.refusals import Refusals
from device.uplink.retained import Retained
from device.uplink.sayings import Sayings
from device.uplink.timing import Timing
from device.uplink.word import Word

log = logging.getLogger("qrgate.uplink")


class BrokerEnd:
    """``session`` is there from dialling to its loss. Nothing here waits."""

    def __init__(self, settings: Settings, timing: Timing, *, tell_gate: Callable[[Message], None], take: Callable[[Letter], bool]) -> None:
        """``take`` hands a letter from the network to the gate, or answers that it cannot now."""
        self.session: Session | None = None
        self._settings = settings
        self._timing = timing
        self._topics = Topics(settings.site.province, settings.site.site, settings.site.gate)
        self._tell_gate = tell_gate
        self._take = take
        self._hello: Hello | None = None
        self._drain: Drain | None = None  # while the session is ready
        self._ready_ns = 0
        self._dial_at_ns = 0
        self._backoff = Backoff(timing.first_wait_s, timing.most_wait_s)
        self._quota = Backoff(timing.first_quota_wait_s, timing.most_wait_s)
        self._refusals = Refusals()
        self._culprit = Culprit(settings.broker.protocol)
        self._last_loss = ""
        self._seldom = Seldom(log)
        self._health = self._retained("health", self._topics.health)
        topic, body = discovery.message(self._topics, settings.broker, presence.own_version())
        self._description = self._retained("description for Home Assistant", topic)
        if settings.broker.home_assistant:
            self._description.put(body)
        self._sayings = Sayings(self._word_backoff(), answer_within_ns=int(timing.answer_s * NS), lingers_ns=self._culprit.lingers_ns)
        self._words: tuple[Word, ...] = (self._health, self._description, self._sayings)

    @property
    def connected(self) -> bool:
        """There is a session in which events go out."""
        return self._drain is not None

    # --- the gate's side ---------------------------------------------------------------------------------------

    def new_gate(self, hello: Hello, now_ns: int) -> None:
        """A link with the gate began; what was asked and said over the old one counts no more."""
        self._hello = hello
        self._health.forget()
        self._sayings.forget()
        if self.session and (hello.boot, hello.epoch, hello.key) != (self.session.hello.boot, self.session.hello.epoch, self.session.hello.key):
            self._culprit.forget()
            self.hang_up("the gate began a new epoch, so a new birth message is due", now_ns)
        if self._drain:
            self._drain.start_over(hello.last_sequence)
        self._tell_gate(BrokerState(connected=self.connected))

    def from_gate(self, message: Hello | Events | Again | Say | Health, now_ns: int) -> None:
        match message:
            case Hello():
                self._hello = message  # the same gate, with what it has recorded since
            case Events(lane, events):
                if self._drain:  # else it answers a question of the lost session
                    self._drain.given(lane, events, now_ns)
            case Again(first, last):
                if self._drain:  # else the next session sends all there is
                    self._drain.again(first, last)
            case Say(topic, body):
                if not self._sayings.put(self._topics.said(topic), body):
                    self._seldom.warning("the gate says more than can be sent: the oldest answer was dropped")
            case Health(body):
                self._health.put(body)

    # --- the broker's side -------------------------------------------------------------------------------------

    def step(self, *, gate_is_there: bool, now_ns: int) -> int | None:
        """Move everything one turn on. Returns when the next turn is due at the latest. Raises ContactError and SettingsError."""
        if self.session is None:
            if not gate_is_there or self._hello is None:
                return None
            if now_ns < self._dial_at_ns:
                return self._dial_at_ns
            self._tell_gate(BrokerState(connected=False))  # answered by a Hello that is newer than this one
            self.session = Session(self._settings, self._hello, self._timing, now_ns)
        return self._carry(self.session, now_ns)

    def hang_up(self, why: str, now_ns: int) -> None:
        """For a reason of our own, which is nobody's fault."""
        if self.session:
            self._end(self.session, SessionError(why), now_ns)

    def _carry(self, session: Session, now_ns: int) -> int | None:
        try:
            if not session.ready and self._hello:
                session.hello = self._hello
            session.step(now_ns)
            if not session.ready:
                return None
            drain = self._drain or self._begin(session, now_ns)
            self._judge_all(session, drain, now_ns)
            self._culprit.cleared(drain.cleared(now_ns))
            if session.hand_over(self._take):
                drain.confirmation_arrived()
            return self._send(session, drain, now_ns)
        except SessionError as loss:
            if self._drain:
                self._judge_all(session, self._drain, now_ns)  # mosquitto 2.0 may refuse an event and hang up in one breath: its answer counts
                self._look_for_culprit(self._drain, loss, now_ns)
            self._end(session, loss, now_ns)
            return self._dial_at_ns

    def _begin(self, session: Session, now_ns: int) -> Drain:
        self._drain = Drain(
            self._refusals,
            live_after=session.hello.last_sequence,
            window=session.window,
            confirm_within_ns=int(self._settings.broker.confirm_within_s * NS),
            answer_within_ns=int(self._timing.answer_s * NS),
            pace_per_s=self._timing.pace_per_s,
            suspects=self._culprit.suspects,
            lingers_ns=self._culprit.lingers_ns,
        )
        for word in self._words:
            word.session_began()
        self._ready_ns = now_ns
        self._last_loss = ""
        self._tell_gate(BrokerState(connected=True))
        self._seldom.info("connected with %s:%d, window %d", self._settings.broker.host, self._settings.broker.port, session.window)
        return self._drain

    # --- what is sent ------------------------------------------------------------------------------------------

    def _send(self, session: Session, drain: Drain, now_ns: int) -> int | None:
        """Send what may go, the most urgent first. Returns when the next turn is due at the latest."""
        dates_ns = [
            self._send_word(self._health, session, now_ns),
            self._send_word(self._description, session, now_ns),
            self._send_events(Lane.LIVE, session, drain, now_ns),
            self._send_word(self._sayings, session, now_ns),
            self._send_events(Lane.BACKLOG, session, drain, now_ns),
        ]
        return min((date_ns for date_ns in dates_ns if date_ns is not None), default=None)

    def _send_word(self, word: Word, session: Session, now_ns: int) -> int | None:
        while True:
            match word.next(now_ns, session.room):
                case Tell() as tell:
                    mid = session.tell(tell)
                    if mid is None:
                        self._refuse_word(word, packets.PACKET_TOO_LARGE, now_ns)
                    else:
                        word.sent(mid, now_ns)
                case Stuck(waited_ns):
                    raise _owes_an_answer(waited_ns)
                case Wait(until_ns):
                    return until_ns

    def _send_events(self, lane: Lane, session: Session, drain: Drain, now_ns: int) -> int | None:
        drain.window = session.window - sum(word.under_way for word in self._words)
        while True:
            match drain.next(lane, now_ns):
                case Publish() as publish:
                    mid = session.publish(publish)
                    if mid is None:
                        drain.skipped(publish, now_ns)
                        self._refuse(publish.event, packets.PACKET_TOO_LARGE)
                    else:
                        drain.sent(mid, publish, now_ns)
                case Ask(of_lane, after, limit):
                    self._tell_gate(Give(of_lane, after, limit))
                case Stuck(waited_ns):
                    raise _owes_an_answer(waited_ns)
                case Wait(until_ns):
                    return until_ns

    # --- what the broker answers -------------------------------------------------------------------------------

    def _judge_all(self, session: Session, drain: Drain, now_ns: int) -> None:
        while session.outcomes:
            outcome = session.outcomes.popleft()
            word = next((word for word in self._words if word.mid == outcome.mid), None)
            if word:
                self._judge_word(word, outcome.code, now_ns)
            else:
                self._judge(outcome, drain, now_ns)

    def _judge(self, outcome: Outcome, drain: Drain, now_ns: int) -> None:
        """One PUBACK. Its reason code alone counts: paho calls every answered publish published. Before MQTT 5 it has none."""
        if outcome.code < packets.FAILURE:
            self._quota.reset()
            drain.acknowledged(outcome.mid, now_ns)
        elif outcome.code in packets.LASTING:
            self._refuse(drain.refused(outcome.mid, now_ns), outcome.code)
        else:
            wait_s = self._quota.wait_s()
            self._seldom.warning("the broker takes nothing now (reason code 0x%02x); next try in %.1f s", outcome.code, wait_s)
            drain.postponed(outcome.mid, now_ns + int(wait_s * NS))

    def _judge_word(self, word: Word, code: int, now_ns: int) -> None:
        if code < packets.FAILURE:
            word.acknowledged(now_ns)
        elif code in packets.LASTING:
            self._refuse_word(word, code, now_ns)
        else:
            word.postponed(now_ns)

    def _refuse(self, event: StoredEvent | None, code: int) -> None:
        if event:
            self._seldom.error("the broker refuses event %d for good (reason code 0x%02x)", event.sequence, code)
            self._tell_gate(Refused(event.sequence, code))

    def _refuse_word(self, word: Word, code: int, now_ns: int) -> None:
        if not word.was_refused:  # a state that changes often is one line, too
            self._seldom.error("the broker refuses this gate's %s for good (reason code 0x%02x): may the gate write there?", word.name, code)
        word.refused(now_ns)

    # --- ends --------------------------------------------------------------------------------------------------

    def _look_for_culprit(self, drain: Drain, loss: SessionError, now_ns: int) -> None:
        beside_events = any(word.may_be_why(now_ns) for word in self._words)
        if event := self._culprit.session_ended(drain, loss.code, now_ns, beside_events=beside_events):
            self._refusals.add(event, now_ns)
            self._refuse(event, packets.UNSPECIFIED if loss.code is None else loss.code)

    def _end(self, session: Session, loss: SessionError, now_ns: int) -> None:
        if self._drain:
            self._backoff.lasted((now_ns - self._ready_ns) / NS)
            self._tell_gate(BrokerState(connected=False))
        for word in self._words:
            word.session_ended(now_ns)
        session.close()
        self.session = self._drain = None
        wait_s = self._backoff.wait_s()
        self._dial_at_ns = now_ns + int(wait_s * NS)
        if loss.what == self._last_loss:  # an outage of a week is one line, not one a try
            return
        hint = f" ({loss.hint})" if loss.hint else ""
        if self._seldom.warning("no session with the broker: %s%s; next try in %.1f s", loss.what, hint, wait_s):
            self._last_loss = loss.what

    def _retained(self, name: str, topic: str) -> Retained:
        return Retained(
            name,
            topic,
            self._word_backoff(),
            apart_ns=int(self._timing.word_apart_s * NS),
            answer_within_ns=int(self._timing.answer_s * NS),
            lingers_ns=self._culprit.lingers_ns,
        )

    def _word_backoff(self) -> Backoff:
        return Backoff(self._timing.first_word_wait_s, self._timing.most_word_wait_s)


def _owes_an_answer(waited_ns: int) -> SessionError:
    return SessionError(f"the broker has owed an answer for {waited_ns / NS:.0f} s")
