"""What networks do to gates: one function a case. Each brings its world to a good end, or raises; what is lost is judged then."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.network_space import Network
from tests.faults.network_world import NetworkWorld
from tests.faults.wrong_clock import WrongClock

NEW_CONNECTION_S = 60.0
"""What is promised: a gate is back so soon after its broker can be reached again."""
PATIENCE_S = 150.0
"""So long a reconnection is waited for, to see how late it comes."""
SETTLES_S = 600.0
LOSS_PERCENT = 30
SLOW_KBIT_PER_S = 64
SILENT_S = 70.0
"""Longer than any wait of the uplink (``device/uplink/timing.py``): it has noticed, and failed to dial several times."""
DARK_S = 10.0
OFF_S = -400 * 24 * 3600
"""Before the broker's certificate was made. A Pi without a battery clock wakes up even earlier."""
QUEUED_S = 5.0


@dataclass(slots=True)
class Seen:
    """What a case saw. ``back_s``: how long each gate took to come back once it could."""

    back_s: list[float] = field(default_factory=list)
    live_s: list[float] = field(default_factory=list)  # from a decision to the recorder
    settled_s: float = 0.0  # from the start of the gates, or the end of the fault


@dataclass(frozen=True, slots=True)
class Case:
    run: Callable[[NetworkWorld, Network, Path, Seen], None]
    events: int  # that each gate has when it starts
    short_events: int
    gates: int = 1
    short_gates: int = 1


def loss(world: NetworkWorld, network: Network, _folder: Path, seen: Seen) -> None:
    """Three packets of ten are lost, either way."""
    network.lose(LOSS_PERCENT)
    world.start_gates()
    _live(world, seen, 5)
    _settle(world, seen)


def slow(world: NetworkWorld, network: Network, _folder: Path, seen: Seen) -> None:
    """64 kbit/s: a modem, or a cell that all the market shares."""
    network.slow(SLOW_KBIT_PER_S)
    world.start_gates()
    _live(world, seen, 5)
    _settle(world, seen)


def half_open(world: NetworkWorld, network: Network, _folder: Path, seen: Seen) -> None:
    """A connection that is dead and does not know it; people come meanwhile."""
    _begin(world)
    network.cut()
    _people(world)
    time.sleep(SILENT_S)  # the fault is the time itself
    with _Return(world, seen):
        network.mend()
    _settle(world, seen)


def nat(world: NetworkWorld, network: Network, _folder: Path, seen: Seen) -> None:
    """A router forgets its connections: their packets vanish, new ones are made at once."""
    _begin(world)
    with _Return(world, seen):
        network.forget_connections()
        _people(world)
    _settle(world, seen)


def backlog(world: NetworkWorld, _network: Network, _folder: Path, seen: Seen) -> None:
    """A week without network, and then a good one. Who comes now does not wait behind those of last week."""
    world.start_gates()
    _live(world, seen, 30)
    _settle(world, seen)


def wiped(world: NetworkWorld, _network: Network, _folder: Path, seen: Seen) -> None:
    """A broker that had acknowledged everything loses all of it, sessions too, before the recorder has come."""
    world.stop("recorder", signal.SIGTERM)
    world.start_gates()
    world.wait(lambda: all(world.sessions().values()), "not every gate has come", PATIENCE_S)
    _people(world)
    time.sleep(QUEUED_S)  # the broker has everything now, and nothing tells of it from outside
    world.stop("broker", signal.SIGKILL)
    world.wipe_broker()
    with _Return(world, seen):
        world.start_broker()
        world.start_recorder()
    _settle(world, seen)


def expired(world: NetworkWorld, _network: Network, _folder: Path, seen: Seen) -> None:
    """Nobody renewed the gates' certificates in time. Then somebody does, while they run."""
    world.let_certificates_expire()
    world.start_gates()
    _people(world)
    time.sleep(DARK_S)  # it is to be seen that nobody comes
    assert not any(world.sessions().values()), "the broker accepts an expired certificate"
    with _Return(world, seen):
        world.renew_certificates()
    _settle(world, seen)


def clock_off(world: NetworkWorld, _network: Network, folder: Path, seen: Seen) -> None:
    """A gate that wakes up in the past believes no broker's certificate. Then its clock is set."""
    clock = WrongClock(folder)
    clock.set(OFF_S)
    world.start_gates(clock.environment)
    time.sleep(DARK_S)  # it is to be seen that nobody comes
    assert not any(world.sessions().values()), "a gate of another year accepts the broker's certificate"
    with _Return(world, seen):
        clock.set(0)
    _settle(world, seen)


CASES: dict[str, Case] = {
    "loss": Case(loss, events=300, short_events=20),
    "slow": Case(slow, events=1000, short_events=20),
    "half-open": Case(half_open, events=20, short_events=20, gates=8),
    "nat": Case(nat, events=20, short_events=20, gates=8),
    "backlog": Case(backlog, events=100_000, short_events=2000),
    "wiped": Case(wiped, events=500, short_events=100, gates=4),
    "expired": Case(expired, events=200, short_events=20, gates=4),
    "clock-off": Case(clock_off, events=200, short_events=20, gates=4),
}


def _begin(world: NetworkWorld) -> None:
    """All is well and quiet."""
    world.start_gates()
    _settle(world, Seen())


def _people(world: NetworkWorld) -> None:
    """One at every gate, recorded there."""
    for gate in world.gates:
        before = world.recorded(gate)
        world.show_somebody(gate)
        world.wait_recorded(gate, before + 2)  # the passage too


def _live(world: NetworkWorld, seen: Seen, people: int) -> None:
    """People one after the other, while there is a backlog: each with what it took until the recorder had the decision."""
    gate = world.gates[0]
    world.wait(lambda: world.sessions()[gate], "the gate does not come to the broker", PATIENCE_S)
    for _ in range(people):
        before, shown_s = world.recorded(gate), time.monotonic()
        world.show_somebody(gate)
        world.wait_arrived(gate, before + 1)
        seen.live_s.append(time.monotonic() - shown_s)
        world.wait_recorded(gate, before + 2)  # the passage


def _settle(world: NetworkWorld, seen: Seen) -> None:
    began_s = time.monotonic()
    world.wait(lambda: world.waiting() == 0, "not everything is confirmed", SETTLES_S)
    seen.settled_s = time.monotonic() - began_s
    world.wait(world.rest(), "no gate comes to rest", SETTLES_S)  # a gate that is back has something to tell of that


class _Return:
    """Within ``with`` the gates can come back; at its end they all have."""

    def __init__(self, world: NetworkWorld, seen: Seen) -> None:
        self._world = world
        self._seen = seen

    def __enter__(self) -> None:
        self._before = self._world.sessions()
        self._began_s = time.monotonic()

    def __exit__(self, kind: object, *_: object) -> None:
        away = set(self._world.gates) if kind is None else set()

        def look() -> bool:
            back = {gate for gate, times in self._world.sessions().items() if gate in away and times > self._before[gate]}
            self._seen.back_s += [time.monotonic() - self._began_s] * len(back)
            away.difference_update(back)
            return not away

        if away:
            self._world.wait(look, f"{away} did not come back", PATIENCE_S)
