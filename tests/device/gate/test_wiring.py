"""A lane put together by its settings, on pins that the test plays."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from device import failsafe
from device.clock import NS, monotonic_ns
from device.config import load
from device.domain import Grant, Passage, PassageOutcome
from device.errors import HardwareError, StoreError
from device.gate import pins
from device.gate.act import IDLE_NS, Act, Broken, Fact, LaneState
from device.gate.latch import Latch
from device.gate.wiring import contacts_of, lane_of, start_lane
from device.settings import Settings
from device.turnstile.actions import Alarm, Mishap
from device.turnstile.freedom import Cause
from device.turnstile.lane import Drive, Lane, LaneKind, Relay, Sensor
from tests.device.gate.lane_bench import LATE_NS, WAIT_S, grant
from tests.gates import Gate
from tests.played_pins import PlayedPin, play

RELAY, FREE, GREEN, RED, FIRE, KEY_RESET, KEY_FREE = 17, 27, 23, 24, 5, 6, 13
LINES = {
    "free_relay.pin": str(FREE),
    "lamps.green_pin": str(GREEN),
    "lamps.red_pin": str(RED),
    "inputs.fire_pin": str(FIRE),
    "inputs.key_reset_pin": str(KEY_RESET),
    "inputs.key_free_pin": str(KEY_FREE),
    "relay.pulse_s": "0.1",
    "relay.max_on_s": "0.3",
}
ALL_PINS = {
    "passage.pin": Sensor.PASSED,
    "passage.exit_pin": Sensor.PASSED_OUT,
    "inputs.outer_beam_pin": Sensor.OUTER_BEAM,
    "inputs.inner_beam_pin": Sensor.INNER_BEAM,
    "inputs.loop_pin": Sensor.LOOP,
    "inputs.fire_pin": Sensor.FIRE,
    "inputs.break_glass_pin": Sensor.BREAK_GLASS,
    "inputs.tamper_pin": Sensor.TAMPER,
    "inputs.mains_pin": Sensor.MAINS,
    "inputs.ready_pin": Sensor.NOT_READY,
    "inputs.exit_button_pin": Sensor.EXIT_BUTTON,
    "inputs.assist_button_pin": Sensor.ASSIST_BUTTON,
    "inputs.setup_button_pin": Sensor.SETUP_BUTTON,
    "inputs.key_free_pin": Sensor.KEY_FREE,
    "inputs.key_reset_pin": Sensor.KEY_RESET,
}


class Bench:
    """One lane's settings, folders and pins; lives of its gate follow one another."""

    def __init__(self, folder: Path, **lines: str) -> None:
        pins.factory.cache_clear()
        self.settings: Settings = load(Gate(folder, LINES | {name.replace("__", "."): value for name, value in lines.items()}).folder)
        self.edges: queue.Queue[tuple[int, bool, int]] = queue.Queue()
        self.wires: dict[int, PlayedPin] = play(self.settings, lambda pin, high, at_ns: self.edges.put((pin, high, at_ns)))
        self.seen()
        self.state, self.runtime = self.settings.paths.state, self.settings.paths.runtime
        for path in (self.state, self.runtime):
            path.mkdir(parents=True)
        self.facts: queue.Queue[Fact] = queue.Queue()
        self.life = ExitStack()
        self._lives: list[Act] = []  # held, so that what they leave on is not let go by the garbage collector

    def start(self) -> Act:
        self.life = ExitStack()
        self._lives.append(start_lane(self.settings, Latch(self.runtime, self.state), self.facts.put, self.life, alive=lambda: True))
        return self._lives[-1]

    def stop(self) -> None:
        self.life.close()

    def crash(self) -> None:
        """What the next life finds after a kill: the files as they are now."""
        marks = {path: path.read_bytes() for path in (self.runtime / failsafe.FREE, self.state / failsafe.LATCHED) if path.exists()}
        self.stop()
        for path, content in marks.items():
            path.write_bytes(content)
        pins.factory(self.settings.pins, self.settings.board.model)._reservations.clear()  # as the kernel does with a process's pins

    def await_edge(self, pin: int, *, high: bool) -> int:
        gives_up_ns = monotonic_ns() + int(WAIT_S * NS)
        while True:
            number, level, at_ns = self.edges.get(timeout=WAIT_S)
            if (number, level) == (pin, high):
                return at_ns
            assert at_ns < gives_up_ns, f"pin {pin} does not switch"

    def seen(self) -> list[tuple[int, bool]]:
        """The edges since the last look."""
        return [self.edges.get()[:2] for _ in range(self.edges.qsize())]

    def high(self, *numbers: int) -> list[bool]:
        return [bool(self.wires[number].state) for number in numbers]

    def await_fact(self, kind: type[Fact]) -> Fact:
        while not isinstance(fact := self.facts.get(timeout=WAIT_S), kind):
            pass
        return fact


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path / "gate")
    yield bench
    bench.stop()
    pins.factory.cache_clear()


