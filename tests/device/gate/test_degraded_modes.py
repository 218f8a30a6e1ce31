"""Degraded modes at the gate process itself, row by row: each trouble is brought about at its pins, its board, its store or its clock,
and its lamps, its message ``health`` and what happens to people are what the table says in its own words.

``tests/device/test_degraded.py`` goes through every row with simulated time; what takes longer than a test may last is there alone.
"""

from __future__ import annotations

import json
import os
import resource
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from device.commands.deeds import LaneMode
from device.degraded import CONDUCT, Trouble
from device.domain import ClockTrust, Direction, EventType, Instant, Track
from device.gate import lane_mode
from device.gate.lane_wait import LANE_WAIT_NS
from device.gate.room import RESERVE_BYTES
from device.gate.store import Store
from device.links import EyesState, Link, ReaderState
from device.turnstile.lane import Sensor
from device.turnstile.signals import ROUNDS, STEPS, Indicator, Signal
from tests.device.boards import Board
from tests.device.gate.desk import Desk
from tests.device.gate.lane_bench import LATE_NS
from tests.gates import Gate, show, wait_health
from tests.offices import Office, OfficeGate
from tests.played_pins import PlayedPins

RELAY, FREE = 17, 18
LAMPS = {Indicator.GREEN: 22, Indicator.RED: 23, Indicator.AMBER: 25}
EVENTS_MAX = 10_000
LANE = {
    "store.events_max": str(EVENTS_MAX),
    "lane.profile": "flap",
    "lane.held_s": "2",
    "relay.pulse_s": "0.1",
    "passage.pin": "27",
    "passage.exit_pin": "24",
    "passage.wait_s": "3",
    "inputs.outer_beam_pin": "5",
    "inputs.fire_pin": "6",
    "inputs.break_glass_pin": "12",
    "inputs.key_free_pin": "13",
    "inputs.key_reset_pin": "16",
    "inputs.tamper_pin": "19",
    "inputs.mains_pin": "20",
    "inputs.ready_pin": "21",
    "inputs.exit_button_pin": "26",
    "inputs.setup_button_pin": "4",
    "lamps.green_pin": "22",
    "lamps.red_pin": "23",
    "lamps.amber_pin": "25",
}
"""A lane with a contact for each way, whose one relay lets people through either way."""
AT_PINS = {"relay.pin": str(RELAY), "free_relay.pin": str(FREE)}
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
NEXT_CENTURY = datetime(2101, 1, 1, tzinfo=UTC)
FROM_THE_START_NS = 1
SMALL_DISK_BYTES = RESERVE_BYTES + 64 * 2**20
"""More than the store keeps free, and less than what counts as nearly full."""

NEEDS_LIST = """\
place = "other"
accepts = ["kd1"]
[lists]
deny = "{}"
[identity]
sealed = false
"""


