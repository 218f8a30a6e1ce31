"""A story, played: what is shown, what each gate does, and where that differs from what the story expects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from device import credentials
from device.admission.lists import DECLARED, MUST_STAY, NOT_DECLARED, RELEASED, ListKind
from device.domain import Credential, Direction
from device.events.pseudonyms import VIET_NAM
from device.gate.decision_record import UNRECORDED
from device.turnstile.lane import Sensor
from device.turnstile.machine import Service
from device.turnstile.signals import Signal
from tests.scenarios import holdings
from tests.scenarios.gate import RESTART_S, StoryGate
from tests.scenarios.sky import Sky
from tests.scenarios.story import Step, Story

LOOK_S = 0.8
"""After so long everything that was shown is decided: a code that is no credential waits half a second for one beside it."""
REST_S = 30
"""After the last step every grant comes to its end."""
FLOOD_EVERY_S = 0.5


@dataclass
class Shown:
    """One step in which something was shown, and what it was known by at the gate."""

    step: Step
    gate: StoryGate
    tracks: list[str] = field(default_factory=list)
    signals: list[Signal] = field(default_factory=list)
    left_to_pass: int | None = None  # None: as many as are granted


@dataclass(frozen=True)
class Line:
    """Something that was recorded."""

    at: datetime
    gate: str
    event: dict[str, Any]


class Stage:
    def __init__(self, story: Story, folder: Path) -> None:
        self.story = story
        self.sky = Sky(story.start)
        self.gates = {each.id: StoryGate(each, story.policy, self.sky, folder / each.id) for each in story.gates}
        for gate in self.gates.values():
            gate.set_clock(timedelta(), vouched=story.trusted and gate.fitting.clock_vouched)
        self.shown: list[Shown] = []
        self.lines: list[Line] = []
        self.payloads: set[bytes] = set()
        self._agenda: list[tuple[datetime, int, Callable[[], None]]] = []
        self._held: dict[str, bytes] = {}  # what each person showed last
        self._in_view: dict[str, tuple[StoryGate, str]] = {}
        self._recorded: Counter[str] = Counter()
        self._pulses: Counter[str] = Counter()

    def play(self) -> None:
        for step in self.story.steps:
            self._advance(step.at)
            if step.shows:
                self._show(step)
            else:
                HAPPENS[step.happens](self, self.gates[step.gate], step)
        self._advance(self.sky.later(REST_S))
        for gate in self.gates.values():
            if not gate.alive:
                raise AssertionError(f"{gate.id} has died and did not come back")
            gate.stop()
            gate.start()  # to read what is left behind; a start opens nothing
            ids = {
                UNRECORDED + line.event["subject"]: line.event["id"] for line in self.lines if line.gate == gate.id and "admit" in line.event["data"]
            }
            gate.name_grants(ids)

    def close(self) -> None:
        for gate in self.gates.values():
            gate.store.close()

    # --- showing -----------------------------------------------------------------------------------------------

    def payload(self, name: str) -> bytes:
        """What ``name`` holds up now. A copy is of what its owner showed last."""
        claims = self.story.people[name]
        payload = self._held[claims["copies"]] if "copies" in claims else holdings.hold(claims)(self.sky.now)
        self._held[name] = payload
        self.payloads.add(payload)
        return payload

    def _show(self, step: Step) -> None:
        gate = self.gates[step.gate]
        shown = Shown(step, gate, left_to_pass=None if step.passes is True else int(step.passes))
        self.shown.append(shown)
        before = len(gate.act.seen.signals)
        shown.tracks = [gate.appears(self.payload(name)) for name in step.shows]
        self._in_view |= {name: (gate, track) for name, track in zip(step.shows, shown.tracks, strict=True)}
        gate.look()
        self._take_note(gate)
        if step.dies == "before opening":
            self._die(gate)
        elif step.dies == "during the pulse":
            self._advance(self.sky.later(0.2))
            self._die(gate)
        else:
            self._advance(self.sky.later(LOOK_S))
            shown.signals = gate.act.seen.signals[before:]
        if not step.stays:
            for name in step.shows:
                self._later(step.holds_for_s - LOOK_S, partial(self.take_away, name))

    def take_away(self, name: str) -> None:
        gate, track = self._in_view.pop(name)
        gate.leaves(track)

    def _die(self, gate: StoryGate) -> None:
        gate.die()
        self._later(RESTART_S, gate.start)

    def _later(self, seconds: float, do: Callable[[], None]) -> None:
        self._agenda.append((self.sky.later(max(seconds, 0.0)), len(self._agenda), do))

    # --- time --------------------------------------------------------------------------------------------------

    def _advance(self, until: datetime) -> None:
        self._turn()
        while self.sky.now < until:
            moments = [until, *(at for at, _, _ in self._agenda), *(gate.next_moment() for gate in self.gates.values() if gate.alive)]
            self.sky.now = max(min(moments), self.sky.now + timedelta(microseconds=1))
            self._turn()

    def _turn(self) -> None:
        due = sorted((each for each in self._agenda if each[0] <= self.sky.now), key=lambda each: each[:2])
        self._agenda = [each for each in self._agenda if each[0] > self.sky.now]
        for _, _, do in due:
            do()
        for gate in self.gates.values():
            if gate.alive:
                gate.look()
                gate.turn()
                self._take_note(gate)
                self._let_people_pass(gate)

    def _take_note(self, gate: StoryGate) -> None:
        for event in gate.events(self._recorded[gate.id]):
            self._recorded[gate.id] = int(event["sequence"])
            self.lines.append(Line(self.sky.now, gate.id, event))

    def _let_people_pass(self, gate: StoryGate) -> None:
        """Whoever a pulse was for walks through a moment later, where the story says so."""
        pulses = len(gate.act.seen.pulses) + len(gate.pulses)
        if pulses == self._pulses[gate.id]:
            return
        self._pulses[gate.id] = pulses
        shown = self.shown_for(gate.id, gate.act.seen.pulses_for[-1]) if gate.act.seen.pulses_for else None
        if shown is None or not gate.fitting.knows_who_passes or shown.left_to_pass == 0:
            return
        if shown.left_to_pass is not None:
            shown.left_to_pass -= 1
        self._later(shown.step.passes_after_s, lambda: gate.act.person_passed() if gate.alive else None)

    def shown_for(self, gate: str, grant_id: str) -> Shown | None:
        """The step whose decision has the id ``grant_id``."""
        recorded = next((line.event["subject"] for line in self.lines if line.event["id"] == grant_id), None)
        subject = recorded or grant_id.removeprefix(UNRECORDED)
        return next((each for each in self.shown if each.gate.id == gate and subject in each.tracks), None)

    # --- what happens ------------------------------------------------------------------------------------------

    def crash(self, gate: StoryGate, _step: Step) -> None:
        self._die(gate)

    def reboot(self, gate: StoryGate, step: Step) -> None:
        gate.stop()
        self._later(step.more.get("for_s", 40), gate.boot)

    def power_cut(self, gate: StoryGate, step: Step) -> None:
        """Without a battery clock the machine wakes up on the day on which its card was written."""
        gate.die()
        if "wakes_up_at" in step.more:
            wakes = step.more["wakes_up_at"].replace(tzinfo=VIET_NAM)
            gate.set_clock(wakes - self.sky.later(step.more.get("for_s", 60)), vouched=step.more.get("trusted", False))
        self._later(step.more.get("for_s", 60), gate.boot)

    def reader_restarts(self, gate: StoryGate, _step: Step) -> None:
        gate.reader_restarts()
        for name, (where, _) in list(self._in_view.items()):
            if where is gate:
                found = [id_ for id_, track in gate.in_view.items() if track.payload == self._held[name]]
                self._in_view[name] = (gate, found[0])

    def clock_is_wrong(self, gate: StoryGate, step: Step) -> None:
        gate.set_clock(step.more["date"].replace(tzinfo=VIET_NAM) - self.sky.now, vouched=step.more["trusted"])

    def clock_is_right(self, gate: StoryGate, step: Step) -> None:
        gate.set_clock(timedelta(), vouched=step.more.get("trusted", True))

    def list_arrives(self, gate: StoryGate, step: Step) -> None:
        kind = ListKind(step.more["list"])
        entries: dict[bytes, int] = {}
        for word, value in VALUES.items():
            for name in step.more.get(word, ()):
                entries |= dict.fromkeys(self.names_of(name, kind), value)
        entries |= {self.credential(name).marks[-1]: 0 for name in step.more.get("signers_of", ())}
        gate.lists.arrives(kind, entries)

    def names_of(self, name: str, kind: ListKind) -> list[bytes]:
        """What a list names somebody by: persons by their card, what is revoked by the pass itself."""
        if name not in self.story.people:
            return [name.encode()]
        shown = self.credential(name)
        return [shown.marks[0] if kind is ListKind.REVOKED else shown.person_key]

    def credential(self, name: str) -> Credential:
        shown = credentials.read(holdings.hold(self.story.people[name])(self.sky.now), holdings.trust())
        if not isinstance(shown, Credential):
            raise TypeError(f"{name} holds nothing that a list could name")
        return shown

    def somebody_passes(self, gate: StoryGate, step: Step) -> None:
        """Without a code, or after somebody; ``people`` of them, one after another."""
        way = Direction(step.more["direction"]) if "direction" in step.more else None
        for number in range(step.more.get("people", 1)):
            self._later(number * step.more.get("every_s", 1.5), partial(gate.act.person_passed, way))

    def list_grows_old(self, gate: StoryGate, step: Step) -> None:
        gate.lists.grows_old(ListKind(step.more["list"]))

    def junk_flood(self, gate: StoryGate, step: Step) -> None:
        """A phone that shows one meaningless code after another, each for a moment."""
        for number in range(step.more["codes"]):
            self._later(number * FLOOD_EVERY_S, partial(self._junk, gate, number))

    def _junk(self, gate: StoryGate, number: int) -> None:
        track = gate.appears(holdings.hold({"holds": "junk", "number": number})(self.sky.now))
        self._later(FLOOD_EVERY_S / 2, lambda: gate.leaves(track))


def _press(gate: StoryGate, button: Sensor) -> None:
    for on in (True, False):
        gate.act.sense(button, on=on)


VALUES = {"names": 0, "declared": DECLARED, "not_declared": NOT_DECLARED, "must_stay": MUST_STAY, "released": RELEASED}
HAPPENS: dict[str, Callable[[Stage, StoryGate, Step], None]] = {
    "crash": Stage.crash,
    "reboot": Stage.reboot,
    "power cut": Stage.power_cut,
    "reader restarts": Stage.reader_restarts,
    "clock is wrong": Stage.clock_is_wrong,
    "clock is right": Stage.clock_is_right,
    "list arrives": Stage.list_arrives,
    "list grows old": Stage.list_grows_old,
    "disk is full": lambda _stage, gate, _step: gate.fill_the_disk(),
    "disk has room": lambda _stage, gate, _step: gate.make_room(),
    "junk flood": Stage.junk_flood,
    "somebody passes": Stage.somebody_passes,
    "somebody stands in the lane": lambda _stage, gate, _step: gate.act.sense(Sensor.OUTER_BEAM, on=True),
    "the lane is clear": lambda _stage, gate, _step: gate.act.sense(Sensor.OUTER_BEAM, on=False),
    "exit button": lambda _stage, gate, _step: _press(gate, Sensor.EXIT_BUTTON),
    "fire": lambda _stage, gate, _step: gate.act.sense(Sensor.FIRE, on=True),
    "fire is over": lambda _stage, gate, _step: gate.act.sense(Sensor.FIRE, on=False),
    "fire is reset": lambda _stage, gate, _step: _press(gate, Sensor.KEY_RESET),
    "out of service": lambda _stage, gate, _step: gate.act.order(Service.LOCKED),
    "in service": lambda _stage, gate, _step: gate.act.order(Service.NORMAL),
    "relay board is lost": lambda _stage, gate, _step: gate.act.relays_are_lost(),
    "relay board is back": lambda _stage, gate, _step: gate.act.relays_are_back(),
    "code is taken away": lambda stage, _gate, step: stage.take_away(step.more["whose"]),
    "time passes": lambda _stage, _gate, _step: None,
}
