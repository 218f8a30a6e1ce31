"""A gate that hears commands through a real broker, in a thread of its own: its desk is the gate's own code on the bench."""

from __future__ import annotations

import queue
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from device.bundles.delegations import Delegation
from device.bundles.envelope import Place
from device.clock import NS
from device.commands.asking import encode_reply
from device.events.topics import Topics
from device.links import Hello
from device.uplink import presence
from device.uplink.presence import State
from tests.device.gate.command_bench import CommandBench
from tests.provisioning.live import PROVINCE, SITE, Broker

GATE = "g-a"
TOPICS = Topics(PROVINCE, SITE, GATE)


class PlayedGate:
    """Runs while it is entered. ``bench`` is to be looked at after that, ``deaf_to`` may be set at any time: so many messages it does not hear."""

    def __init__(self, broker: Broker, state: Path, delegations: tuple[Delegation, ...]) -> None:
        self.bench = CommandBench(state, delegations=delegations, place=Place(PROVINCE, SITE, GATE))
        self.deaf_to = 0.0
        self._peer = broker.gate(GATE)
        self._peer.subscribe(TOPICS.commands)
        self._states: queue.Queue[bytes] = queue.Queue()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="played gate")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        self._stopping.set()
        self._thread.join()
        self._peer.close()
        self.bench.close()

    def be(self, state: State | None) -> None:
        """What the broker keeps as its state; ``None``: nothing."""
        hello = Hello("boot", "9990000000000000", 0, b"k" * 32, b"h" * 64)
        self._states.put(b"" if state is None else presence.body(state, GATE, hello))
        self._states.join()

    def _run(self) -> None:
        began_ns, taken = time.monotonic_ns(), 0
        while not self._stopping.is_set():
            self._turn()
            with suppress(queue.Empty):
                self._peer.publish(TOPICS.state, self._states.get_nowait(), retain=True)
                self._states.task_done()
            self.bench.now_ns = 1000 * NS + time.monotonic_ns() - began_ns
            for topic, payload in self._peer.messages[taken:]:
                taken += 1
                if self.deaf_to > 0:
                    self.deaf_to -= 1
                else:
                    self.bench.commands.take(topic.rpartition("/")[2], payload)
            self.bench.commands.look(self.bench.now_ns)
            said, self.bench.said = self.bench.said, []
            for rest, told in said:
                self._peer.publish(TOPICS.said(rest), encode_reply(told))

    def _turn(self) -> None:
        """Read and write what is due."""
        enough = iter((False, True))
        self._peer.until(lambda: next(enough))