@dataclass
class Scene:
    """A gate that runs, its pins, and both ends of its links. ``brought_ns`` is from when on its lamps tell of the trouble."""

    gate: Gate
    way: Direction
    played: PlayedPins
    reader: Link
    desk: Desk
    make_pass: Callable[[int], bytes]
    board: Board | None = None
    office: Office | None = None
    holder: sqlite3.Connection | None = None  # of the store
    brought_ns: int = FROM_THE_START_NS
    codes: int = 0
    health: dict[str, Any] = field(default_factory=lambda: {"troubles": []})  # as it was told last

    def show(self, payload: bytes | None = None) -> Track:
        """Somebody holds up a code: a pass of his own, if nothing else is said."""
        self.codes += 1
        track = self.gate.track(payload or self.make_pass(self.codes))
        show(self.reader, track)
        return track

    def leave(self) -> None:
        show(self.reader)

    def told(self, kind: EventType, track: Track) -> dict[str, Any]:
        """The first event of ``kind`` about ``track``, as soon as it is there."""
        while not (found := [data for data in self.desk.data(kind, 0) if data.get("presentation") == track.id]):
            self.desk.data(kind, len(self.desk.data(kind, 0)) + 1)
        return found[0]

    def counted(self) -> dict[str, Any]:
        """The first passage that no code was shown for, as soon as it is recorded."""
        while not (found := [data for data in self.desk.data(EventType.PASSAGE, 0) if "presentation" not in data]):
            self.desk.data(EventType.PASSAGE, len(self.desk.data(EventType.PASSAGE, 0)) + 1)
        return found[0]

    def switched_on(self, pin: int, since_ns: int) -> list[int]:
        return [edge.at_ns for edge in self.played.edges(pin) if edge.high and edge.at_ns >= since_ns]

    def await_health(self, trouble: Trouble, about: str | None = None) -> str:
        """The state on MQTT, as soon as ``trouble`` is all that is told. Nothing is asked of the desk before: it passes such messages over."""
        while [each["trouble"] for each in self.health["troubles"]] != [trouble] or about not in (None, self.health["troubles"][0].get("about")):
            self.health = wait_health(self.desk.link, within_s=10)
        return str(self.health["health"])

    def await_lamps(self, signal: Signal) -> None:
        """What stands while nobody is answered: its lamps light up, and no others do."""
        steps = ROUNDS[signal][1] if signal in ROUNDS else STEPS[signal]
        lit = {LAMPS[step.indicator] for step in steps if step.on and step.indicator in LAMPS}
        for pin in lit:
            self.played.await_level(pin, high=True, after_ns=self.brought_ns)
        assert [pin for pin in LAMPS.values() if pin not in lit and self.switched_on(pin, self.brought_ns)] == []


# --- how each trouble comes about ------------------------------------------------------------------------------


def opened(sensor: Sensor) -> Callable[[Scene], None]:
    """A contact that is closed while all is well."""
    return lambda scene: _move(scene, sensor, closed=False)


def closed(sensor: Sensor) -> Callable[[Scene], None]:
    return lambda scene: _move(scene, sensor, closed=True)


def _move(scene: Scene, sensor: Sensor, *, closed: bool) -> None:
    scene.brought_ns = scene.played.move(sensor, closed=closed)


def fire_is_over(scene: Scene) -> None:
    """And nobody has reset it."""
    _move(scene, Sensor.FIRE, closed=False)
    scene.played.await_level(FREE, high=True)
    scene.played.move(Sensor.FIRE, closed=True)
    scene.await_health(Trouble.FREE, about="latched")


def unplugged(scene: Scene) -> None:
    assert scene.board is not None
    scene.board.unplug()


def covered(scene: Scene) -> None:
    assert scene.reader.send(ReaderState(EyesState.COVERED, frames=1, dropped=0, looks=0, failures=0))


def disk_takes_nothing(scene: Scene) -> None:
    """No file of the gate may grow, nor be written to beyond its first byte."""
    _limit_files(scene, 1)
    _miss_somebody(scene)


def store_is_held(scene: Scene) -> None:
    """Somebody else writes into the store and does not end: each attempt lasts as long as the store waits for such a one."""
    scene.holder = sqlite3.connect(scene.gate.state / "events.db", isolation_level=None)
    scene.holder.execute("BEGIN IMMEDIATE")
    _miss_somebody(scene)


def _miss_somebody(scene: Scene) -> None:
    """Who goes through without a code, the other way, cannot be recorded: by that the trouble is noticed."""
    other_way = Sensor.PASSED_OUT if scene.way is Direction.ENTRY else Sensor.PASSED
    scene.played.move(other_way, closed=True)
    scene.await_health(Trouble.STORE_FAILED)
    scene.played.move(other_way, closed=False)


def mend_the_store(scene: Scene) -> None:
    _limit_files(scene, resource.RLIM_INFINITY)
    if scene.holder is not None:
        scene.holder.rollback()
        scene.holder.close()


