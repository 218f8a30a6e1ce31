"""The watchdog over the relays, in its own thread and on its own clock."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

import pytest

from device.clock import NS, monotonic_ns
from device.errors import HardwareError
from device.gate.act import Broken
from device.gate.guard import GRACE_NS, LOOK_S, Guard, Watched
from device.gate.outputs import Lost, Switch
from device.turnstile.lane import Relay
from device.turnstile.signals import Indicator
from tests.device.gate.lane_bench import LANE, LATE_NS, PULSE_NS, WAIT_S, BenchSwitch, LaneBench, grant

MAX_ON_NS = PULSE_NS
WORDS = "longer than its maximum, and was let go by the guard"


class Bench:
    def __init__(self, *relays: Relay, max_on_ns: int = MAX_ON_NS) -> None:
        self.switches = {relay: BenchSwitch(relay) for relay in relays or (Relay.ENTRY,)}
        self.broken: queue.Queue[HardwareError] = queue.Queue()
        self.guard = Guard(self.switches, max_on_ns, self.broken.put)
        self.relay = self.guard.relays[Relay.ENTRY]

    def changes(self, number: int) -> list[tuple[bool, int]]:
        """The next changes of the entry relay."""
        told = [self.switches[Relay.ENTRY].told.get(timeout=WAIT_S) for _ in range(number)]
        return [(on, at_ns) for _, on, at_ns in told]


@contextmanager
def running(bench: Bench) -> Iterator[Bench]:
    bench.guard.start()
    yield bench
    bench.guard.stop()
    assert not bench.guard._thread.is_alive()


@pytest.fixture
def bench() -> Iterator[Bench]:
    with running(Bench()) as bench:
        yield bench


def test_a_relay_is_let_go_within_a_fifth_of_a_second_of_its_maximum_and_that_is_told(bench: Bench) -> None:
    bench.relay.on()
    (_, on_ns), (_, off_ns) = bench.changes(2)
    assert MAX_ON_NS < off_ns - on_ns <= MAX_ON_NS + NS // 5 + LATE_NS
    assert LOOK_S * NS + GRACE_NS < NS // 5
    assert WORDS in bench.broken.get(timeout=WAIT_S).what


def test_a_relay_that_is_ordered_on_again_and_again_is_on_since_the_first_time(bench: Bench) -> None:
    bench.relay.on()
    while bench.broken.empty():
        bench.relay.on()
    began_ns, ended_ns = (at_ns for _, at_ns in bench.changes(2))
    assert ended_ns - began_ns <= MAX_ON_NS + NS // 5 + LATE_NS


def test_a_relay_that_rests_between_its_pulses_is_left_alone() -> None:
    with running(Bench(max_on_ns=NS)) as bench:
        longest_ns, began_ns = 0, monotonic_ns()
        while monotonic_ns() - began_ns < NS + 2 * GRACE_NS:  # nothing happens that could be awaited
            pulse_ns = monotonic_ns()
            bench.relay.on()
            bench.relay.off()
            longest_ns = max(longest_ns, monotonic_ns() - pulse_ns)
            bench.changes(2)  # a million of them, kept, would have the interpreter look for garbage in the middle of a pulse
    assert bench.broken.empty() or longest_ns > NS  # a busy machine stopped this thread in the middle of a pulse: that was long indeed (seen)


def test_the_free_relay_is_never_touched() -> None:
    with running(Bench(Relay.ENTRY, Relay.FREE)) as bench:
        assert bench.guard.relays[Relay.FREE] is bench.switches[Relay.FREE]
        bench.guard.relays[Relay.FREE].on()
        bench.relay.on()
        bench.broken.get(timeout=WAIT_S)
    assert [bench.switches[relay].is_on for relay in (Relay.ENTRY, Relay.FREE)] == [False, True]


@pytest.mark.parametrize("relay", [Relay.EXIT, Relay.LOWER])
def test_every_other_relay_is_watched(relay: Relay) -> None:
    with running(Bench(*Relay)) as bench:
        bench.guard.relays[relay].on()
        bench.broken.get(timeout=WAIT_S)
        assert not bench.switches[relay].is_on


def test_a_board_that_is_gone_is_no_breakage(bench: Bench) -> None:
    """It was on when it went; what comes back is off, and the board itself sees to that."""
    bench.relay.on()
    bench.switches[Relay.ENTRY].lost = True
    assert isinstance(bench.relay, Watched)
    gives_up_ns = monotonic_ns() + NS * int(WAIT_S)
    while bench.relay.on_since_ns is not None:  # the guard's own try ends it
        assert monotonic_ns() < gives_up_ns
    bench.guard.stop()
    assert bench.broken.empty()


def test_a_board_that_was_lost_while_its_relay_was_on_and_is_back_is_no_breakage() -> None:
    """It is pulled out and plugged in again; nobody switches a relay off whose board is gone."""
    lost: list[str] = []
    switch, broken = BenchSwitch(Relay.ENTRY), queue.Queue[HardwareError]()
    guard = Guard({Relay.ENTRY: switch}, MAX_ON_NS, broken.put, lost=lambda: lost[0] if lost else None)
    relay = guard.relays[Relay.ENTRY]
    assert isinstance(relay, Watched)
    relay.on()
    lost.append("unplugged")
    guard.start()
    gives_up_ns = monotonic_ns() + NS * int(WAIT_S)
    while relay.on_since_ns is not None:
        assert monotonic_ns() < gives_up_ns
    lost.clear()
    guard.stop()
    assert broken.empty()


@pytest.mark.parametrize("on", [True, False])
def test_a_board_that_is_lost_in_switching_is_not_watched(on: bool) -> None:
    switch = BenchSwitch("entry")
    relay = Watched(switch)
    relay.on()
    switch.lost = True
    with pytest.raises(Lost):
        relay.on() if on else relay.off()
    assert relay.on_since_ns is None


def test_a_relay_that_may_be_on_is_watched_though_it_broke_in_switching() -> None:
    relay = Watched(BenchSwitch("entry", broken={True}))
    with pytest.raises(HardwareError):
        relay.on()
    assert relay.on_since_ns is not None


def test_a_relay_that_comes_on_after_the_guard_has_let_go_of_it_is_let_go_again() -> None:
    """A switch that hangs for longer than the maximum, and does its work after all."""

    class Slow:
        begun, may_switch = threading.Event(), threading.Event()
        is_on = False
        offs: queue.Queue[bool] = queue.Queue()

        def on(self) -> None:
            self.begun.set()
            assert self.may_switch.wait(WAIT_S)
            self.is_on = True

        def off(self) -> None:
            self.offs.put(self.is_on)
            self.is_on = False

    slow = Slow()
    guard = Guard({Relay.ENTRY: slow}, MAX_ON_NS, lambda _error: None)
    guard.start()
    acting = threading.Thread(target=guard.relays[Relay.ENTRY].on)
    acting.start()
    assert slow.offs.get(timeout=WAIT_S) is False
    slow.may_switch.set()
    while slow.offs.get(timeout=WAIT_S) is False:
        pass
    acting.join()
    guard.stop()
    assert not slow.is_on


def test_a_relay_whose_acting_thread_hangs_is_let_go_by_the_guard_and_the_process_is_told() -> None:
    lane = replace(LANE, pulse_ns=PULSE_NS, max_on_ns=2 * PULSE_NS)
    guards: list[Guard] = []

    def guarded(relays: Mapping[Relay, Switch]) -> Mapping[Relay, Switch]:
        guards.append(Guard(relays, lane.max_on_ns, lambda error: hanging.facts.put(Broken(error))))
        return guards[0].relays

    hanging = LaneBench(lane, watched=guarded)
    hanging.lamps[Indicator.GREEN].may_go_on.clear()
    guards[0].start()
    with hanging:
        hanging.act.grant(grant())
        on_ns = hanging.await_change("entry", on=True)
        off_ns = hanging.await_change("entry", on=False)
        broken = hanging.fact()
        assert "green" in hanging.lit()  # the acting thread still hangs there, before the end of its pulse
    guards[0].stop()
    assert lane.max_on_ns < off_ns - on_ns <= lane.max_on_ns + 2 * NS
    assert isinstance(broken, Broken)
    assert WORDS in broken.error.what


HOPELESS = """
import sys, threading
from device.errors import HardwareError
from device.gate.guard import Guard
from device.turnstile.lane import Relay

class Welded:
    def on(self): pass
    def off(self): raise HardwareError("the contact is welded")

guard = Guard({Relay.ENTRY: Welded()}, 10_000_000, lambda error: print("told"))
guard.start()
guard.relays[Relay.ENTRY].on()
threading.Event().wait(60)
print("alive")
"""


def test_a_relay_that_cannot_be_let_go_ends_the_process_at_once_for_failsafe_to_follow() -> None:
    done = subprocess.run([sys.executable, "-c", HOPELESS], capture_output=True, text=True, timeout=50, check=False, env=os.environ)
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, "")
    words = done.stderr.splitlines()
    assert WORDS in words[0]
    assert words[-1] == "the contact is welded: the process is ended at once"
