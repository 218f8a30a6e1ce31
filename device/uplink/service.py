"""The voice: carries the gate's events to the broker, and the network's bytes to the gate. Keeps nothing on disk.

One thread does everything; only dialling has another (``dial.py``).
"""

from __future__ import annotations

import logging
import math
import select
import threading

from device.clock import NS, monotonic_ns
from device.errors import EXIT_OK
from device.links import UPLINK_SOCKET, BrokerState, Hello, Received
from device.notify import ALIVE, READY, STOPPING, notify
from device.settings import Settings
from device.uplink import tls
from device.uplink.broker_end import BrokerEnd
from device.uplink.client import Session, SessionError
from device.uplink.gate_end import GateEnd
from device.uplink.inbox import Letter
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
        self._timing = timing
        self._gate = GateEnd(settings.paths.runtime / UPLINK_SOCKET, timing)
        self._broker = BrokerEnd(settings, timing, tell_gate=self._gate.tell, take=self._take)
        self._alive_ns = 0
        self._heard_gate_ns = 0

    def step(self) -> None:
        """One turn of the main loop: do all that can be done now, then wait for something to happen."""
        now_ns = monotonic_ns()
        if now_ns - self._alive_ns >= self._timing.watchdog_s * NS:
            self._alive_ns = now_ns
            notify(ALIVE)
        before = self._gate.hello
        for message in self._gate.step(now_ns):
            if isinstance(message, Hello) and before is None:
                self._broker.new_gate(message, now_ns)
                before = message
            else:
                self._broker.from_gate(message, now_ns)
        if self._gate.hello:
            self._heard_gate_ns = now_ns
        elif now_ns - self._heard_gate_ns >= self._timing.gate_silent_s * NS:
            self._broker.hang_up("the gate is silent: whoever reads its state is told that it is lost", now_ns)
        self._wait(self._broker.step(gate_is_there=self._gate.hello is not None, now_ns=now_ns))

    def leave(self) -> None:
        """An orderly end: the state says so, the broker forgets the will, the gate is told."""
        deadline_ns = monotonic_ns() + int(self._timing.leave_s * NS)
        session = self._broker.session
        if session and session.ready:
            try:
                self._finish(session, deadline_ns)
            except SessionError as loss:
                log.warning("left without a goodbye: %s", loss.what)
        if session:
            session.close(orderly=session.ready)
        self._gate.close(BrokerState(connected=False))

    def _take(self, letter: Letter) -> bool:
        return self._gate.take(Received(letter.topic, letter.payload))

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
        session = self._broker.session
        poll = select.poll()
        if gate and self._gate.fileno() >= 0:
            poll.register(self._gate.fileno(), select.POLLIN | (select.POLLOUT if self._gate.wants_write() else 0))
        if session and session.fileno() >= 0:
            poll.register(session.fileno(), select.POLLIN | (select.POLLOUT if session.wants_write() else 0))
        if session and session.holds_bytes():
            poll.poll(0)
            return
        dates_ns = [date_ns for date_ns in (until_ns, self._gate.wake_ns) if date_ns is not None]
        left_s = min([self._timing.tick_s, *((date_ns - monotonic_ns()) / NS for date_ns in dates_ns)])
        poll.poll(max(0, math.ceil(left_s * 1000)))