# --- what the settings say -------------------------------------------------------------------------------------


def test_every_contact_that_is_fitted_has_its_pin(tmp_path: Path) -> None:
    numbers = {name: 2 + at for at, name in enumerate(ALL_PINS)}
    lines = {name: str(number) for name, number in numbers.items()}
    lines |= {"lane.profile": '"flap"', "relay.pin": "26", "free_relay.pin": "27", "exit_relay.pin": "25"}
    assert contacts_of(load(Gate(tmp_path / "all", lines).folder)) == {sensor: numbers[name] for name, sensor in ALL_PINS.items()}
    assert set(ALL_PINS.values()) == set(Sensor)


def test_a_gate_without_contacts_has_none(tmp_path: Path) -> None:
    assert contacts_of(load(Gate(tmp_path / "none").folder)) == {}


def test_the_lane_is_as_the_settings_say(tmp_path: Path) -> None:
    lines = LINES | {"lane.profile": '"flap"', "lane.held_s": "20", "relay.drive": '"hold"', "relay.pulse_s": "2", "relay.max_on_s": "4"}
    lines |= {"passage.wait_s": "7", "passage.pin": "4"}
    assert lane_of(load(Gate(tmp_path / "gate", lines).folder), frozenset({Relay.ENTRY, Relay.FREE})) == Lane(
        kind=LaneKind.FLAP,
        pulse_ns=2 * NS,
        max_on_ns=4 * NS,
        wait_ns=7 * NS,
        held_ns=20 * NS,
        drive=Drive.HOLD,
        relays=frozenset({Relay.ENTRY, Relay.FREE}),
        sensors=frozenset({Sensor.PASSED, Sensor.FIRE, Sensor.KEY_RESET, Sensor.KEY_FREE}),
    )


# --- one life --------------------------------------------------------------------------------------------------


def test_a_lane_at_rest_moves_no_pin_from_start_to_stop(bench: Bench) -> None:
    act = bench.start()
    assert act.lane == LaneState()
    bench.stop()
    assert bench.seen() == []


def test_a_grant_is_one_pulse_on_the_pin_and_green(bench: Bench) -> None:
    act = bench.start()
    act.grant(grant())
    on_ns = bench.await_edge(RELAY, high=True)
    assert bench.await_edge(RELAY, high=False) - on_ns <= 0.1 * NS + LATE_NS
    assert bench.high(GREEN, FREE) == [True, False]
    passage = bench.await_fact(Passage)
    assert isinstance(passage, Passage)
    assert passage.outcome is PassageOutcome.ASSUMED


def test_a_fire_contact_that_opens_frees_the_lane_without_a_disk_or_a_recording_thread(bench: Bench) -> None:
    """Nobody takes what is told, and the state folder is gone."""
    act = bench.start()
    bench.state.rmdir()
    opened_ns = monotonic_ns()
    bench.wires[FIRE].hold(high=True)
    assert bench.await_edge(FREE, high=True) - opened_ns <= LATE_NS
    bench.await_edge(GREEN, high=True)
    assert act.lane == LaneState(free_by=Cause.FIRE, is_latched=True)
    assert bench.high(RELAY, RED) == [False, False]


def test_a_fire_whose_edge_was_lost_is_found_by_asking(bench: Bench) -> None:
    bench.start()
    bench.wires[FIRE].edges = "none"
    opened_ns = monotonic_ns()
    bench.wires[FIRE].hold(high=True)
    assert bench.await_edge(FREE, high=True) - opened_ns <= IDLE_NS + LATE_NS


def test_a_fire_in_the_middle_of_a_pulse_frees_the_lane_and_the_pulse_ends_in_time(bench: Bench) -> None:
    act = bench.start()
    act.grant(grant())
    on_ns = bench.await_edge(RELAY, high=True)
    bench.wires[FIRE].hold(high=True)
    assert bench.await_edge(RELAY, high=False) - on_ns <= 0.3 * NS + LATE_NS
    act.grant(Grant("late", monotonic_ns() + NS))
    while not isinstance(fact := bench.facts.get(timeout=WAIT_S), Passage) or fact.grant_id != "late":
        pass
    assert (fact.outcome, bench.high(RELAY, FREE)) == (PassageOutcome.FREE, [False, True])


def test_stopping_leaves_a_free_lane_free_and_all_else_off(bench: Bench) -> None:
    bench.start()
    bench.wires[FIRE].hold(high=True)
    bench.await_edge(FREE, high=True)
    bench.await_edge(GREEN, high=True)
    bench.stop()
    assert bench.high(FREE, RELAY, GREEN, RED) == [True, False, False, False]
    assert failsafe.must_be_free(bench.state, bench.runtime)


