"""The turnstile: one pure state machine for every kind of lane. Time comes in, actions go out; no pin, no thread, no clock.

    closed ──grant──▶ granted ──beam, contact──▶ passing ──▶ passed
                         └────────time over────────────────▶ unused, or assumed where no sensor is fitted

* One grant lets one person through, or a party one after another, with a pulse for each; at a barrier one vehicle with all in it.
* A relay is on for one pulse and never longer than its hard maximum. Between two pulses its contact rests, so that the drive sees two.
* A grant that is older than its deadline never opens anything. Grants that meet an occupied lane wait their turn until then.
* Who wants out goes first, in every mode, by a code or by the button.
* While the lane is free (fire, break-glass, key, order) nothing that is shown changes it (``freedom.py``).
* Who goes through without a grant is told apart as far as the sensors can, and accused of no more than they know.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import StrEnum

from device.domain import Crossing, CrossingKind, Direction, Grant, Passage, PassageOutcome
from device.turnstile.actions import SAID_BY, Action, Alarm, Mishap, Report, ReportCrossing, Show, ShowTryAgain, SwitchRelay
from device.turnstile.barrier import Barrier
from device.turnstile.beams import Beams, Walked
from device.turnstile.contacts import Change, Stuck
from device.turnstile.freedom import Cause, Freedom
from device.turnstile.lane import NS_PER_S, Drive, Lane, LaneKind, Relay, Sensor
from device.turnstile.pulses import Pulses
from device.turnstile.signals import Signal
from device.turnstile.witness import Witness

WAITING_MAX = 4

EXIT_WAITS_NS = 30 * NS_PER_S
"""Whoever presses the button to get out is let out after those who are in the lane, however long that lasts. While the relays
cannot be reached he waits so long; later nobody stands there."""

SERVICE_MAX_NS = 1800 * NS_PER_S
"""A technician who forgets to end the set-up must not leave a gate that lets nobody in."""

BEAMS = (Sensor.OUTER_BEAM, Sensor.INNER_BEAM)
WAY_OF_CONTACT = {Sensor.PASSED: Direction.ENTRY, Sensor.PASSED_OUT: Direction.EXIT}
FREES = frozenset({Sensor.FIRE, Sensor.BREAK_GLASS, Sensor.KEY_FREE, Sensor.KEY_RESET})


class Service(StrEnum):
    """Does the gate serve? Whoever wants out is served in every mode."""

    NORMAL = "normal"
    LOCKED = "locked"
    SETUP = "setup"
    TEST = "test"


@dataclass(slots=True)
class _Open:
    grant: Grant | None  # None: somebody presses the button to get out
    direction: Direction
    people: int
    since_ns: int  # of this person's turn
    opened_ns: int
    contact_closed: bool = False
    passed: int = 0
    pulse_due: bool = False  # for the next person of a party: the contact rests before it


class Turnstile:
    def __init__(
        self, lane: Lane, *, latched: bool = False, ordered_free: bool = False, key_free: bool = False, service: Service = Service.NORMAL
    ) -> None:
        """``latched``, ``ordered_free`` and ``service`` as they were when the gate ended; ``key_free``: the key is turned to *free* now."""
        self.lane = lane
        self.service = service
        self._freedom = Freedom(latched=latched, ordered=ordered_free, key=key_free)
        self._cause: Cause | None = None  # as it was told last
        self._service_until_ns: int | None = None
        self._service_after = Service.LOCKED if service is Service.LOCKED else Service.NORMAL  # when a technician's work is over
        self._pulses = Pulses(lane)
        self._beams = Beams(pair=set(BEAMS) <= lane.sensors)
        self._barrier = Barrier(lane, self._pulses) if lane.profile.lowers else None
        self._open: _Open | None = None
        self._waiting: deque[Grant] = deque()
        self._exit_until_ns: int | None = None  # somebody has pressed the button, and is to be let out by then
        self._loop_since_ns: int | None = None
        self._somebody_was_late = False
        self._stuck: set[Sensor] = set()
        self._not_ready = False
        self._lost = False
        self._held = False
        self._witness = Witness(lane)
        self._started = False

    # --- how it is ---------------------------------------------------------------------------------------------

    @property
    def free_by(self) -> Cause | None:
        """Why the lane stands free; ``None``: it does not."""
        return self._freedom.cause

    @property
    def key_is_free(self) -> bool:
        """Is the key taken for turned to *free*, whatever else frees the lane?"""
        return self._freedom.key

    @property
    def is_latched(self) -> bool:
        """Must the lane be free again if the power goes and comes back?"""
        return self._freedom.latched

    @property
    def serves_entry(self) -> bool:
        return self.service is Service.NORMAL and not self._lost and not self._not_ready

    @property
    def is_occupied(self) -> bool:
        """Is somebody on the way through?"""
        return self._open is not None or self._in_lane_since_ns is not None

    @property
    def standing(self) -> Signal | None:
        """What lamps say of the lane itself while nobody is answered."""
        if self.free_by is not None:
            return Signal.WAY_IS_FREE
        if self.service in {Service.SETUP, Service.TEST}:
            return Signal.SERVICE
        return None if self.serves_entry else Signal.OUT_OF_ORDER

    # --- inputs ------------------------------------------------------------------------------------------------

    def grant(self, grant: Grant, now_ns: int) -> list[Action]:
        """Open for one person, at once or when the lane is free."""
        self._waiting.append(grant)
        actions = self.tick(now_ns)
        while len(self._waiting) > WAITING_MAX:
            actions.append(self._too_late(self._last_in(), now_ns))
        return actions

    def sense(self, change: Change, now_ns: int) -> list[Action]:
        """A contact says something, at its own time: that is what is reported. What follows goes by the present."""
        sensor = change.sensor
        told: list[Action] = [Alarm(SAID_BY[sensor], change.on, change.at_ns)] if sensor in SAID_BY else []
        if sensor in FREES:
            self._freedom.change(sensor, on=change.on)
        elif sensor in BEAMS:
            told += self._beam(change, now_ns)
        elif sensor is Sensor.LOOP:
            told += self._loop(change, now_ns)
        elif sensor in WAY_OF_CONTACT and change.on:
            way = WAY_OF_CONTACT[sensor] if Sensor.PASSED_OUT in self.lane.sensors else None
            told += self._crossed(Walked(way, 1, change.at_ns, change.at_ns), now_ns, sure=True)
        elif sensor is Sensor.NOT_READY:
            self._not_ready = change.on
        elif sensor is Sensor.EXIT_BUTTON and change.on and self.free_by is None:
            self._exit_until_ns = now_ns + EXIT_WAITS_NS
        elif sensor is Sensor.SETUP_BUTTON and change.on:
            told += self._toggle_setup(now_ns)
        elif sensor is Sensor.ASSIST_BUTTON and change.on:
            told.append(Show(Signal.HELP_IS_CALLED))
        return told + self.tick(now_ns)

    def stuck(self, stuck: Stuck, now_ns: int) -> list[Action]:
        """A sensor is not to be believed any more, or again."""
        told: list[Action] = [Alarm(Mishap.SENSOR_STUCK, stuck.stuck, stuck.at_ns, stuck.sensor)]
        (self._stuck.add if stuck.stuck else self._stuck.discard)(stuck.sensor)
        if stuck.sensor in BEAMS:
            self._beams.forget()
        if self._barrier is not None and stuck.sensor in {Sensor.LOOP, *BEAMS}:
            before = self._barrier.is_blind
            told += self._barrier.stuck(stuck.sensor, now_ns, stuck=stuck.stuck)
            if before is not self._barrier.is_blind:
                told.append(Alarm(Mishap.BARRIER_STAYS_UP, self._barrier.is_blind, stuck.at_ns, stuck.sensor))
        return told + self.tick(now_ns)

    def order(self, service: Service, now_ns: int) -> list[Action]:
        """Serve, or do not. Somebody who is on the way through goes on."""
        told: list[Action] = []
        if service in {Service.NORMAL, Service.LOCKED}:
            self._service_after = service
        if service is not self.service:
            self.service = service
            told.append(Alarm(Mishap.SERVICE, service is not Service.NORMAL, now_ns, service))
        self._service_until_ns = now_ns + SERVICE_MAX_NS if service in {Service.SETUP, Service.TEST} else None
        return told + self.tick(now_ns)

    def order_free(self, now_ns: int, *, free: bool) -> list[Action]:
        """Stand free, or no longer, as far as it is by order: fire, break-glass and key are not ended by it."""
        self._freedom.ordered = free
        return self.tick(now_ns)

    def relay_closed(self, relay: Relay, now_ns: int) -> None:
        """The contact of ``relay`` is closed since ``now_ns``: the moment that is reported, after the switching itself."""
        if self._open and self._open.passed == 0 and self._pulses.is_on(relay) and relay is self.lane.relay_for(self._open.direction):
            self._open.opened_ns, self._open.contact_closed = now_ns, True

    def relay_lost(self, now_ns: int) -> list[Action]:
        """The relays cannot be reached. Whoever was being let through is told of as far as is known."""
        if self._lost:
            return []
        self._lost = True
        if self._barrier is not None:
            self._barrier.lost(lost=True)
        self._pulses.forget()
        told: list[Action] = [Alarm(Mishap.RELAY_LOST, on=True, at_ns=now_ns)]
        if self._open is not None and (self._open.passed or not self._open.contact_closed):  # else the drive has had its pulse
            told += self._end(PassageOutcome.TURNED if self._open.passed else PassageOutcome.FAULT, now_ns, now_ns)
        return told + self.tick(now_ns)

    def relay_back(self, now_ns: int) -> list[Action]:
        """The relays are reached again, and all are off; the free one is switched on again where it is to be."""
        if not self._lost:
            return self.tick(now_ns)
        self._lost = False
        self._pulses.all_off(now_ns)
        told: list[Action] = [Alarm(Mishap.RELAY_LOST, on=False, at_ns=now_ns)]
        if self.free_by is not None and Relay.FREE in self.lane.relays:
            told.append(SwitchRelay(Relay.FREE, on=True))
        if self._barrier is not None:
            self._barrier.lost(lost=False)
            if self._open is None:
                self._barrier.leave(now_ns, at_start=True)  # nobody knows whether the last order was carried out
        return told + self.tick(now_ns)

    def tick(self, now_ns: int) -> list[Action]:
        """What time has brought about."""
        if not self._started:
            self._started = True
            self._witness.might(now_ns)  # nobody knows what was granted before
            if self.service in {Service.SETUP, Service.TEST}:
                self._service_until_ns = now_ns + SERVICE_MAX_NS
            if self._barrier is not None:
                self._barrier.leave(now_ns, at_start=True)
        actions: list[Action] = [*self._pulses.due(now_ns)]
        actions += self._become_free_or_not(now_ns)
        if self._barrier is not None:
            actions += self._barrier.tick(now_ns, in_use=self._open is not None, free=self.free_by is not None)
        actions += self._look_after_service(now_ns)
        actions += self._look_who_stands(now_ns)
        if self._open is not None and not self._open.pulse_due and now_ns >= self._closing_ns(self._open):
            actions += self._time_is_over(self._open, now_ns)
        actions += self._pulse_for_the_next(now_ns)
        actions += self._turn_away(now_ns)
        actions += self._let_through(now_ns)
        if self._barrier is not None:
            actions += self._barrier.lower(now_ns, in_use=self._open is not None, free=self.free_by is not None)
        if self._somebody_was_late and self._open is None and not self._waiting:  # else the one whose turn it is would take it for himself
            self._somebody_was_late = False
            if self.free_by is None:
                actions.append(ShowTryAgain())
        return actions

    def next_ns(self) -> int | None:
        """When ``tick`` has something to do by time alone."""
        moments: list[int | None] = [grant.deadline_ns for grant in self._waiting]
        moments += [self._pulses.next_ns(), self._opening_ns(), self._service_until_ns]
        if self._exit_until_ns is not None and self._lost:
            moments.append(self._exit_until_ns)
        if not self._held and (since_ns := self._in_lane_since_ns) is not None:
            moments.append(since_ns + self.lane.held_ns)
        if self._barrier is not None:
            moments.append(self._barrier.next_ns(in_use=self._open is not None, free=self.free_by is not None))
        return min((moment for moment in moments if moment is not None), default=None)

    def _opening_ns(self) -> int | None:
        """When whoever is being let through, or is the next, has waited for long enough."""
        if self._open is not None and not self._open.pulse_due:
            return self._closing_ns(self._open)
        if self._open is not None:
            relay = self.lane.relay_for(self._open.direction)
            return None if self._pulses.is_on(relay) else self._pulses.rested_ns(relay)
        wanted = self._next_wanted()
        if wanted is None or self._lost or self._pulses.is_on():
            return None
        return self._pulses.rested_ns(self.lane.relay_for(wanted))

    # --- free, or out of service ---------------------------------------------------------------------------------

    def _become_free_or_not(self, now_ns: int) -> list[Action]:
        cause, before = self.free_by, self._cause
        if cause is before:
            return []
        self._cause = cause
        told: list[Action] = [Alarm(Mishap.FREE, cause is not None, now_ns, cause or "")]
        if (cause is None) is (before is None):
            return told
        if Relay.FREE in self.lane.relays:
            told.insert(0, SwitchRelay(Relay.FREE, on=cause is not None))
        if cause is not None:
            if self._barrier is not None:
                told += self._barrier.become_free(now_ns)
            if self._open is not None:
                told += self._end(PassageOutcome.TURNED if self._open.passed else PassageOutcome.FREE, now_ns, now_ns)
            self._exit_until_ns = None
        else:
            self._witness.might(now_ns)
            if self._barrier is not None:
                self._barrier.leave(now_ns)
        return told

    def _look_after_service(self, now_ns: int) -> list[Action]:
        if self._service_until_ns is None or now_ns < self._service_until_ns:
            return []
        self._service_until_ns = None
        self.service = self._service_after
        return [Alarm(Mishap.SERVICE, self.service is not Service.NORMAL, now_ns, self.service)]

    def _toggle_setup(self, now_ns: int) -> list[Action]:
        match self.service:
            case Service.NORMAL:
                return self.order(Service.SETUP, now_ns)
            case Service.SETUP:
                return self.order(Service.NORMAL, now_ns)
            case _:
                return []

    def _look_who_stands(self, now_ns: int) -> list[Action]:
        since_ns = self._in_lane_since_ns
        held = since_ns is not None and now_ns >= since_ns + self.lane.held_ns
        if held is self._held:
            return []
        self._held = held
        return [Alarm(Mishap.HELD, held, now_ns)]

    # --- letting through -----------------------------------------------------------------------------------------

    def _turn_away(self, now_ns: int) -> list[Action]:
        """Grants that will open nothing: too late, out of service, or because there is nothing to be opened."""
        told: list[Action] = []
        stay: deque[Grant] = deque()
        if self._exit_until_ns is not None and self._lost and now_ns >= self._exit_until_ns:
            self._exit_until_ns = None
        for grant in self._waiting:
            if self.free_by is not None:
                told.append(_never_opened(grant, PassageOutcome.FREE, now_ns, people=grant.people))
            elif now_ns >= grant.deadline_ns:
                told.append(self._too_late(grant, now_ns))
            elif self._lost and self.lane.relay_for(grant.direction) is not None:
                told.append(_never_opened(grant, PassageOutcome.FAULT, now_ns))
            elif grant.direction is not Direction.EXIT and not self.serves_entry:
                told.append(_never_opened(grant, PassageOutcome.OUT_OF_SERVICE, now_ns))
            else:
                stay.append(grant)
        self._waiting = stay
        return told

    def _next_wanted(self) -> Direction | None:
        """Which way the next one goes: out before in, and the button before a code."""
        if self._exit_until_ns is not None or any(grant.direction is Direction.EXIT for grant in self._waiting):
            return Direction.EXIT
        return self._waiting[0].direction if self._waiting else None

    def _let_through(self, now_ns: int) -> list[Action]:
        direction = self._next_wanted()
        if self._open is not None or direction is None or self.free_by is not None or self._pulses.is_on():
            return []
        relay = self.lane.relay_for(direction)
        if now_ns < self._pulses.rested_ns(relay) or (self._lost and relay is not None):
            return []
        grant: Grant | None = None
        if self._exit_until_ns is not None:
            self._exit_until_ns = None
        else:
            grant = next(grant for grant in self._waiting if grant.direction is direction)
            self._waiting.remove(grant)
        people = 1 if grant is None else grant.people
        self._open = _Open(grant, direction, people, now_ns, now_ns)
        return [*self._pulse(relay, now_ns), Show(Signal.GO, None if grant is None else grant.hint)]

    def _pulse(self, relay: Relay | None, now_ns: int) -> list[Action]:
        if relay is None:
            return []
        return [*self._barrier.open(now_ns)] if self._barrier is not None else [self._pulses.on(relay, now_ns)]

    def _pulse_for_the_next(self, now_ns: int) -> list[Action]:
        """Of a party."""
        if self._open is None or not self._open.pulse_due:
            return []
        relay = self.lane.relay_for(self._open.direction)
        if self._pulses.is_on(relay) or now_ns < self._pulses.rested_ns(relay):
            return []
        self._open.pulse_due, self._open.since_ns = False, now_ns
        return self._pulse(relay, now_ns)

    def _time_is_over(self, lane_open: _Open, now_ns: int) -> list[Action]:
        if self._has_sensor:
            return self._end(PassageOutcome.TURNED if lane_open.passed else PassageOutcome.UNUSED, now_ns, now_ns)
        people = 1 if self._goes_one_by_one else lane_open.people - lane_open.passed
        return self._passed(people, PassageOutcome.ASSUMED, now_ns, now_ns)

    def _passed(self, people: int, outcome: PassageOutcome, at_ns: int, now_ns: int) -> list[Action]:
        """The last of a grant's people ends it; before, the lane opens for the next."""
        assert self._open is not None  # noqa: S101 - every caller has looked
        self._open.passed += people
        off = self._pulses.off(self.lane.relay_for(self._open.direction) or Relay.ENTRY, now_ns) if self.lane.drive is Drive.HOLD else []
        if self._open.passed >= self._open.people or self._lost:  # without relays nobody opens for the next
            return [*off, *self._end(outcome, at_ns, now_ns)]
        self._open.pulse_due = True
        return [*off]

    def _end(self, outcome: PassageOutcome, at_ns: int, now_ns: int) -> list[Action]:
        assert self._open is not None  # noqa: S101 - every caller has looked
        ended, self._open = self._open, None
        if self._barrier is not None:
            self._barrier.leave(now_ns)
        if outcome is PassageOutcome.TURNED:
            self._witness.passed(at_ns)
        elif outcome is PassageOutcome.UNUSED:
            self._witness.might(now_ns)
        if ended.grant is None:
            return [ReportCrossing(Crossing(CrossingKind.COUNTED, ended.direction, at_ns, ended.passed))] if ended.passed else []
        opened_ns = None if outcome is PassageOutcome.FAULT else ended.opened_ns
        people = ended.people if outcome is PassageOutcome.FREE else ended.passed
        return [Report(Passage(ended.grant.id, outcome, opened_ns, at_ns, people))]

    def _last_in(self) -> Grant:
        """Takes away the one who came last; nobody who wants out gives way to somebody who wants in."""
        last = next((grant for grant in reversed(self._waiting) if grant.direction is not Direction.EXIT), self._waiting[-1])
        self._waiting.remove(last)
        return last

    def _too_late(self, grant: Grant, now_ns: int) -> Action:
        self._somebody_was_late = True
        return _never_opened(grant, PassageOutcome.TOO_LATE, now_ns)

    # --- who goes through ----------------------------------------------------------------------------------------

    def _beam(self, change: Change, now_ns: int) -> list[Action]:
        told = self._below(change, now_ns)
        if change.sensor in self._stuck:
            return told
        walked = self._beams.change(change.sensor, change.at_ns, broken=change.on)
        if walked is None or not {Sensor.PASSED, Sensor.LOOP}.isdisjoint(self._believed):  # those know better who has passed
            return told
        return told + self._crossed(walked, now_ns, sure=walked.way is not None)

    def _loop(self, change: Change, now_ns: int) -> list[Action]:
        since_ns, self._loop_since_ns = self._loop_since_ns, change.at_ns if change.on else None
        told = self._below(change, now_ns)
        if change.on or since_ns is None or Sensor.LOOP in self._stuck:
            return told
        return told + self._crossed(Walked(None, 1, since_ns, change.at_ns), now_ns, sure=False)

    def _below(self, change: Change, now_ns: int) -> list[Action]:
        return [] if self._barrier is None else [*self._barrier.below(change.sensor, now_ns, occupied=change.on)]

    def _crossed(self, walked: Walked, now_ns: int, *, sure: bool) -> list[Action]:
        """``sure``: that somebody went through. A loop and a single beam do not tell who turns back, nor a trailer from a car."""
        way, people, seen_ns = walked.way, walked.bodies, walked.ended_ns
        if self.free_by is not None:
            return [ReportCrossing(Crossing(CrossingKind.COUNTED, way, seen_ns, people))]
        if self._open is None or way not in (None, self._open.direction):
            crossing = self._witness.sees(walked, now_ns, sure=sure)
            return [] if crossing is None else [ReportCrossing(crossing)]
        if self.lane.kind is LaneKind.BARRIER:
            people = self._open.people  # one vehicle, and all who sit in it
        expected = min(people, self._open.people - self._open.passed)
        told = self._passed(expected, PassageOutcome.TURNED, seen_ns, now_ns)
        if people > expected:
            told.append(ReportCrossing(Crossing(CrossingKind.UNIDENTIFIED, way, seen_ns, people - expected)))
        return told

    # --- times and sensors ---------------------------------------------------------------------------------------

    @property
    def _in_lane_since_ns(self) -> int | None:
        """Since when somebody or something has been in the lane; ``None`` where nothing is, or nothing tells."""
        loop_ns = None if Sensor.LOOP in self._stuck else self._loop_since_ns
        return min((each for each in (self._beams.broken_since_ns, loop_ns) if each is not None), default=None)

    @property
    def _believed(self) -> frozenset[Sensor]:
        return self.lane.sensors - self._stuck

    @property
    def _has_sensor(self) -> bool:
        """Does anything tell that somebody has passed? Two beams do so only together."""
        beams = {*BEAMS} & self.lane.sensors
        return not {Sensor.PASSED, Sensor.LOOP}.isdisjoint(self._believed) or (bool(beams) and beams <= self._believed)

    @property
    def _goes_one_by_one(self) -> bool:
        """Does each person of a party get a pulse? A vehicle is one, and where nothing moves there is none."""
        return self.lane.kind not in {LaneKind.BARRIER, LaneKind.NONE}

    def _closing_ns(self, lane_open: _Open) -> int:
        """A person may pass for ``wait_ns``, and as long as the pulse lasts; who is in the lane is waited for, within bounds.

        Without a sensor the pulse is all there is, and where nothing moves not even that.
        """
        pulse_ns = self.lane.pulse_ns if self.lane.relay_for(lane_open.direction) is not None else 0
        if not self._has_sensor:
            return lane_open.since_ns + pulse_ns
        closing_ns = lane_open.since_ns + max(pulse_ns, self.lane.wait_ns)
        since_ns = self._in_lane_since_ns
        return closing_ns if since_ns is None else max(closing_ns, since_ns + self.lane.held_ns)


def _never_opened(grant: Grant, outcome: PassageOutcome, now_ns: int, *, people: int = 0) -> Action:
    return Report(Passage(grant.id, outcome, None, now_ns, people))
