"""The voice: carries the gate's events to the broker, and the network's bytes to the gate. Keeps nothing on disk.

One thread does everything; only dialling has another (``dial.py``). It believes nobody: the broker's PUBACK deletes no
event, and what comes from the network is handed to the gate as it came.
"""

from __future__ import annotations

import logging
import math
import select
import threading

from device.clock import NS, monotonic_ns
from device.domain import StoredEvent
from device.errors import EXIT_OK
from device.links import UPLINK_SOCKET, BrokerState, Events, Give, Health, Hello, Received, Refused
from device.notify import ALIVE, READY, STOPPING, notify
from device.settings import Settings
from device.uplink import packets, tls
from device.uplink.backoff import Backoff
from device.uplink.client import Outcome, Session, SessionError
from device.uplink.drain import Ask, Drain, Publish, Stuck, Wait
from device.uplink.gate_end import GateEnd
from device.uplink.health import HealthSlot, Say
from device.uplink.inbox import Letter
from device.uplink.refusals import Refusals
from device.uplink.timing import Timing

log = logging.getLogger("qrgate.uplink")


def run(settings: Settings, stopping: threading.Event, timing: Timing | None = None) -> int:
    """Run until ``stopping``; the exit code.

    Raises:
        SettingsError: the certificate files cannot be used.
        ContactError: dialling hangs beyond every limit.
    """
    tls.context(settings.broker)  # files that are missing are told at the start, not at the first connection
    uplink = Uplink(settings, timing or Timing())
    notify(READY)
    try:
        while not stopping.is_set():
            uplink.step()
    finally:
        notify(STOPPING)
        uplink.leave()
    return EXIT_OK


