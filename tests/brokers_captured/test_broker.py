"""The broker is captured: the test plays it over TLS to the real uplink and the real gate, with the certificate that they expect."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from device.demo.processes import end, environment
from device.events import confirmation
from device.events.confirmation import Confirmation, range_digest
from device.events.cose import sign1
from tests.brokers import make_authority
from tests.brokers_captured import forgeries
from tests.brokers_captured.bench import Bench
from tests.brokers_captured.forgeries import GATE, HERE, Sent
from tests.device.uplink.scripted import Publish, ScriptedBroker

DISCONNECT = b"\xe0"
NOT_AUTHORIZED, QUOTA_EXCEEDED, SERVER_BUSY = 0x87, 0x97, 0x89
AT_ONCE = 10
"""Messages under way at a time: half of what the uplink agrees to."""


@dataclass
class Captor:
    """What the broker does with each event, and what it says beside."""

    bench: Bench
    bodies: list[bytes] = field(default_factory=list)
    _mid: int = 0
    _unsent: list[Sent] = field(default_factory=list)

    def has_more_than(self, count: int, _broker: ScriptedBroker) -> bool:
        return len(self.bodies) > count

    def publish(self, broker: ScriptedBroker, sent: Sent, *, retained: bool = False) -> None:
        self._mid = self._mid % 60_000 + 1
        topic, payload = sent[0].encode(), sent[1]
        broker.send(0x32 | retained, len(topic).to_bytes(2) + topic + self._mid.to_bytes(2) + b"\0" + payload)

    def confirmed(self, body: bytes) -> Sent:
        """The recorder's true word on the event of ``body``."""
        epoch, sequence = identity(body)
        named = Confirmation(GATE, epoch, sequence, sequence, range_digest([body]))
        return HERE.confirmation, sign1(self.bench.gate.recorder, confirmation.encode(named), context=confirmation.CONTEXT)

    def forge(self, broker: ScriptedBroker, event: Publish) -> None:
        """Acknowledge it, and send some more of all that is forged."""
        self.bodies.append(event.body)
        if not self._unsent:
            epoch, first = identity(event.body)
            all_of_it = forgeries.everything(self.bench.gate.recorder, epoch, [event.body], first)
            self._unsent = [sent for sent in all_of_it if sent[0] and len(sent[1]) < 30 * 1024 and "#" not in sent[0]]
        for sent in self._unsent[:AT_ONCE]:
            self.publish(broker, sent)
        del self._unsent[:AT_ONCE]
        broker.puback(event.mid)

    def flood(self, broker: ScriptedBroker, event: Publish) -> None:
        """Retained commands, far more than was agreed, and too large ones."""
        self.bodies.append(event.body)
        for number in range(200):
            self.publish(broker, (HERE.command("open"), bytes([number]) * (number * 400)), retained=True)
        broker.puback(event.mid)

    def refuse(self, broker: ScriptedBroker, event: Publish) -> None:
        self.bodies.append(event.body)
        broker.puback(event.mid, NOT_AUTHORIZED)

    def be_busy(self, broker: ScriptedBroker, event: Publish) -> None:
        self.bodies.append(event.body)
        broker.puback(event.mid, QUOTA_EXCEEDED)

    def storm(self, broker: ScriptedBroker, event: Publish) -> None:
        """Disconnect at every event: with a reason, without, and in the midst of a packet."""
        self.bodies.append(event.body)
        match len(self.bodies) % 3:
            case 0:
                broker.send(DISCONNECT[0], bytes([SERVER_BUSY, 0]))
            case 1:
                broker.send(DISCONNECT[0], bytes([NOT_AUTHORIZED, 0]))
            case _:
                broker.send(0x32, b"\x00\xff")
        broker.hang_up()

    def lie(self, broker: ScriptedBroker, event: Publish) -> None:
        """Acknowledge what was never sent, twice, and with reasons that there are not."""
        self.bodies.append(event.body)
        for mid in range(1, 200):
            broker.puback(mid, mid % 256)
        broker.puback(event.mid)


def identity(body: bytes) -> tuple[str, int]:
    """Epoch and sequence of an event, as its id has them."""
    _, epoch, sequence = json.loads(body)["id"].rsplit("-", 2)
    return epoch, int(sequence)


ATTACKS: list[Callable[[Captor, ScriptedBroker, Publish], None]] = [
    Captor.forge,
    Captor.flood,
    Captor.refuse,
    Captor.be_busy,
    Captor.storm,
    Captor.lie,
]


@pytest.fixture
def certificates(tmp_path: Path) -> Path:
    make_authority(tmp_path, GATE)
    return tmp_path


def lines(folder: Path, port: int) -> dict[str, str]:
    files = {"ca_file": "ca.crt", "certificate_file": f"{GATE}.crt", "key_file": f"{GATE}.key"}
    return {f"broker.{key}": f'"{folder / name}"' for key, name in files.items()} | {"broker.port": str(port), "broker.confirm_within_s": "0.5"}


@pytest.fixture
def uplink() -> Iterator[Callable[[Bench], None]]:
    """Starts the real uplink of a bench's gate."""
    started: list[subprocess.Popen[bytes]] = []

    def start(bench: Bench) -> None:
        command = [sys.executable, "-m", "device", "run", "uplink", "--settings", str(bench.gate.folder)]
        with (bench.gate.folder / "uplink.log").open("wb") as log:
            started.append(subprocess.Popen(command, stderr=log, stdout=log, env=environment()))

    yield start
    for process in started:
        assert process.poll() is None, "the uplink has ended"
        end(process)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_it_opens_nothing_erases_nothing_and_the_gate_goes_on(
    certificates: Path, uplink: Callable[[Bench], None], attack: Callable[[Captor, ScriptedBroker, Publish], None]
) -> None:
    captor: Captor

    def on_event(broker: ScriptedBroker, event: Publish) -> None:
        attack(captor, broker, event)

    with ScriptedBroker(certificates, on_event) as broker, Bench(certificates / "gate", lines(certificates, broker.port)) as bench:
        captor = Captor(bench)
        uplink(bench)
        for _ in range(4):  # each person is an event, and each event an occasion
            seen = len(captor.bodies)
            bench.admit()
            broker.wait(partial(captor.has_more_than, seen), within_s=60)
        bench.admit()
        assert bench.opened == bench.admitted == 5
        bench.end()
        assert set(captor.bodies) <= bench.held()


def test_a_true_confirmation_takes_its_event_away(certificates: Path, uplink: Callable[[Bench], None]) -> None:
    """What is refused above is not refused because nothing at all is believed."""
    captor: Captor

    def confirm(broker: ScriptedBroker, event: Publish) -> None:
        captor.bodies.append(event.body)
        captor.publish(broker, captor.confirmed(event.body))
        broker.puback(event.mid)

    with ScriptedBroker(certificates, confirm) as broker, Bench(certificates / "gate", lines(certificates, broker.port)) as bench:
        captor = Captor(bench)
        uplink(bench)
        bench.admit()
        broker.wait(lambda broker: len(broker.pubacks) >= 1, within_s=60)  # the first word lies before the gate
        bench.admit()  # which has heard it by then
        bench.end()
        assert captor.bodies[0] not in bench.held()
