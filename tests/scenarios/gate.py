"""One gate of a story: every part is the gate's own but the clocks, the acting thread and the lists.

``device/gate/service.py`` puts the same parts together; what is done here beyond that is said where it is done.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, cast

from device import credentials
from device.admission import policy_document
from device.admission.health_rules import HealthRules, read_health_rules
from device.admission.policy import Policy
from device.admission.presentations import Presentations
from device.admission.shadow import HOUR_NS
from device.clock import NS
from device.degraded import Trouble
from device.domain import Crossing, Direction, EventType, Passage, Track, TrackState
from device.errors import StoreError
from device.events.pseudonyms import KEY_BYTES, DayKey, HeldKeys, to_json
from device.gate.act import Act
from device.gate.condition import Condition
from device.gate.deciding import Deciding
from device.gate.keys import Fingerprints, PseudonymKey
from device.gate.lane_alarms import LaneAlarms
from device.gate.latch import Latch
from device.gate.province import sealing
from device.gate.recall import Recall
from device.gate.roll_call import RollCall
from device.gate.store import Store
from device.turnstile.actions import Alarm
from device.turnstile.lane import Lane, LaneKind, Relay, Sensor
from device.turnstile.machine import Turnstile
from tests.scenarios.holdings import trust
from tests.scenarios.lane import Seen, SimulatedAct
from tests.scenarios.listed import StoryLists
from tests.scenarios.sky import Sky, Uptime, WrongClock

GRANT_WITHIN_NS = 1_500_000_000
SETTLE_NS = 500_000_000
STEP_S = 0.2
"""A camera's view of a code, and the longest turn of the recording thread."""
QUIET_S = 30.0
"""Where nothing is shown, the recording thread may as well turn this often: its duties are minutes and hours."""
HEALTH_RULES = Path(__file__).with_name("health_rules.json")
KEY_DAYS = 60
RESTART_S = 2
"""What systemd waits before it starts a process that died."""


@dataclass(frozen=True)
class Fitting:
    """How a gate is built: bench facts that the policy does not know."""

    id: str
    direction: Direction = Direction.ENTRY
    zone: str = "main"
    site: str = "s1"
    profile: str = LaneKind.TRIPOD
    sensor: bool = True  # the turnstile tells who has passed
    beams: bool = False  # two light barriers tell it instead, and who stands between them
    pulse_s: float = 0.5
    wait_s: float = 5.0
    max_on_s: float = 3.0
    clock_vouched: bool = True  # it has a battery clock

    @property
    def lane(self) -> Lane:
        kind = LaneKind(self.profile)
        relays, sensors = {Relay.ENTRY, Relay.FREE}, {Sensor.FIRE, Sensor.KEY_RESET, Sensor.EXIT_BUTTON}
        if kind is LaneKind.TWO_WAY:
            relays.add(Relay.EXIT)
        if self.beams:
            sensors |= {Sensor.OUTER_BEAM, Sensor.INNER_BEAM}
        elif self.sensor:
            sensors |= {Sensor.PASSED, Sensor.PASSED_OUT} if kind is LaneKind.TWO_WAY else {Sensor.PASSED}
        return Lane(
            kind,
            pulse_ns=int(self.pulse_s * NS),
            max_on_ns=int(self.max_on_s * NS),
            wait_ns=int(self.wait_s * NS),
            relays=frozenset(relays),
            sensors=frozenset(sensors),
        )

    @property
    def knows_who_passes(self) -> bool:
        return self.sensor or self.beams


def _policy(document: Mapping[str, Any], fitting: Fitting) -> Policy:
    """As the gate reads it from a bundle; health rules are named by their ids, and stand in ``health_rules.json``."""
    return policy_document.read(
        document, gate=fitting.id, site=fitting.site, zone=fitting.zone, direction=fitting.direction, health_rules=_health_rules
    )


def _health_rules(table: Mapping[str, Any]) -> HealthRules:
    known = {rule["Identifier"]: rule for rule in json.loads(HEALTH_RULES.read_text(encoding="utf-8"))}
    return read_health_rules({"country": "VN", "rules": [known[name] for name in table["rules"]]})