def _limit_files(scene: Scene, size_bytes: int) -> None:
    assert scene.gate.process is not None
    _, hard = resource.prlimit(scene.gate.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(scene.gate.process.pid, resource.RLIMIT_FSIZE, (size_bytes, hard))


def policy_needs_a_list(scene: Scene) -> None:
    _hand_over(scene, "refuse")


def _hand_over(scene: Scene, unsure: str) -> None:
    assert scene.office is not None
    assert isinstance(scene.gate, OfficeGate)
    scene.gate.hand_over(scene.office.policy(NEEDS_LIST.format(unsure)))


def _await_policies(scene: Scene, count: int) -> None:
    """So many have come into force."""
    known = 0
    while [each["what"] for each in scene.desk.data(EventType.AUDIT, known)].count("bundle_in_force") < count:
        known = len(scene.desk.data(EventType.AUDIT, 0)) + 1


def from_the_start(_scene: Scene) -> None:
    """It was there before the gate."""


def ordered(mode: LaneMode) -> Callable[[Gate], None]:
    """As an operator left it before the gate was started again."""

    def before(gate: Gate) -> None:
        gate.state.mkdir()
        (gate.state / lane_mode.FILE).write_text(json.dumps({"mode": mode}), encoding="ascii")

    return before


def recorded_in_the_future(gate: Gate) -> None:
    """What was recorded has certainly passed: a clock that shows an earlier time is wrong."""
    gate.state.mkdir(mode=0o700)
    with closing(Store(gate.state / "events.db", gate="g1", boot="boot-1")) as store, store.transaction() as writing:
        writing.append(EventType.AUDIT, {"what": "started"}, subject="gate", now=Instant(NEXT_CENTURY, ClockTrust.TRUSTED))


def filled(share: float) -> Callable[[Gate], None]:
    """So much of what the store may hold is taken, and nobody confirms it."""

    def before(gate: Gate) -> None:
        gate.state.mkdir(mode=0o700)
        with closing(Store(gate.state / "events.db", gate="g1", boot="boot-1")) as store, store.transaction() as writing:
            for _ in range(int(share * EVENTS_MAX)):
                writing.append(EventType.AUDIT, {"what": "started"}, subject="gate", now=Instant(LONG_AGO, ClockTrust.UNTRUSTED))

    return before


@contextmanager
def small_disk(gate: Gate) -> Iterator[None]:
    gate.state.mkdir(mode=0o700)
    command = ["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK_BYTES},mode=700", "qrgate-test", str(gate.state)]
    if os.getuid() != 0 or subprocess.run(command, check=False).returncode != 0:
        pytest.skip("only root can mount a small disk, and not everywhere")
    yield
    subprocess.run(["umount", "--lazy", str(gate.state)], check=True)


# --- what happens to people, in the table's words --------------------------------------------------------------


def let_in(scene: Scene) -> None:
    track = scene.show()
    scene.played.await_level(RELAY, high=True, after_ns=track.decoded_ns)
    scene.played.move(Sensor.PASSED, closed=True)
    reason, outcome = scene.told(EventType.DECISION, track)["reason"], scene.told(EventType.PASSAGE, track)["outcome"]
    scene.played.move(Sensor.PASSED, closed=False)
    scene.leave()
    assert (reason, outcome) == ("ok", "turned")


def refused(reason: str) -> Callable[[Scene], None]:
    return lambda scene: _refused(scene, scene.show(), reason)


def _refused(scene: Scene, track: Track, reason: str) -> None:
    decided = scene.told(EventType.DECISION, track)
    scene.leave()
    assert (decided["admit"], decided["reason"], scene.switched_on(RELAY, track.frame_ns)) == (False, reason, [])


def refused_without_a_record(scene: Scene) -> None:
    track = scene.show()
    scene.played.await_level(LAMPS[Indicator.RED], high=True, after_ns=track.decoded_ns)
    scene.leave()
    mend_the_store(scene)
    let_in(scene)
    assert [data["admit"] for data in scene.desk.data(EventType.DECISION, 0)] == [True]  # of the last alone


def let_out_and_recorded_later(scene: Scene) -> None:
    track = scene.show()
    scene.played.await_level(RELAY, high=True, after_ns=track.decoded_ns)
    scene.played.move(Sensor.PASSED_OUT, closed=True)
    mend_the_store(scene)
    decided, ended = scene.told(EventType.DECISION, track), scene.told(EventType.PASSAGE, track)
    assert (decided["admit"], decided["direction"], ended["outcome"]) == (True, "exit", "turned")


def goes_free(scene: Scene) -> None:
    track = scene.show()
    assert (scene.told(EventType.DECISION, track)["admit"], scene.told(EventType.PASSAGE, track)["outcome"]) == (True, "free")
    scene.leave()
    assert (scene.switched_on(RELAY, FROM_THE_START_NS), scene.played.levels()[FREE]) == ([], True)


def nobody_is_read(scene: Scene) -> None:
    assert scene.desk.data(EventType.DECISION, 0) == []


def refused_only_what_has_a_date(scene: Scene) -> None:
    dated = scene.gate.issuer.issue(99, valid_until_s=int(NEXT_CENTURY.timestamp()))
    _refused(scene, scene.show(dated), "clock_untrusted")
    let_in(scene)


def refused_or_let_in_as_the_policy_says(scene: Scene) -> None:
    _refused(scene, scene.show(), "list_stale")
    _hand_over(scene, "overlook")
    _await_policies(scene, 2)
    let_in(scene)


def waits_and_is_refused(scene: Scene) -> None:
    track = scene.show()
    scene.played.await_level(LAMPS[Indicator.AMBER], high=True, after_ns=track.decoded_ns)
    _refused(scene, track, "lane_busy")


def waits_and_goes(scene: Scene) -> None:
    track = scene.show()
    on_ns = scene.played.await_level(RELAY, high=True, after_ns=track.decoded_ns)
    assert LANE_WAIT_NS <= on_ns - track.decoded_ns <= LANE_WAIT_NS + LATE_NS


def let_out_by_the_button(scene: Scene) -> None:
    pressed_ns = scene.played.move(Sensor.EXIT_BUTTON, closed=True)
    scene.played.await_level(RELAY, high=True, after_ns=pressed_ns)
    scene.played.move(Sensor.EXIT_BUTTON, closed=False)
    goes_out_unasked(scene)


def goes_out_unasked(scene: Scene) -> None:
    """Whoever goes out is counted, and not accused."""
    scene.played.move(Sensor.PASSED_OUT, closed=True)
    recorded = scene.counted()
    assert (recorded["outcome"], recorded["direction"]) == ("counted", "exit")


ENTRY: dict[str, Callable[[Scene], None]] = {
    "free": goes_free,
    "refused, `out_of_service`": refused("out_of_service"),
    "refused, without a record": refused_without_a_record,
    "nobody is read": nobody_is_read,
    "as the policy says; what has a date is refused, `clock_untrusted`": refused_only_what_has_a_date,
    "as the policy says: refused, `list_stale`, or let in": refused_or_let_in_as_the_policy_says,
    "as ever": let_in,
    "waits up to 3 s, then refused, `lane_busy`": waits_and_is_refused,
}
EXIT_WITHOUT_A_CODE: dict[str, Callable[[Scene], None]] = {
    "free; each passage is counted": goes_out_unasked,
    "by the lane's own mechanics": goes_out_unasked,
    "is ordered as ever": let_out_by_the_button,
    "as ever": let_out_by_the_button,
    "by the button or the lane's mechanics": let_out_by_the_button,
}
EXIT_BY_CODE: dict[str, Callable[[Scene], None]] = {
    "let out at an exit, recorded later": let_out_and_recorded_later,
    "waits up to 3 s, then goes": waits_and_goes,
}


# --- the rows --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """``before`` prepares what the gate finds when it starts; ``bring`` brings the trouble about while it runs."""

    trouble: Trouble
    bring: Callable[[Scene], None]
    way: Direction = Direction.ENTRY
    how: str = ""
    before: Callable[[Gate], Any] = field(default=lambda _gate: None)

    @property
    def name(self) -> str:
        return ", ".join(filter(None, (self.trouble, self.how, self.way)))


CASES = [
    Case(Trouble.FREE, opened(Sensor.FIRE), how="fire"),
    Case(Trouble.FREE, opened(Sensor.BREAK_GLASS), how="break-glass"),
    Case(Trouble.FREE, closed(Sensor.KEY_FREE), how="key"),
    Case(Trouble.FREE, fire_is_over, how="a fire that nobody has reset"),
    Case(Trouble.FREE, from_the_start, how="order", before=ordered(LaneMode.FREE)),
    Case(Trouble.RELAY_LOST, unplugged),
    Case(Trouble.NOT_READY, opened(Sensor.NOT_READY)),
    Case(Trouble.LOCKED, from_the_start, before=ordered(LaneMode.LOCKED)),
    Case(Trouble.SERVICE, closed(Sensor.SETUP_BUTTON)),
    Case(Trouble.STORE_FAILED, disk_takes_nothing, how="broken"),
    Case(Trouble.STORE_FAILED, store_is_held, how="stalled"),
    Case(Trouble.STORE_FAILED, disk_takes_nothing, Direction.EXIT, how="broken"),
    Case(Trouble.CAMERA_BLIND, covered),
    Case(Trouble.CLOCK_UNTRUSTED, from_the_start, before=recorded_in_the_future),
    Case(Trouble.LISTS_STALE, policy_needs_a_list),
    Case(Trouble.STORE_FILLING, from_the_start, before=filled(0.8)),
    Case(Trouble.STORE_NEARLY_FULL, from_the_start, before=filled(0.9)),
    Case(Trouble.DISK_NEARLY_FULL, from_the_start, before=small_disk),
    Case(Trouble.HELD, opened(Sensor.OUTER_BEAM)),
    Case(Trouble.HELD, opened(Sensor.OUTER_BEAM), Direction.EXIT),
    Case(Trouble.ON_BATTERY, opened(Sensor.MAINS)),
    Case(Trouble.TAMPER, opened(Sensor.TAMPER)),
]

ONLY_SIMULATED: dict[Trouble, str] = {
    Trouble.SENSOR_STUCK: "no contact counts as stuck before a minute",
    Trouble.BROKER_AWAY: "a broker is away after a minute",
}
"""These are proven with simulated time alone, and why."""


@contextmanager
def at_the_gate(folder: Path, case: Case) -> Iterator[Scene]:
    with ExitStack() as closing_all:
        board, office = None, None
        relays = AT_PINS
        if case.trouble is Trouble.RELAY_LOST:
            board = closing_all.enter_context(Board())
            relays = {"relay.kind": "lcus", "relay.port": str(board.path), "relay.channel": "1", "free_relay.channel": "2"}
        lines = LANE | relays
        if case.trouble is Trouble.LISTS_STALE:
            office = Office(folder)
            gate: Gate = office.gate(folder / "gate", **{name.replace(".", "__"): value for name, value in (lines | {"buzzer.pin": ""}).items()})
        else:
            quoted = {name: value if value[0].isdigit() else f'"{value}"' for name, value in lines.items()}
            gate = Gate(folder / "gate", quoted | {"site.direction": f'"{case.way}"'})
        if hasattr(prepared := case.before(gate), "__enter__"):
            closing_all.enter_context(prepared)
        played = closing_all.enter_context(PlayedPins(gate).start())
        desk = closing_all.enter_context(closing(Desk(gate)))
        reader = closing_all.enter_context(closing(gate.connect("reader")))
        yield Scene(gate, case.way, played, reader, desk, _passes(gate, office), board, office)
        assert "Traceback" not in played.stop()


def _passes(gate: Gate, office: Office | None) -> Callable[[int], bytes]:
    return gate.issuer.issue if office is None else lambda _number: office.make_pass()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_gate_does_what_the_table_says(tmp_path: Path, case: Case) -> None:
    row = CONDUCT[case.trouble]
    with at_the_gate(tmp_path, case) as scene:
        case.bring(scene)
        assert scene.await_health(case.trouble) == row.health
        scene.await_lamps(row.signal)
        if case.way is Direction.EXIT:
            EXIT_BY_CODE[row.exit](scene)
            return
        ENTRY[row.entry](scene)
        if row.exit not in EXIT_BY_CODE:
            EXIT_WITHOUT_A_CODE[row.exit](scene)


def test_every_row_is_proven_at_the_process_or_is_said_to_be_simulated_alone() -> None:
    at_the_process = {case.trouble for case in CASES}
    assert at_the_process | {*ONLY_SIMULATED} == {*Trouble}
    assert at_the_process & {*ONLY_SIMULATED} == set()
    by_code = {trouble for trouble in at_the_process if CONDUCT[trouble].exit in EXIT_BY_CODE}
    assert {case.trouble for case in CASES if case.way is Direction.EXIT} == by_code
