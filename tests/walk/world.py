"""A lane in the world: it plays steps, carries out what the turnstile asks, and judges it by a model of its own.

The model knows only what was put in and what came out. It looks into the turnstile for one thing: whose turn it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from device.domain import Crossing, CrossingKind, Direction, Grant, Passage, PassageOutcome
from device.turnstile.actions import Action, Alarm, Mishap, Report, ReportCrossing, Show, ShowTryAgain, SwitchRelay
from device.turnstile.barrier import LOWERING_NS
from device.turnstile.contacts import NS_PER_MS, TIMES, Change, Contacts, Stuck
from device.turnstile.lane import CLOSED_AT_REST, NS_PER_S, Lane, LaneKind, Relay, Sensor
from device.turnstile.machine import BEAMS, WAITING_MAX, Service, Turnstile
from device.turnstile.pulses import REST_NS
from device.turnstile.signals import Signal
from device.turnstile.witness import ACCUSED_INTERVAL_NS
from tests.walk.steps import Step

START_NS = 1_000_000 * NS_PER_S
WAKES_MAX = 400
"""So often may time alone bring something about after one input: a full queue of parties, each person with a pulse, a rest and a wait."""

RESTART_NS = NS_PER_S
"""No process starts sooner, and the relays have rested meanwhile."""

ALARMS = (Sensor.FIRE, Sensor.BREAK_GLASS)
BELOW = (Sensor.LOOP, *BEAMS)
NEVER_OPENED = {PassageOutcome.TOO_LATE, PassageOutcome.OUT_OF_SERVICE, PassageOutcome.FAULT}
ACCUSES = {CrossingKind.FORCED, CrossingKind.TAILGATED}
TOLD_BOTH_WAYS = {Mishap.HELD, Mishap.BARRIER_STAYS_UP, Mishap.RELAY_LOST}

Heard = Change | Stuck | Grant | str
Make = Callable[..., Turnstile]


class ViolationError(AssertionError):
    """What must never be has come about."""


def _kind(heard: Heard) -> str:
    if isinstance(heard, Grant):
        return f"{heard.direction} grant"
    return heard if isinstance(heard, str) else type(heard).__name__.lower()


@dataclass(slots=True)
class _Owed:
    """Somebody who wants out is to be let through by then."""

    by_ns: int


class World:
    """``wired``: sensors go through ``Contacts``, which bounce; else the turnstile hears them directly."""

    def __init__(self, lane: Lane, *, wired: bool = False, make: Make = Turnstile) -> None:
        self.lane, self.wired, self._make = lane, wired, make
        self.now_ns = START_NS
        self.grants: dict[str, Grant] = {}
        self.tally: Counter[str] = Counter()  # what has come about, how often
        self.passages: dict[str, Passage] = {}
        self.unknown: set[str] = set()  # open or waiting when the gate was started anew
        self.levels = dict.fromkeys(sorted(lane.sensors), False)  # what stands before the contacts
        self.said = dict(self.levels)  # what the turnstile was told
        self.alarmed: set[Sensor] = set()
        self.latched = self.key = self.ordered = False
        self.accused_ns: int | None = None
        self._length_ns = min(lane.pulse_ns, lane.max_on_ns)
        self._turn_ns = max(lane.pulse_ns, lane.wait_ns) + lane.held_ns + self._length_ns + REST_NS
        self._off_ns: dict[Relay, int] = {}
        self._start(Service.NORMAL)

    def _start(self, service: Service) -> None:
        self.on: dict[Relay, int] = {}  # since when
        self.free_on = self.lost = self.was_free = self.raise_owed = False
        self.lost_on: set[Relay] = set()
        self.might_until_ns = self.now_ns  # whoever came in until then is not accused
        self.came_ns: int | None = None  # since when somebody has stood in a beam
        self.stuck: set[Sensor] = set()
        self.lowering_until_ns = 0
        self.button: _Owed | None = None
        self.out: dict[str, _Owed] = {}
        self.begun: dict[Mishap, bool] = {}
        self.said = dict.fromkeys(self.said, False)
        self.alarmed, self.key = set(), False
        self.contacts = Contacts([(each, self._closed(each)) for each in self.levels], self.now_ns)
        self.turnstile = self._make(self.lane, latched=self.latched, ordered_free=self.ordered, service=service)
        self._done(self.turnstile.tick(self.now_ns), "start")
        if not self.wired:
            for sensor, on in self.levels.items():
                if on and sensor not in {Sensor.PASSED, Sensor.PASSED_OUT} and "button" not in sensor and sensor is not Sensor.KEY_RESET:
                    self._hear(Change(sensor, on=True, at_ns=self.now_ns))
                else:
                    self.levels[sensor] = False

    # --- time ------------------------------------------------------------------------------------------------------

    def play(self, step: Step) -> None:
        if step.in_time:
            self._wait(step.later_ns)
        else:
            self.now_ns += step.later_ns
            for owed in (self.button, *self.out.values()):
                if owed is not None:
                    owed.by_ns += step.later_ns
            self._wake()
        self.tally["free at a step"] += self.is_free
        getattr(self, step.what)(*step.args)
        self._exit_is_never_blocked()

    def rest(self) -> None:
        """Left alone, it comes to rest."""
        wakes = 0
        while (next_ns := self._next_ns()) is not None:
            self.now_ns = max(self.now_ns, next_ns)
            self._wake()
            wakes += 1
            self._must(wakes < WAKES_MAX, "never comes to rest")
        self._must(not self.on, "a relay stays on")
        told = {*self.passages, *self.unknown}
        self._must(told == set(self.grants), "a grant has no end")
        self._must(self.turnstile._open is None, "somebody is let through for ever")
        self._must(self.turnstile.service in {Service.NORMAL, Service.LOCKED}, "a technician's work has no end")

    def _wait(self, ns: int) -> None:
        until_ns, wakes = self.now_ns + ns, 0
        while (next_ns := self._next_ns()) is not None and next_ns <= until_ns:
            self.now_ns = max(self.now_ns, next_ns)
            self._wake()
            self._exit_is_never_blocked()
            wakes += 1
            self._must(wakes < WAKES_MAX, "busy for ever")
        self.now_ns = until_ns

    def _wake(self) -> None:
        if self.wired:
            for each in self.contacts.due(self.now_ns):
                self._hear(each)
            moment_ns = self.contacts.next_ns()
            self._must(moment_ns is None or moment_ns > self.now_ns, "contacts are due in the past")
        self._done(self.turnstile.tick(self.now_ns), "time")
        for _ in range(WAITING_MAX):  # where nothing moves and nothing tells, a grant is over at once, and the next one's turn comes
            if not self._is_due:
                return
            self._done(self.turnstile.tick(self.now_ns), "time")
        self._must(not self._is_due, "time alone has something to do in the past")

    @property
    def _is_due(self) -> bool:
        next_ns = self.turnstile.next_ns()
        return next_ns is not None and next_ns <= self.now_ns

    def _next_ns(self) -> int | None:
        moment_ns = self.turnstile.next_ns()
        if self.wired and (contacts_ns := self.contacts.next_ns()) is not None:
            return contacts_ns if moment_ns is None else min(moment_ns, contacts_ns)
        return moment_ns

    # --- steps -----------------------------------------------------------------------------------------------------

    def grant(self, within_ms: int, people: int, direction: Direction) -> None:
        grant = Grant(f"g{len(self.grants)}", self.now_ns + within_ms * NS_PER_MS, people, direction)
        if direction is Direction.EXIT and not self._goes_anyhow:
            owed = _Owed(self._let_out_by_ns(people))
            if grant.deadline_ns > owed.by_ns:
                self.out[grant.id] = owed
        self.grants[grant.id] = grant
        self._done(self.turnstile.grant(grant, self.now_ns), grant)

    def sense(self, sensor: Sensor, on: bool, late_ms: int) -> None:
        if self.levels[sensor] is on:
            return
        if self.wired:
            for _ in range(late_ms % 7):  # it bounces
                self._becomes(sensor, on=on)
                self.now_ns += NS_PER_MS
                self._becomes(sensor, on=not on)
                self.now_ns += NS_PER_MS
        self._becomes(sensor, on=on, late_ns=late_ms * NS_PER_MS)

    def walk(self, direction: Direction, pace_ms: int) -> None:
        """Somebody walks through, as far as anything sees him."""
        way = BEAMS if direction is Direction.ENTRY else BEAMS[::-1]
        contact = Sensor.PASSED_OUT if direction is Direction.EXIT and Sensor.PASSED_OUT in self.lane.sensors else Sensor.PASSED
        for sensor, on in ((Sensor.LOOP, True), (way[0], True), (way[1], True), (contact, True), (way[0], False), (way[1], False)):
            if sensor in self.lane.sensors:
                self._becomes(sensor, on=on)
                self._wait(pace_ms * NS_PER_MS)
        for sensor in (Sensor.LOOP, contact):
            if sensor in self.lane.sensors:
                self._becomes(sensor, on=False)

    def jam(self, sensor: Sensor) -> None:
        """It is on, and stays on."""
        stuck_s = TIMES[sensor].stuck_s
        if stuck_s is None:
            return
        self._becomes(sensor, on=True)
        if self.wired:
            self._wait((stuck_s + 1) * NS_PER_S)
        elif sensor not in self.stuck:
            self._hear(Stuck(sensor, stuck=True, at_ns=self.now_ns))

    def order(self, service: Service) -> None:
        self._done(self.turnstile.order(service, self.now_ns), "order")
        self._must(self.turnstile.service is service, "an order is not obeyed")

    def order_free(self, free: bool) -> None:
        self.ordered = free
        self._done(self.turnstile.order_free(self.now_ns, free=free), "order free")

    def contact_closes(self, relay: Relay | None) -> None:
        if relay is not None and not self.lost:
            self.turnstile.relay_closed(relay, self.now_ns)

    def lose_relays(self) -> None:
        if not self.lane.relays:
            return
        self.lost, self.free_on = True, False
        self._off_ns |= dict.fromkeys(self.on, self.now_ns)
        self.lost_on |= self.on.keys()
        self.raise_owed |= self._has_barrier and Relay.ENTRY in self.on  # the order may not have reached it
        self.on.clear()
        self._done(self.turnstile.relay_lost(self.now_ns), "relays lost")

    def reach_relays(self) -> None:
        if not self.lost:
            return
        self.lost = False
        self._off_ns |= dict.fromkeys(self.lost_on, self.now_ns)  # whoever reaches them switches them off first
        self.lost_on.clear()
        self._done(self.turnstile.relay_back(self.now_ns), "relays back")

    def restart(self) -> None:
        """The process ends at this instant; its relays are let go. What the store keeps is what the turnstile says of itself."""
        self._must(self.turnstile.is_latched is self.latched, "what is latched is not what is kept")
        self.unknown |= self.grants.keys() - self.passages.keys()
        service = self.turnstile.service
        self.now_ns += RESTART_NS
        self._start(service)

    def calm(self) -> None:
        """Somebody sees to it that the lane serves again: no alarm, no order, and the key turned to reset and back."""
        self.order_free(free=False)
        for sensor in (*ALARMS, Sensor.KEY_FREE, Sensor.KEY_RESET):
            self._becomes(sensor, on=False)
        self._wait(2 * NS_PER_S)
        self._becomes(Sensor.KEY_RESET, on=True)
        self._wait(NS_PER_S)
        self._must(not self.is_free, "the key does not reset it")
        self._becomes(Sensor.KEY_RESET, on=False)
        self._becomes(Sensor.NOT_READY, on=False)
        self.order(Service.NORMAL)
        self.reach_relays()

    def tick(self) -> None:
        self._wake()

    # --- what is heard ---------------------------------------------------------------------------------------------

    def _closed(self, sensor: Sensor) -> bool:
        return self.levels[sensor] is not (sensor in CLOSED_AT_REST)

    def _becomes(self, sensor: Sensor, *, on: bool, late_ns: int = 0) -> None:
        if self.levels[sensor] is on:
            return
        self.levels[sensor] = on
        if self.wired:
            for each in self.contacts.moved(sensor, closed=self._closed(sensor), at_ns=self.now_ns):
                self._hear(each)
            return
        self._hear(Change(sensor, on, self.now_ns - late_ns))
        if not on and sensor in self.stuck:
            self._hear(Stuck(sensor, stuck=False, at_ns=self.now_ns - late_ns))

    def _hear(self, heard: Change | Stuck) -> None:
        sensor = heard.sensor
        if isinstance(heard, Stuck):
            self._must(heard.stuck is not (sensor in self.stuck), "a sensor is stuck twice")
            (self.stuck.add if heard.stuck else self.stuck.discard)(sensor)
            self._done(self.turnstile.stuck(heard, self.now_ns), heard)
            return
        self._must(self.said[sensor] is not heard.on, "a contact says the same twice")
        self.said[sensor] = heard.on
        if sensor in BEAMS and heard.on and self.came_ns is None:
            self.came_ns = heard.at_ns
        if sensor in ALARMS:
            (self.alarmed.add if heard.on else self.alarmed.discard)(sensor)
            self.latched |= heard.on
        elif sensor is Sensor.KEY_FREE:
            self.key = heard.on
        elif sensor is Sensor.KEY_RESET and heard.on and not self.alarmed:
            self.latched = False
        elif sensor is Sensor.EXIT_BUTTON and heard.on and not self._goes_anyhow:
            self.button = self.button or _Owed(self._let_out_by_ns(1))
            for owed in self.out.values():
                owed.by_ns += self._turn_ns
        self._done(self.turnstile.sense(heard, self.now_ns), heard)

    @property
    def is_free(self) -> bool:
        return bool(self.alarmed) or self.latched or self.key or self.ordered

    @property
    def _is_below(self) -> bool:
        return any(self.said.get(each, False) for each in BELOW)

    @property
    def _has_barrier(self) -> bool:
        return self.lane.kind is LaneKind.BARRIER

    # --- who wants out -----------------------------------------------------------------------------------------------

    @property
    def _goes_anyhow(self) -> bool:
        """Nobody can be let out, or need be."""
        return self.is_free or self.lost or self.lane.relay_for(Direction.EXIT) is None

    def _let_out_by_ns(self, people: int) -> int:
        """Those in the lane, those who wanted out before, and a barrier on its way down: each within what one turn may last."""
        lane_open = self.turnstile._open
        before = 0 if lane_open is None else lane_open.people - lane_open.passed
        before += sum(self.grants[id_].people for id_ in self.out) + (self.button is not None)
        waiting = sum(each.people for each in self.turnstile._waiting if each.direction is Direction.EXIT)
        return self.now_ns + (before + waiting + people + 1) * self._turn_ns

    def _exit_is_never_blocked(self) -> None:
        if self.is_free or self.lost:
            self.button = None
            self.out.clear()
        for owed in (self.button, *self.out.values()):
            self._must(owed is None or self.now_ns <= owed.by_ns, "somebody who wants out is not let out")

    # --- what is done ------------------------------------------------------------------------------------------------

    def _done(self, actions: list[Action], heard: Heard) -> None:
        self.tally[_kind(heard)] += 1
        was_lowering = self.now_ns < self.lowering_until_ns
        for action in actions:
            match action:
                case SwitchRelay(relay, on):
                    self._switched(relay, heard, on=on)
                case Show(Signal.GO):
                    self._told_to_go()
                case ShowTryAgain():
                    self._must(self.turnstile._open is None and not self.turnstile._waiting, "told to try again while it is another's turn")
                    self._must(not self.is_free, "told to try again where the way is free")
                case Report(passage):
                    self._reported(passage)
                case ReportCrossing(crossing):
                    self._crossed(crossing, heard)
                case Alarm(what, on):
                    self.tally[f"alarm {what}"] += on
                    self._must(what not in TOLD_BOTH_WAYS or self.begun.get(what, False) is not on, f"{what} is told twice")
                    self.begun[what] = on
        self._raised_if_below(heard, was_lowering=was_lowering)
        self._look()
        if self.was_free and not self.is_free:
            self.might_until_ns = self.now_ns
        self.was_free = self.is_free
        if isinstance(heard, Change) and not any(self.said.get(each, False) for each in BEAMS):
            self.came_ns = None

    def _switched(self, relay: Relay, heard: Heard, *, on: bool) -> None:
        self._must(relay in self.lane.relays, f"{relay} is not fitted")
        if relay is Relay.FREE:
            self._must(not isinstance(heard, Grant), "a scan moves the free relay")
            self.free_on = on and not self.lost
            return
        self._must(not self.lost, f"{relay} is switched while it cannot be reached")
        self._must(on is not (relay in self.on), f"{relay} is switched to what it is already")
        if not on:
            del self.on[relay]
            self._off_ns[relay] = self.now_ns
            return
        self._must(self.now_ns - self._off_ns.get(relay, 0) >= REST_NS, f"{relay} has not rested: two pulses that a drive sees as one")
        self._must(not self.on, f"{relay} while {', '.join(self.on)} is on")
        self.on[relay] = self.now_ns
        self.tally[f"{relay} pulse"] += 1
        if relay is Relay.LOWER:
            self._must(not self.is_free, "lowered while it stands free")
            self._must(self.turnstile._open is None, "lowered while somebody may drive in")
            self.lowering_until_ns = self.now_ns + LOWERING_NS
        else:
            self._let_through(relay, heard)

    def _let_through(self, relay: Relay, heard: Heard) -> None:
        self.lowering_until_ns = 0
        owed, self.raise_owed = self.raise_owed, False
        if self.is_free:
            self._must(self._has_barrier and (owed or not self.was_free), "a pulse while it stands free")
            return
        lane_open = self.turnstile._open
        if lane_open is None:
            raised = isinstance(heard, Change | Stuck) and heard.sensor in BELOW
            self._must(self._has_barrier and (raised or owed), f"a pulse of {relay} for nobody")
            return
        self._must(self.lane.relay_for(lane_open.direction) is relay, "the pulse is for the other way")
        if lane_open.grant is None:
            self.button = None
        else:
            self.out.pop(lane_open.grant.id, None)

    def _told_to_go(self) -> None:
        self._must(not self.is_free, "told to go by what stands free anyhow")
        lane_open = self.turnstile._open
        assert lane_open is not None
        if lane_open.direction is Direction.ENTRY:
            waiting = any(each.direction is Direction.EXIT for each in self.turnstile._waiting)
            self._must(self.button is None and not waiting, "in before out")
            self._must(self.turnstile.service is Service.NORMAL, "let in out of service")
        if lane_open.grant is not None:
            self._must(self.now_ns < lane_open.grant.deadline_ns, "opened after its deadline")

    def _reported(self, passage: Passage) -> None:
        grant = self.grants[passage.grant_id]
        self._must(grant.id not in self.passages and grant.id not in self.unknown, "a grant ends twice")
        self.passages[grant.id] = passage
        self.tally[f"passage {passage.outcome}"] += 1
        self._must(0 <= passage.people <= grant.people, "more people than granted")
        outcome = passage.outcome
        if outcome in NEVER_OPENED:
            self._must(passage.opened_ns is None and passage.people == 0, f"{outcome}, and opened")
        elif outcome is PassageOutcome.UNUSED:
            self.might_until_ns = self.now_ns
        elif outcome is PassageOutcome.FREE:
            self._must(passage.people == grant.people, "who goes by a free lane has gone")
        else:
            self._must(passage.opened_ns is not None, f"{outcome}, and never opened")
            self._must(passage.people > 0, f"{outcome} by nobody")
        self._must(outcome is not PassageOutcome.UNUSED or (passage.people == 0 and passage.opened_ns is not None), "unused, and yet used")
        if outcome is PassageOutcome.TOO_LATE and self.now_ns < grant.deadline_ns:
            waiting = self.turnstile._waiting
            self._must(len(waiting) == WAITING_MAX, "too late before its deadline")
            in_waits = any(each.direction is Direction.ENTRY for each in waiting)
            self._must(grant.direction is Direction.ENTRY or not in_waits, "who wants out gives way to who wants in")
        if outcome is PassageOutcome.OUT_OF_SERVICE:
            self._must(grant.direction is Direction.ENTRY, "who wants out is refused out of service")
        if outcome is PassageOutcome.FAULT:
            self._must(self.lost, "a fault where there is none")
        self.out.pop(grant.id, None)

    def _crossed(self, crossing: Crossing, heard: Heard) -> None:
        assert isinstance(heard, Change) or crossing.kind is CrossingKind.COUNTED
        self.tally[f"crossing {crossing.kind}"] += 1
        self._must(crossing.people > 0 and crossing.at_ns <= self.now_ns, "nobody, or in the future")
        if crossing.kind not in ACCUSES:
            return
        assert isinstance(heard, Change)
        self._must(not self.is_free, "accused of what is free")
        self._must(self.lane.profile.moves, "accused where nothing moves")
        free_out = crossing.direction is Direction.EXIT and Relay.EXIT not in self.lane.relays
        self._must(not free_out, "accused of going out")
        pair = set(BEAMS) <= self.lane.sensors and self.stuck.isdisjoint(BEAMS)
        contact = heard.sensor in {Sensor.PASSED, Sensor.PASSED_OUT}
        self._must(contact or (heard.sensor in BEAMS and pair), f"accused by what {heard.sensor} alone cannot know")
        self._must(self.accused_ns is None or self.now_ns - self.accused_ns >= ACCUSED_INTERVAL_NS, "accused twice within a second")
        self.accused_ns = self.now_ns
        came_ns = crossing.at_ns if contact else self.came_ns
        self._must(came_ns is None or came_ns > self.might_until_ns, "accused of having come in when he might")

    def _raised_if_below(self, heard: Heard, *, was_lowering: bool) -> None:
        if not self._has_barrier:
            return
        came = isinstance(heard, Change) and heard.on and heard.sensor in BELOW
        if came and was_lowering:
            self._must(self.lost or Relay.ENTRY in self.on, "it comes down on what has come below")
            self.raise_owed |= self.lost
        if self.is_free and not self.was_free:
            self.raise_owed = Relay.ENTRY not in self.on
        if self.raise_owed and not self.lost and (self.is_free or self._is_below):
            self._must(self.now_ns < self._off_ns.get(Relay.ENTRY, 0) + REST_NS, "a barrier that is to stand up is not raised")
        elif not self.lost:
            self.raise_owed = False
        if Relay.LOWER in self.on:
            self._must(not self._is_below, "it is lowered onto what stands below")
            self._must(self.stuck.isdisjoint(BELOW), "it is lowered blindly")
            self._must(not self.lane.sensors.isdisjoint(BELOW), "it is lowered where nothing tells what stands below")

    def _look(self) -> None:
        """What must hold after every input."""
        next_ns = self.turnstile.next_ns()
        for relay, since_ns in self.on.items():
            off_ns = since_ns + self._length_ns
            self._must(self.now_ns < off_ns, f"{relay} is on beyond its maximum")
            self._must(next_ns is not None and next_ns <= off_ns, f"nobody comes to switch {relay} off in time")
        self._must((self.turnstile.free_by is not None) is self.is_free, "free where it must not be, or not free where it must")
        if Relay.FREE in self.lane.relays and not self.lost:
            self._must(self.free_on is self.is_free, "the free relay is not as it must be")
        self._must(len(self.turnstile._waiting) <= WAITING_MAX, "too many wait")

    def _must(self, holds: bool, what: str) -> None:
        if not holds:
            raise ViolationError(what)