def _day_keys(site: str, first: date) -> str:
    """What the office hands over: pseudonym keys for the days ahead."""
    keys = [DayKey(first + timedelta(days=n), bytes([n]) * KEY_BYTES) for n in range(KEY_DAYS)]
    return to_json(HeldKeys(site, keys[0], tuple(keys[1:])))


class StoryGate:
    def __init__(self, fitting: Fitting, document: Mapping[str, Any], sky: Sky, folder: Path) -> None:
        self.fitting = fitting
        self.id = fitting.id
        self._sky = sky
        self.state = folder / "state"
        self.state.mkdir(parents=True)
        self._runtime = folder / "run"
        self._runtime.mkdir()
        self._first_key = folder / "first.json"
        self._first_key.write_text(_day_keys(fitting.site, sky.now.date()), encoding="ascii")
        self.policy = _policy(document, fitting)
        self.uptime = Uptime(sky)
        self.off, self.vouched = timedelta(), fitting.clock_vouched
        self.lists = StoryLists()
        self.in_view: dict[str, Track] = {}
        self.pulses: list[tuple[datetime, datetime | None]] = []
        self.opened_for: list[str] = []
        self.pulses_for: list[str] = []  # the grant of each pulse
        self.health: list[dict[str, Any]] = []
        self.shadow: Counter[str] = Counter()  # what no event tells yet
        self._readers = self._tracks = 0
        self._disk_is_full = False
        self.reader_restarts()
        self.start()

    # --- the process -------------------------------------------------------------------------------------------

    def start(self) -> None:
        """The gate's process begins, as after a boot or a crash."""
        self.store = Store(self.state / "events.db", gate=self.id, boot=self.uptime.boot_id, reserve=0)
        self.clock = WrongClock(self._sky, vouched=self.vouched)
        self.clock.off = self.off
        self.clock.raise_floor(self.store.clock_floor)
        fingerprints = Fingerprints(self.state)
        latch = Latch(self._runtime, self.state)
        latched, ordered = latch.read()
        self.act = SimulatedAct(Turnstile(self.fitting.lane, latched=latched, ordered_free=ordered), self.uptime, latch.mark)
        act = cast("Act", self.act)  # it has the methods that are called
        self._presentations = Presentations(
            read=partial(credentials.read, trust=trust()),
            fingerprint=fingerprints.of,
            settle_ns=SETTLE_NS,
            remembered=self.store.remembered(self.uptime()),
        )
        self.deciding = Deciding(
            policy=self.policy,
            presentations=self._presentations,
            store=self.store,
            clock=self.clock,
            pseudonyms=PseudonymKey(self.state, self._first_key, self.fitting.site),
            fingerprints=fingerprints,
            recall=Recall(self.store, fingerprints, self.lists),
            boot=self.uptime.boot_id,
            act=act,
            grant_within_ns=GRANT_WITHIN_NS,
            committed=lambda: None,
            seal=sealing(self.policy, self.id, self.store.epoch),
            ticks=self.uptime,
        )
        self.condition = Condition(alarm=self._alarm, stand=self.act.stand, publish=self._publish)
        self._lane_alarms = LaneAlarms(act, self.condition, latch, self._alarm, self.uptime)
        self._roll_call = RollCall(self.store, self.lists, now=self.clock.now, tell=self.deciding.fact)
        self.deciding.recover()
        self.alive = True

    def _alarm(self, facts: dict[str, Any]) -> None:
        self.deciding.fact(EventType.ALARM, facts)

    def _publish(self, body: bytes) -> bool:
        self.health.append(json.loads(body))
        return True

    def die(self) -> None:
        """SIGKILL or a bug: nothing is finished, and ``failsafe`` lets go of the relay."""
        self.act.let_go()
        self._keep(self.act.seen)
        self.store.close()
        self.alive = False

    def stop(self) -> None:
        self.deciding.finish()
        self.die()

    def boot(self) -> None:
        """The machine starts anew: its monotonic clock from nothing, and without a battery its date from long ago."""
        self.uptime.boot()
        for each in self._runtime.iterdir():  # it is in memory
            each.unlink()
        self.reader_restarts()
        self.start()

    # --- what happens at the gate ------------------------------------------------------------------------------

    def appears(self, payload: bytes) -> str:
        """A code comes into view; the id of its track."""
        self._tracks += 1
        now = self.uptime()
        track = Track(f"{self._reader_boot}-{self._tracks}", TrackState.APPEARED, payload, self._tracks, now, now, now, "half")
        self.in_view[track.id] = track
        return track.id

    def leaves(self, track_id: str) -> None:
        self.in_view.pop(track_id, None)

    def reader_restarts(self) -> None:
        """Another life of the reader follows the codes that are in view under names of its own."""
        self._readers += 1
        self._reader_boot = f"{self._readers:08x}"
        held = [track.payload for track in self.in_view.values()]
        self.in_view.clear()
        if self._readers > 1 and self.alive:
            self._presentations.reader_lost()
        for payload in held:
            self.appears(payload)

    def set_clock(self, off: timedelta, *, vouched: bool) -> None:
        """The wall clock is wrong by ``off`` from now on; its floor stays."""
        self.off, self.vouched = off, vouched
        if self.alive:
            self.clock.off, self.clock.vouched = off, vouched

    def fill_the_disk(self) -> None:
        """As tests/device/gate/test_deciding.py does: SQLite is told that the disk ends here, and what is left is filled up."""
        (pages,) = self.store._db.execute("PRAGMA page_count").fetchone()
        self.store._db.execute(f"PRAGMA max_page_count={pages}")
        with suppress(StoreError):
            while True:
                with self.store.transaction() as writing:
                    writing.append(EventType.AUDIT, {"what": "filler"}, subject="gate", now=self.clock.now())

    def make_room(self) -> None:
        self.store._db.execute("PRAGMA max_page_count=1000000")

    # --- a turn of the loop ------------------------------------------------------------------------------------

    def look(self) -> None:
        """The reader's view: every code in it was read just now."""
        now = self.uptime()
        for id_, track in self.in_view.items():
            self.in_view[id_] = Track(id_, track.state, track.payload, track.frame, track.frame_ns, track.decoded_ns, now, track.stage)
        for presentation in self._presentations.look(self.in_view.values(), now):
            self.deciding.settle(presentation)

    def turn(self) -> None:
        """One turn of both threads: what is due by time."""
        self.act.turn()
        for presentation in self._presentations.due(self.uptime()):
            self.deciding.settle(presentation)
        self.act.turn()
        self._take_facts()
        self.deciding.catch_up(self.uptime())
        self._lane_alarms.look(self.uptime())
        self.condition.set(Trouble.STORE_FAILED, on=self.deciding.store_fails)
        self.condition.tick(self.uptime())
        self._roll_call.look(self.policy, self.uptime())
        self.act.turn()

    def _take_facts(self) -> None:
        while self.act.facts:
            match self.act.facts.popleft():
                case Passage() as passage:
                    self.deciding.passage(passage)
                case Crossing() as crossing:
                    self.deciding.crossing(crossing)
                case Alarm() as alarm:
                    self._lane_alarms.take(alarm)

    def next_moment(self) -> datetime:
        """When this gate has something to do, at the latest."""
        somebody_is_there = self.in_view or self.act.facts or self.deciding._lane_wait._waiting
        moments = [self._sky.later(STEP_S if somebody_is_there else QUIET_S)]
        moments += [self.uptime.at(ns) for ns in (self.act.next_ns(), self._presentations.next_due_ns()) if ns is not None]
        return min(moments)

    # --- what is left behind -----------------------------------------------------------------------------------

    def events(self, after: int = 0) -> list[dict[str, Any]]:
        bodies: list[dict[str, Any]] = []
        while batch := self.store.events_after(after, 100):
            bodies += [json.loads(event.body) for event in batch]
            after = batch[-1].sequence
        return bodies

    def inside(self) -> int:
        with self.store.recalling() as memory:
            return memory.occupied()

    def name_grants(self, ids: Mapping[str, str]) -> None:
        """What was let out before it could be recorded has the id of its record from now on."""
        self.opened_for = [ids.get(id_, id_) for id_ in self.opened_for]
        self.pulses_for = [ids.get(id_, id_) for id_ in self.pulses_for]

    def _keep(self, seen: Seen) -> None:
        self.opened_for += seen.opened_for
        self.pulses_for += seen.pulses_for
        self.shadow += Counter(self.deciding._shadow.due(self.uptime() + HOUR_NS))  # of the hour that is not over
        self.pulses += [(self.uptime.at(on), None if off is None else self.uptime.at(off)) for on, off in seen.pulses]
