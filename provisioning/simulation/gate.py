"""One played gate: the real uplink on one side, and an outbox in memory that answers it as a gate would."""

from __future__ import annotations

import secrets
from contextlib import suppress

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from device.errors import VerificationError
from device.events import head
from device.events.topics import Topics
from device.links import BrokerState, Events, Give, Hello, Lane, Message, Refused
from device.settings import Settings
from device.uplink.broker_end import BrokerEnd
from device.uplink.client import Session
from device.uplink.inbox import Letter
from device.uplink.timing import Timing
from provisioning.simulation.outbox import Outbox

TURN_NS = 2 * 10**9
"""A gate with nothing to do has a turn this often, for paho's keepalive. A real one has four a second, on a machine of its own."""


class PlayedGate:
    """Call ``step`` when ``session`` can be read or written, when ``due_ns`` has come, and after ``record``."""

    def __init__(self, settings: Settings, key: Ed25519PrivateKey, timing: Timing, now_ns: int) -> None:
        self.name = settings.site.gate
        self.due_ns = now_ns
        self.epoch = secrets.token_hex(8)
        self.delays_ns: list[int] = []
        """From each event to its confirmation; whoever reads them takes them away."""
        self.refused = 0
        """Events that the broker would never take."""
        site, self._key, self._boot = settings.site, key, secrets.token_hex(8)
        self._confirmations = Topics(site.province, site.site, site.gate).confirmation
        recorder = Ed25519PublicKey.from_public_bytes(bytes.fromhex(settings.recorder.public_key))
        self.outbox = Outbox(site.gate, boot=self._boot, epoch=self.epoch, recorder=recorder)
        self._said: list[Message] = []
        self._wanted: dict[Lane, Give] = {}
        self._now_ns = now_ns
        self._broker = BrokerEnd(settings, timing, tell_gate=self._said.append, take=self.take)
        self._broker.new_gate(self._hello(), now_ns)

    @property
    def session(self) -> Session | None:
        return self._broker.session

    @property
    def connected(self) -> bool:
        return self._broker.connected

    def record(self, made_ns: int) -> None:
        """Somebody passes."""
        self.outbox.record(made_ns)

    def step(self, now_ns: int) -> None:
        """Raises ContactError and SettingsError, as the uplink does."""
        self._now_ns = now_ns
        self._answer()
        due_ns = self._broker.step(gate_is_there=True, now_ns=now_ns)
        while self._answer():
            due_ns = self._broker.step(gate_is_there=True, now_ns=now_ns)
        self.due_ns = now_ns + TURN_NS if due_ns is None else min(due_ns, now_ns + TURN_NS)

    def take(self, letter: Letter) -> bool:
        """What came from the network; all of it is taken."""
        if letter.topic == self._confirmations:
            with suppress(VerificationError):  # as a gate does it: what is not proven lets nothing go
                self.delays_ns += self.outbox.confirm(letter.payload, self._now_ns)
        return True

    def leave(self) -> None:
        """An orderly goodbye, as far as it can be said without waiting."""
        session = self._broker.session
        if session is None:
            return
        if session.ready and session.room > 0:
            session.say_goodbye()
        session.close(orderly=session.ready)

    # --- the gate's side of the link ---------------------------------------------------------------------------

    def _answer(self) -> bool:
        """Answer what the uplink has said and asked; whether it has been told anything."""
        said, self._said[:] = list(self._said), []
        told = False
        for message in said:
            match message:
                case Give(lane):
                    self._wanted[lane] = message
                case BrokerState(connected) if not connected:
                    self._wanted.clear()
                    self._broker.from_gate(self._hello(), self._now_ns)
                    told = True
                case Refused():
                    self.refused += 1
        for lane, give in list(self._wanted.items()):
            events = self.outbox.after(give.after, give.limit)
            if events or lane is Lane.BACKLOG:
                del self._wanted[lane]
                self._broker.from_gate(Events(lane, events), self._now_ns)
                told = True
        return told

    def _hello(self) -> Hello:
        signed = head.sign(self._key, self.outbox.head)
        return Hello(self._boot, self.epoch, self.outbox.made, self._key.public_key().public_bytes_raw(), signed)