def test_a_relay_that_is_kept_on_is_let_go_by_the_guard(bench: Bench) -> None:
    """Behind the turnstile's back: what it does not know of it never lets go of."""
    act = bench.start()
    act._relays[Relay.ENTRY].on()
    on_ns = bench.await_edge(RELAY, high=True)
    assert 0.3 * NS < bench.await_edge(RELAY, high=False) - on_ns <= 0.5 * NS + LATE_NS
    broken = bench.await_fact(Broken)
    assert isinstance(broken, Broken)
    assert broken.error.what.endswith("longer than its maximum, and was let go by the guard")


# --- lives that follow one another -----------------------------------------------------------------------------


@pytest.mark.parametrize("mark", [failsafe.FREE, failsafe.LATCHED])
def test_a_lane_that_was_latched_is_free_from_the_first_moment(bench: Bench, mark: str) -> None:
    if mark == failsafe.FREE:
        (bench.runtime / mark).write_text("fire", encoding="ascii")
    else:
        (bench.state / mark).touch()
    bench.wires[FREE].hold(high=True)  # as the keeper left it
    bench.seen()
    act = bench.start()
    assert act.lane == LaneState(free_by=Cause.LATCHED, is_latched=True)
    bench.await_edge(GREEN, high=True)
    bench.stop()
    assert FREE not in {number for number, _ in bench.seen()}
    assert bench.high(FREE) == [True]


def test_a_fire_that_is_over_is_still_latched_after_a_crash_and_ends_by_the_key(bench: Bench) -> None:
    bench.start()
    bench.wires[FIRE].hold(high=True)
    bench.await_edge(FREE, high=True)
    bench.await_fact(Alarm)
    bench.crash()
    bench.wires[FIRE].hold(high=False)
    bench.seen()
    act = bench.start()
    assert act.lane.free_by is Cause.LATCHED
    bench.wires[KEY_RESET].hold(high=False)
    bench.await_edge(FREE, high=False)
    bench.stop()
    assert (bench.high(FREE), failsafe.must_be_free(bench.state, bench.runtime)) == ([False], False)


def test_an_order_to_stand_free_outlives_a_crash_of_the_gate(bench: Bench) -> None:
    act = bench.start()
    act.order_free(free=True)
    bench.await_edge(FREE, high=True)
    bench.await_edge(GREEN, high=True)  # by then it is marked
    bench.crash()
    act = bench.start()
    assert act.lane == LaneState(free_by=Cause.ORDER)
    act.order_free(free=False)
    bench.await_edge(FREE, high=False)


def test_a_key_that_was_turned_back_while_no_gate_ran_frees_nothing_any_more(bench: Bench) -> None:
    bench.start()
    bench.wires[KEY_FREE].hold(high=False)
    bench.await_edge(FREE, high=True)
    bench.await_edge(GREEN, high=True)
    bench.crash()
    assert failsafe.must_be_free(bench.state, bench.runtime)
    bench.wires[KEY_FREE].hold(high=True)
    act = bench.start()
    assert (act.lane, failsafe.must_be_free(bench.state, bench.runtime)) == (LaneState(), False)
    bench.stop()
    assert bench.high(FREE) == [False]


# --- what is missing -------------------------------------------------------------------------------------------


def test_a_lane_that_may_have_to_be_free_is_not_opened_as_a_closed_one(bench: Bench) -> None:
    (bench.runtime / failsafe.FREE).mkdir()
    with pytest.raises(StoreError):
        bench.start()
    bench.stop()
    assert bench.seen() == []


def test_a_contact_that_cannot_be_opened_is_told_and_all_is_let_go(bench: Bench) -> None:
    another = pins.contact(bench.settings, KEY_FREE, lambda _closed, _at_ns: None)
    (bench.state / failsafe.LATCHED).touch()
    with pytest.raises(HardwareError) as caught:
        bench.start()
    bench.stop()
    assert caught.value.what.startswith(f"pin {KEY_FREE} cannot be an input: ")
    assert bench.high(FREE, RELAY, GREEN, RED) == [True, False, False, False]
    assert (bench.wires[RELAY].function, another.is_closed()) == ("input", False)


def test_alarms_are_told_in_the_order_of_what_happened(bench: Bench) -> None:
    bench.start()
    bench.wires[FIRE].hold(high=True)
    told = [bench.facts.get(timeout=WAIT_S) for _ in range(2)]
    assert [(fact.what, fact.on, fact.about) for fact in told if isinstance(fact, Alarm)] == [
        (Mishap.FIRE, True, ""),
        (Mishap.FREE, True, "fire"),
    ]
