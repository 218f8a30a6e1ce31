"""Which event is it at which the broker ends every session? Some brokers answer so to one that they will never take, and all
behind it would wait for ever.

What was in flight when a session ended travels alone in the next one. Whoever is alone when that ends, too, several times
running, is refused. Its original stays with the gate until the recorder has it, so a wrong suspicion loses nothing.

* With MQTT 5 only the broker's own word counts (a broken line proves nothing): a lasting reason in its DISCONNECT, or an answer
  that paho cannot read (mosquitto's PUBACK with 0x95, which MQTT 5 does not allow there). Two such words are enough.
* MQTT 3.1.1 has no words: RabbitMQ hangs up at a publish that it does not allow, mosquitto 2.0.11 acknowledges it first, others
  never answer. There every end counts, also for what was acknowledged within ``LINGERS_S``, but three of them: each time a new
  connection came about, the broker took the birth message, and at this event it was over. A line so bad breaks at other moments,
  too, and each of those clears the event that is suspected.
"""

from __future__ import annotations

from device.clock import NS
from device.domain import StoredEvent
from device.settings import Protocol
from device.uplink import packets
from device.uplink.drain import Drain

WORDS_NEEDED = 2
SILENT_ENDS_NEEDED = 3
LINGERS_S = 0.5
"""A broker that hangs up does it in one breath with its acknowledgement, so both arrive together on any line."""


class Culprit:
    def __init__(self, protocol: Protocol) -> None:
        self.suspects: frozenset[int] = frozenset()
        """Sequences of events that travel alone."""
        self._silent = protocol is Protocol.MQTT_3_1_1
        self.lingers_ns = int(LINGERS_S * NS) if self._silent else 0
        self._alone: StoredEvent | None = None
        self._ends = 0  # how often running a session ended while that one was alone in flight

    def forget(self) -> None:
        """The gate began a new epoch: sequences mean other events now."""
        self.suspects, self._alone, self._ends = frozenset(), None, 0

    def cleared(self, event: StoredEvent | None) -> None:
        """The broker has taken ``event`` and goes on, so it is none."""
        if event is not None and event == self._alone:
            self._alone, self._ends = None, 0

    def session_ended(self, drain: Drain, code: int | None, now_ns: int, *, beside_events: bool) -> StoredEvent | None:
        """The event that is to be refused, if it is found. ``code`` is the broker's reason; ``beside_events``: something else may
        be why, too, and no event was alone.
        """
        told = code in packets.LASTING or code == packets.MALFORMED
        if not told and not self._silent:
            self.suspects = frozenset(drain.suspects)
            return None
        near = drain.near(now_ns)
        self.suspects = frozenset(event.sequence for event in near)
        alone = near[0] if len(near) == 1 and not beside_events else None
        self._ends = self._ends + 1 if alone is not None and alone == self._alone else int(alone is not None)
        self._alone = alone
        return alone if self._ends >= (WORDS_NEEDED if told else SILENT_ENDS_NEEDED) else None
