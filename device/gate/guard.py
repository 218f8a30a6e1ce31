"""An independent watchdog over the relays: it knows since when each is on, and nothing else.

The turnstile lets go in time, if its thread runs and its rules are right. This thread trusts neither. What it finds on for longer
than the maximum it switches off itself, and has the process ended, so that ``failsafe`` looks after all outputs. The free
relay has no maximum, and is not watched.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable, Mapping

from device.clock import monotonic_ns
from device.errors import HardwareError
from device.gate.outputs import Lost, Switch
from device.turnstile.lane import Relay

log = logging.getLogger("qrgate.gate")

LOOK_S = 0.04
GRACE_NS = 80_000_000
"""The acting thread's own lateness is no fault of it. Both together: off within 0.2 s of the maximum."""


class Watched:
    """A relay whose on-time the guard sees. Idempotent switching does not begin it anew."""

    def __init__(self, inner: Switch) -> None:
        self._inner = inner
        self.on_since_ns: int | None = None

    def on(self) -> None:
        since_ns = self.on_since_ns = self.on_since_ns or monotonic_ns()  # before: a switch that hangs half-way may be on
        try:
            self._inner.on()
        except Lost:  # the board itself sees to it that what comes back is off
            self.on_since_ns = None
            raise
        self.on_since_ns = since_ns  # after: the guard may have let go of it while it hung

    def off(self) -> None:
        try:
            self._inner.off()
        except Lost:
            self.on_since_ns = None
            raise
        self.on_since_ns = None


class Guard:
    def __init__(
        self, relays: Mapping[Relay, Switch], max_on_ns: int, broken: Callable[[HardwareError], None], lost: Callable[[], object] = lambda: None
    ) -> None:
        """``broken`` has the process ended. ``lost`` tells why the relays do not obey just now: what comes back from that is off."""
        self.relays: dict[Relay, Switch] = {}
        self._watched: list[Watched] = []
        for relay, switch in relays.items():
            self.relays[relay] = switch if relay is Relay.FREE else self._watch(switch)
        self._max_on_ns = max_on_ns
        self._broken = broken
        self._lost = lost
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="guard", daemon=True)

    def _watch(self, switch: Switch) -> Watched:
        self._watched.append(Watched(switch))
        return self._watched[-1]

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(timeout=2.0)

    def _run(self) -> None:
        while not self._stopping.wait(LOOK_S):
            now_ns = monotonic_ns()
            are_lost = self._lost() is not None
            for each in self._watched:
                if are_lost:
                    each.on_since_ns = None  # nobody switches it off on the gate's side any more
                since_ns = each.on_since_ns
                if since_ns is not None and now_ns - since_ns > self._max_on_ns + GRACE_NS:
                    self._let_go(each, (now_ns - since_ns) / 1e9)

    def _let_go(self, relay: Watched, on_s: float) -> None:
        error = HardwareError(
            f"a relay was on for {on_s:.2f} s, longer than its maximum, and was let go by the guard",
            hint="the gate starts again; report what the log says",
        )
        log.critical("%s", error)
        try:
            relay.off()
        except Lost as lost:
            log.critical("%s", lost)
            return
        except HardwareError as failed:
            log.critical("%s: the process is ended at once", failed)
            os.kill(os.getpid(), signal.SIGKILL)
        self._broken(error)
