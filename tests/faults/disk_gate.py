"""A whole gate on a disk that fails while people come: what happens to them, to the lamps, to operators, and to what was recorded."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from device.clock import NS
from device.degraded import Trouble
from device.domain import Direction
from device.events.cloudevents import body_hash
from device.gate.store import Store
from device.turnstile.lane import Sensor
from tests.faults.disk_faults import Fault
from tests.faults.disk_image import Image
from tests.faults.disk_scene import GREEN, RED, RELAY, Scene

SIZE_MIB = 256
"""More than what counts as nearly full."""

PEOPLE_BEFORE = 3
RECOVERS_WITHIN_S = 5.0
WATCHED_S = 2.0
"""Longer than a grant lives."""
ANSWER_S = 6.0
"""Whoever is let out sees green first; what stands at the lane comes after."""
ALARMS = frozenset({Trouble.STORE_FAILED, "store_stalled"})
EVENTS_MAX = 1000
GRANT_WITHIN_NS = 2 * NS
"""From the first read to the relay: ``policy.grant_within_s`` is 1.5 s."""


@dataclass
class Outcome:
    """``flaws`` are broken promises, in words. ``recovery_s`` is from the end of the fault until somebody is let in, or recorded who was let out."""

    fault: str
    way: Direction
    recovery_s: float = float("inf")
    events: int = 0
    flaws: list[str] = field(default_factory=list)

    def expect(self, promise: str, *, kept: bool) -> None:
        if not kept:
            self.flaws.append(f"not so: {promise}")


def trial(folder: Path, fault: Fault, way: Direction) -> Outcome:
    """``disk_image.leave_the_others`` comes before. Raises NoDiskError, MissingError where it cannot be tried here."""
    outcome = Outcome(fault.name, way)
    with closing(Image(folder, size_mib=SIZE_MIB, options=("-e", "remount-ro"))) as disk, Scene(folder, disk, fault, way) as scene:
        for _ in range(PEOPLE_BEFORE):
            outcome.expect("people are let through before", kept=scene.switches_on(RELAY, scene.show().decoded_ns))
            scene.go_through()
        scene.desk.passages(PEOPLE_BEFORE)
        fault.begin(disk)
        (_let_somebody_out if way is Direction.EXIT else _keep_somebody_out)(scene, fault, outcome)
        if fault.is_told_at_once:
            outcome.expect("health says so", kept=scene.is_told(Trouble.STORE_FAILED))
        ended_ns = scene.end_fault()
        outcome.recovery_s = (scene.recovered_ns(ended_ns) - ended_ns) / NS
        outcome.expect(f"the gate recovers within {RECOVERS_WITHIN_S:.0f} s", kept=outcome.recovery_s <= RECOVERS_WITHIN_S)
        outcome.expect("the process ends in order", kept="Traceback" not in scene.stop())
        _look_back(scene, outcome, alarm=not fault.outlives_the_process)
    return outcome


def _keep_somebody_out(scene: Scene, fault: Fault, outcome: Outcome) -> None:
    had_begun, shown_ns = fault.has_begun, scene.show().decoded_ns
    while not had_begun and scene.switches_on(RELAY, shown_ns, within_s=WATCHED_S):  # what was written before the errors is a record
        scene.go_through()
        had_begun, shown_ns = fault.has_begun, scene.show().decoded_ns
    outcome.expect("nobody is let in", kept=not scene.switches_on(RELAY, shown_ns, within_s=WATCHED_S))
    outcome.expect("red is lit, and green is not", kept=scene.switches_on(RED, shown_ns) and not scene.switched_on(GREEN, shown_ns))
    scene.leave()
    _press_exit_button(scene, outcome)


def _let_somebody_out(scene: Scene, fault: Fault, outcome: Outcome) -> None:
    had_begun = False
    while not had_begun:
        had_begun, shown_ns = fault.has_begun, scene.show().decoded_ns
        outcome.expect("somebody is let out", kept=scene.switches_on(RELAY, shown_ns))
        scene.go_through()
    _press_exit_button(scene, outcome)
    outcome.expect("red is lit", kept=scene.switches_on(RED, shown_ns, within_s=ANSWER_S))


def _press_exit_button(scene: Scene, outcome: Outcome) -> None:
    pressed_ns = scene.played.move(Sensor.EXIT_BUTTON, closed=True)
    scene.by_button.append(pressed_ns)
    outcome.expect("the exit button opens", kept=scene.switches_on(RELAY, pressed_ns))
    scene.played.move(Sensor.EXIT_BUTTON, closed=False)
    scene.go_through(Sensor.PASSED_OUT)


def _look_back(scene: Scene, outcome: Outcome, *, alarm: bool) -> None:
    """What was given to the uplink, or had opened the lane, must be in the store of the gate, which has stopped."""
    with closing(Store(scene.store, gate="g1", boot="after")) as store:
        bodies = {event.sequence: event.body for event in store.events_after(0, EVENTS_MAX)}
        last = store.last_sequence
    outcome.events = last
    outcome.expect("every event is there", kept=list(bodies) == list(range(1, last + 1)))
    outcome.expect("what was given to the uplink is there", kept=scene.given.items() <= bodies.items())
    outcome.expect("each event follows the one before", kept=_is_chained(list(bodies.values())))
    told = [json.loads(body) for body in bodies.values()]
    decided = [each["data"] for each in told if each["type"] == "qrgate.decision" and each["data"]["admit"]]
    outcome.expect("whomever the lane was opened to is recorded", kept=all(_take_record(decided, on_ns) for on_ns in scene.opened))
    if alarm:
        whats = {each["data"]["what"] for each in told if each["type"] == "qrgate.alarm"}
        outcome.expect("an alarm is recorded", kept=bool(whats & ALARMS))


def _is_chained(bodies: list[bytes]) -> bool:
    return all(json.loads(after)["previoushash"] == body_hash(before).hex() for before, after in pairwise(bodies))


def _take_record(decided: list[dict[str, Any]], on_ns: int) -> bool:
    """Is there a decision for the lane's opening at ``on_ns``? It is taken away, so that none is there for two."""
    match = next((each for each in decided if each["decoded_ns"] <= on_ns < each["decoded_ns"] + GRANT_WITHIN_NS), None)
    if match is not None:
        decided.remove(match)
    return match is not None