class Uplink:
    def __init__(self, settings: Settings, timing: Timing) -> None:
        self._settings = settings
        self._timing = timing
        self._gate = GateEnd(settings.paths.runtime / UPLINK_SOCKET, timing)
        self._session: Session | None = None
        self._drain: Drain | None = None  # while the session is ready
        self._ready_ns = 0
        self._dial_at_ns = 0
        self._backoff = Backoff(timing.first_wait_s, timing.most_wait_s)
        self._quota = Backoff(timing.first_quota_wait_s, timing.most_wait_s)
        self._health = HealthSlot(
            Backoff(timing.first_health_wait_s, timing.most_health_wait_s),
            apart_ns=int(timing.health_apart_s * NS),
            answer_within_ns=int(timing.answer_s * NS),
        )
        self._careful_to = 0
        self._refusals = Refusals()
        self._suspect: StoredEvent | None = None  # the event that was alone in flight when the broker last ended a session over one
        self._last_loss = ""
        self._alive_ns = 0
        self._heard_gate_ns = 0

    def step(self) -> None:
        """One turn of the main loop: do all that can be done now, then wait for something to happen."""
        now_ns = monotonic_ns()
        if now_ns - self._alive_ns >= self._timing.watchdog_s * NS:
            self._alive_ns = now_ns
            notify(ALIVE)
        for message in self._gate.step(now_ns):
            self._from_gate(message, now_ns)
        if self._gate.hello:
            self._heard_gate_ns = now_ns
        elif self._session and now_ns - self._heard_gate_ns >= self._timing.gate_silent_s * NS:
            self._end(self._session, SessionError("the gate is silent: whoever reads its state is told that it is lost"), now_ns)
        if not self._session and self._gate.hello and now_ns >= self._dial_at_ns:
            self._session = Session(self._settings, self._gate.hello, self._timing, now_ns)
        if not self._session:
            self._wait(self._dial_at_ns if self._gate.hello else None)
        else:
            self._wait(self._carry(self._session, now_ns))

    def leave(self) -> None:
        """An orderly end: the state says so, the broker forgets the will, the gate is told."""
        deadline_ns = monotonic_ns() + int(self._timing.leave_s * NS)
        if self._session and self._session.ready:
            try:
                self._finish(self._session, deadline_ns)
            except SessionError as loss:
                log.warning("left without a goodbye: %s", loss.what)
        if self._session:
            self._session.close(orderly=self._session.ready)
        self._gate.close(BrokerState(connected=False))

    # --- the gate's side ---------------------------------------------------------------------------------------

    def _from_gate(self, message: Hello | Events | Health, now_ns: int) -> None:
        match message:
            case Hello():
                self._health.forget()
                session = self._session
                if session and (message.boot, message.epoch) != (session.hello.boot, session.hello.epoch):
                    self._careful_to, self._suspect = 0, None
                    self._end(session, SessionError("the gate began a new epoch, so a new birth message is due"), now_ns)
                if self._drain:
                    self._drain.start_over()
                self._gate.tell(BrokerState(connected=self._drain is not None))
            case Events(events):
                if self._drain:  # else it answers a question of the lost session
                    self._drain.given(events, now_ns)
            case Health(body):
                self._health.put(body)

    def _take(self, letter: Letter) -> bool:
        return self._gate.take(Received(letter.topic, letter.payload))

    # --- the broker's side -------------------------------------------------------------------------------------

    def _carry(self, session: Session, now_ns: int) -> int | None:
        """Move everything one turn on. Returns when the next turn is due at the latest."""
        try:
            session.step(now_ns)
            if not session.ready:
                return None
            drain = self._drain or self._begin(session, now_ns)
            self._judge_all(session, drain, now_ns)
            if session.hand_over(self._take):
                drain.confirmation_arrived()
            return self._send(session, drain, now_ns)
        except SessionError as loss:
            if self._drain:  # mosquitto 2.0 may refuse an event and hang up in one breath: its answer counts
                self._judge_all(session, self._drain, now_ns)
            self._end(session, loss, now_ns)
            return self._dial_at_ns

    def _begin(self, session: Session, now_ns: int) -> Drain:
        self._drain = Drain(
            self._refusals,
            window=session.window,
            confirm_within_ns=int(self._settings.broker.confirm_within_s * NS),
            answer_within_ns=int(self._timing.answer_s * NS),
            pace_per_s=self._timing.pace_per_s,
            careful_to=self._careful_to,
        )
        self._health.session_began()
        self._ready_ns = now_ns
        self._last_loss = ""
        self._gate.tell(BrokerState(connected=True))
        log.info("connected with %s:%d, window %d", self._settings.broker.host, self._settings.broker.port, session.window)
        return self._drain

    def _judge_all(self, session: Session, drain: Drain, now_ns: int) -> None:
        while session.outcomes:
            outcome = session.outcomes.popleft()
            if outcome.mid == self._health.mid:
                self._judge_health(outcome.code, now_ns)
            else:
                self._judge(outcome, drain, now_ns)

    def _judge(self, outcome: Outcome, drain: Drain, now_ns: int) -> None:
        """One PUBACK. Its reason code alone counts: paho calls every answered publish published."""
        if outcome.code < packets.FAILURE:
            self._quota.reset()
            drain.acknowledged(outcome.mid, now_ns)
        elif outcome.code in packets.LASTING:
            self._refuse(drain.refused(outcome.mid, now_ns), outcome.code)
        else:
            wait_s = self._quota.wait_s()
            log.warning("the broker takes nothing now (reason code 0x%02x); next try in %.1f s", outcome.code, wait_s)
            drain.postponed(outcome.mid, now_ns + int(wait_s * NS))

    def _judge_health(self, code: int, now_ns: int) -> None:
        if code < packets.FAILURE:
            self._health.acknowledged()
        elif code in packets.LASTING:
            self._refuse_health(code, now_ns)
        else:
            self._health.postponed(now_ns)

    def _send(self, session: Session, drain: Drain, now_ns: int) -> int | None:
        """Send what may go. Returns when the next turn is due at the latest."""
        dates_ns = [self._send_health(session, now_ns), self._send_events(session, drain, now_ns)]
        return min((date_ns for date_ns in dates_ns if date_ns is not None), default=None)

    def _send_health(self, session: Session, now_ns: int) -> int | None:
        while True:
            match self._health.next(now_ns, session.room):
                case Say(body):
                    mid = session.publish_health(body)
                    if mid is None:
                        self._refuse_health(packets.PACKET_TOO_LARGE, now_ns)
                    else:
                        self._health.sent(mid, now_ns)
                case Stuck(waited_ns):
                    raise _owes_an_answer(waited_ns)
                case Wait(until_ns):
                    return until_ns

    def _send_events(self, session: Session, drain: Drain, now_ns: int) -> int | None:
        drain.window = session.window - (1 if self._health.under_way else 0)
        while True:
            match drain.next(now_ns):
                case Publish(event):
                    mid = session.publish(event)
                    if mid is None:
                        drain.skipped(event, now_ns)
                        self._refuse(event, packets.PACKET_TOO_LARGE)
                    else:
                        drain.sent(mid, event, now_ns)
                case Ask(after, limit):
                    self._gate.tell(Give(after, limit))
                case Stuck(waited_ns):
                    raise _owes_an_answer(waited_ns)
                case Wait(until_ns):
                    return until_ns

    def _refuse(self, event: StoredEvent | None, code: int) -> None:
        if event:
            log.error("the broker refuses event %d for good (reason code 0x%02x)", event.sequence, code)
            self._gate.tell(Refused(event.sequence, code))

    def _refuse_health(self, code: int, now_ns: int) -> None:
        if not self._health.was_refused:  # a state that changes often is one line, too
            log.error("the broker refuses this gate's health for good (reason code 0x%02x): may the gate write its health topic?", code)
        self._health.refused(now_ns)

    # --- ends --------------------------------------------------------------------------------------------------

    def _end(self, session: Session, loss: SessionError, now_ns: int) -> None:
        if self._drain:
            self._look_for_culprit(self._drain, loss, now_ns)
            self._backoff.lasted((now_ns - self._ready_ns) / NS)
            self._gate.tell(BrokerState(connected=False))
        self._health.session_ended(now_ns)
        session.close()
        self._session = self._drain = None
        wait_s = self._backoff.wait_s()
        self._dial_at_ns = now_ns + int(wait_s * NS)
        if loss.what != self._last_loss:  # an outage of a week is one line, not one a try
            self._last_loss = loss.what
            log.warning("no session with the broker: %s%s; next try in %.1f s", loss.what, f" ({loss.hint})" if loss.hint else "", wait_s)

    def _look_for_culprit(self, drain: Drain, loss: SessionError, now_ns: int) -> None:
        """Some brokers answer an event they will never take by ending the session; then all behind it would wait for ever.

        Only the broker's own word counts (a broken line proves nothing): a lasting reason in its DISCONNECT, or an answer
        that paho cannot read (mosquitto's PUBACK with 0x95, which MQTT 5 does not allow there). What was in flight travels
        alone in the next session; whoever is alone when it happens twice running is refused. Beside a word about the
        gate's health no event is alone.
        """
        if loss.code not in packets.LASTING and loss.code != packets.MALFORMED:
            return
        self._careful_to = drain.careful_to
        alone = None if self._health.under_way else drain.alone
        if alone and alone == self._suspect:
            self._refusals.add(alone, now_ns)
            self._refuse(alone, loss.code)
        self._suspect = alone

    def _finish(self, session: Session, deadline_ns: int) -> None:
        said = False
        while monotonic_ns() < deadline_ns and not (said and session.all_answered):
            session.step(monotonic_ns())
            if not said and session.room > 0:
                session.say_goodbye()
                said = True
            self._wait(deadline_ns, gate=False)

    def _wait(self, until_ns: int | None, *, gate: bool = True) -> None:
        """Until something can be read or written, or ``until_ns``, or a tick has passed."""
        poll = select.poll()
        if gate and self._gate.fileno() >= 0:
            poll.register(self._gate.fileno(), select.POLLIN | (select.POLLOUT if self._gate.wants_write() else 0))
        if self._session and self._session.fileno() >= 0:
            poll.register(self._session.fileno(), select.POLLIN | (select.POLLOUT if self._session.wants_write() else 0))
        if self._session and self._session.holds_bytes():
            poll.poll(0)
            return
        dates_ns = [date_ns for date_ns in (until_ns, self._gate.wake_ns) if date_ns is not None]
        left_s = min([self._timing.tick_s, *((date_ns - monotonic_ns()) / NS for date_ns in dates_ns)])
        poll.poll(max(0, math.ceil(left_s * 1000)))


def _owes_an_answer(waited_ns: int) -> SessionError:
    return SessionError(f"the broker has owed an answer for {waited_ns / NS:.0f} s")
