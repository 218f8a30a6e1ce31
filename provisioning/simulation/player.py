"""One process of the fleet: some hundred gates in one thread, one ``epoll`` over all their sessions.

paho asks ``select()`` about its socket, which knows no file descriptor above 1,023. A session has three of them, and the one
that was lost before it has two for a moment: that, and not memory, is why a process plays ``GATES_MAX`` gates and no more.
"""

from __future__ import annotations

import gc
import heapq
import logging
import os
import random
import signal
import threading
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection

from device.errors import QrgateError
from device.settings import Settings
from device.uplink.timing import Timing
from provisioning.authority.keys import signing_key_from_seed
from provisioning.simulation.gate import PlayedGate
from provisioning.simulation.samples import Sample
from provisioning.simulation.watch import Watch

NS = 1_000_000_000
GATES_MAX = 180
SAMPLE_NS = NS // 4
COLLECT_NS = NS
"""Between two collections of what lost sessions leave: each takes 40 ms."""
NICENESS = 15
"""In a province gates have processors of their own. Here broker and recorder go first, or a storm would be one for the processor."""
STACK_BYTES = 256 * 1024
"""Of each dialling thread: in a storm there is one for each gate."""


@dataclass(frozen=True, slots=True)
class Part:
    """What one process plays: the settings of its gates, and the seed of each one's signing key and of the order in which people come."""

    gates: tuple[tuple[Settings, bytes], ...]
    seed: int


@dataclass(frozen=True, slots=True)
class Pace:
    """To a process: from now on so many events a second, of all its gates together."""

    events_per_s: float


LEAVE = Pace(-1)


def play(part: Part, connection: Connection) -> None:
    """The process. Its samples go to ``connection``, and at the last what it has made (``Made``), or an error's words."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever started us, who ends us
    os.nice(NICENESS)
    logging.getLogger("qrgate.uplink").setLevel(logging.ERROR)  # an outage is a line for each gate
    threading.stack_size(STACK_BYTES)
    try:
        Player(part, connection).run()
    except QrgateError as error:
        connection.send(str(error))
    except (BrokenPipeError, EOFError):
        pass  # whoever started us is gone
    finally:
        connection.close()


class Player:
    def __init__(self, part: Part, connection: Connection) -> None:
        now_ns = time.monotonic_ns()
        self._connection = connection
        self._random = random.Random(part.seed)  # noqa: S311 - when somebody comes is no secret
        self._gates = [PlayedGate(settings, signing_key_from_seed(seed), Timing(), now_ns) for settings, seed in part.gates]
        self._due = [(now_ns, place) for place in range(len(self._gates))]
        self._watch = Watch(connection.fileno())
        self._events_per_s = 0.0
        self._next_event_ns = now_ns
        self._sample_ns = now_ns
        self._confirmed = 0
        self._lost = 0
        self._collect_ns = now_ns

    def run(self) -> None:
        while self._events_per_s >= 0:
            began_ns = time.monotonic_ns()
            touched = self._let_people_come(began_ns) | self._due_by(began_ns) | self._watch.held
            touched |= self._watch.wait(0 if touched else self._left_ns(began_ns))
            now_ns = time.monotonic_ns()
            for place in touched:
                self._turn(place, now_ns)
            while self._connection.poll():
                self._change(self._connection.recv(), now_ns)
            if now_ns >= self._sample_ns:
                self._sample_ns = now_ns + SAMPLE_NS
                self._connection.send(self._sample(began_ns))
            if self._lost and now_ns >= self._collect_ns:
                self._lost, self._collect_ns = 0, now_ns + COLLECT_NS
                gc.collect()  # a lost session is a ring of references that holds two descriptors
        for gate in self._gates:
            gate.leave()
        self._connection.send({(gate.name, gate.epoch): gate.outbox.made for gate in self._gates})

    def _turn(self, place: int, now_ns: int) -> None:
        gate = self._gates[place]
        before = gate.session
        gate.step(now_ns)
        self._lost += before is not None and gate.session is not before
        heapq.heappush(self._due, (gate.due_ns, place))
        self._watch.follow(place, gate.session)

    def _let_people_come(self, now_ns: int) -> set[int]:
        """What was due is recorded as of when it was due, however late we are: the delay counts from there."""
        touched = set()
        while self._events_per_s > 0 and self._next_event_ns <= now_ns:
            place = self._random.randrange(len(self._gates))
            self._gates[place].record(self._next_event_ns)
            self._next_event_ns += int(self._random.expovariate(self._events_per_s) * NS)
            touched.add(place)
        return touched

    def _due_by(self, now_ns: int) -> set[int]:
        due = set()
        while self._due and self._due[0][0] <= now_ns:
            due_ns, place = heapq.heappop(self._due)
            if due_ns == self._gates[place].due_ns:  # else it had a turn since, which said another date
                due.add(place)
        return due

    def _left_ns(self, now_ns: int) -> int:
        dates_ns = [self._sample_ns, *(due_ns for due_ns, _ in self._due[:1]), *([self._next_event_ns] if self._events_per_s > 0 else [])]
        return max(0, min(dates_ns) - now_ns)

    def _change(self, pace: Pace, now_ns: int) -> None:
        self._events_per_s = pace.events_per_s
        self._next_event_ns = now_ns

    def _sample(self, at_ns: int) -> Sample:
        delays_ns = [delay for gate in self._gates for delay in gate.delays_ns]
        for gate in self._gates:
            gate.delays_ns.clear()
        self._confirmed += len(delays_ns)
        return Sample(
            at_ns=at_ns,
            up=sum(gate.connected for gate in self._gates),
            made=sum(gate.outbox.made for gate in self._gates),
            confirmed=self._confirmed,
            waiting=sum(len(gate.outbox) for gate in self._gates),
            refused=sum(gate.refused for gate in self._gates),
            oldest_ns=min((oldest for gate in self._gates if (oldest := gate.outbox.oldest_ns) is not None), default=None),
            delays_ms=tuple(delay // 10**6 for delay in delays_ns),
        )
