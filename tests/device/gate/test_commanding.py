"""Orders at a gate that is put together as it runs: real store, lane, province, links' words; the acting thread is looked at, not started."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from device import config, settings
from device.admission.presence import Moment
from device.admission.presentations import Presentations
from device.bundles.delegations import Role, delegations_content
from device.bundles.envelope import Audience, Kind, sign_bundle
from device.clock import NS, WallClock, monotonic_ns
from device.commands import asking, order, signed_time
from device.commands.asking import Ask
from device.commands.deeds import Deed, Diagnose, Drill, Erase, LaneMode, Open, Replay, Restart, SetMode, Verb
from device.commands.order import Order
from device.domain import ClockTrust, Direction, EventType, Grant, Instant
from device.gate.act import Act, OrderFree
from device.gate.commanding import Commanding, open_commanding
from device.gate.condition import Condition
from device.gate.deciding import Deciding
from device.gate.inbox import Inbox
from device.gate.keys import Fingerprints, PseudonymKey
from device.gate.lamps import Lamps
from device.gate.lane_mode import FILE
from device.gate.lately import Lately
from device.gate.province import open_province
from device.gate.recall import NoLists, Recall
from device.gate.store import Store, Transaction
from device.gate.teller import Teller
from device.settings import ClockSource
from device.turnstile.freedom import Cause
from device.turnstile.lane import Lane, LaneKind, Relay
from device.turnstile.machine import Service, Turnstile
from tests.device.commands.orders import holder, key
from tests.device.gate.lane_bench import BenchSwitch
from tests.gates import Gate, day_keys

BOOT = "boot-1"
OFFICE, OPERATOR, SECOND, OFFICER = key(7), 1, 2, 3
HOLDERS = (holder(OPERATOR, Role.OPERATOR), holder(SECOND, Role.OPERATOR), holder(OFFICER, Role.HEALTH_OFFICER))


class PowerCut(BaseException):
    """Nothing that would come after this comes."""


class Power:
    """Goes at the ``last`` step at which something becomes durable, or has."""

    def __init__(self, last: int) -> None:
        self._left = last

    def step(self) -> None:
        self._left -= 1
        if self._left == 0:
            raise PowerCut

    @property
    def held(self) -> bool:
        return self._left > 0


class CutStore(Store):
    """Its disk is that of a machine whose power goes."""

    power: Power | None = None

    @contextmanager
    def transaction(self, *, makes_room: bool = False) -> Iterator[Transaction]:
        with super().transaction(makes_room=makes_room) as writing:
            yield writing
            self._step()
        self._step()

    def _step(self) -> None:
        if self.power is not None:
            self.power.step()


class Bench:
    """One life of a gate in ``folder``. ``lane`` follows the turnstile as the acting thread would make it."""

    def __init__(self, folder: Path, *, source: ClockSource = ClockSource.SYSTEM) -> None:
        gate = Gate(folder)
        for name in ("ca.crt", "gate.crt", "gate.key"):
            (gate.folder / name).write_bytes(b"")
        self.recorder = gate.recorder
        self.settings = replace(config.load(gate.folder), bundles=settings.Bundles(public_key=OFFICE.public_key().public_bytes_raw().hex()))
        state = self.settings.paths.state
        state.mkdir(exist_ok=True)
        (folder / "first.json").write_text(day_keys(), encoding="ascii")
        self.store = CutStore(state / "events.db", gate="g1", boot=BOOT)
        self.turnstile = Turnstile(Lane(LaneKind.TRIPOD, pulse_ns=NS, max_on_ns=NS, wait_ns=NS))
        self.relay = BenchSwitch("entry")
        self.act = Act(self.turnstile, {Relay.ENTRY: self.relay}, Lamps({}), lambda _fact: None)
        self.wall = WallClock(source)
        self.said: list[tuple[str, bytes]] = []
        self.again: list[tuple[int, int]] = []
        self.restarts = 0
        self.link_has_room = True
        tell = Teller()
        self.province = open_province(self.settings, state, renew=lambda _held: None, tell=tell)
        fingerprints = Fingerprints(state)
        self.deciding = Deciding(
            policy=self.province.policy,
            presentations=Presentations(read=self.province.read, fingerprint=fingerprints.of, settle_ns=0),
            store=self.store,
            clock=self.wall,
            pseudonyms=PseudonymKey(state, folder / "first.json", "s1"),
            fingerprints=fingerprints,
            recall=Recall(self.store, fingerprints, NoLists()),
            boot=BOOT,
            act=self.act,
            grant_within_ns=NS,
            committed=lambda: None,
        )
        tell.begin(self.deciding.fact)
        inbox = Inbox(state, self.province, None, now=self.wall.now, floor=lambda: self.store.clock_floor, tell=self.deciding.fact)
        self.condition = Condition(alarm=lambda _facts: None, stand=self.act.stand, publish=lambda _body: True)
        self.commanding: Commanding = open_commanding(
            self.settings,
            boot=BOOT,
            store=self.store,
            act=self.act,
            deciding=self.deciding,
            province=self.province,
            condition=self.condition,
            lists=NoLists().states,
            lately=Lately(monotonic_ns()),
            wall=self.wall,
            passed_s=inbox.passed_s,
            say=lambda topic, body: self.said.append((topic, body)),
            again=self._again,
            restart=self._restart,
            tell=self.deciding.fact,
        )
        self._ids = count(1)

    def _again(self, first: int, last: int) -> bool:
        self.again.append((first, last))
        return self.link_has_room

    def _restart(self) -> None:
        self.restarts += 1

    def close(self) -> None:
        self.commanding.close()
        self.store.close()

    def delegate(self) -> None:
        bundle = sign_bundle(OFFICE, Kind.DELEGATIONS, Audience("p1"), delegations_content(HOLDERS), seq=1, issued_s=1)
        assert self.province.take(bundle, passed_s=0)

    def turn(self) -> None:
        """The recording thread turns, and the acting thread does what it was told."""
        self.commanding.look(monotonic_ns())
        self.obeyed: list[Any] = []
        while not self.act._inbox.empty():
            told = self.act._inbox.get()
            self.obeyed.append(told)
            assert told is not None
            self.act._take(told)
        self.act._look_back()

    def give(self, deed: Deed, *signers: int) -> dict[str, Any]:
        ask = Ask(next(self._ids).to_bytes(16, "big"))
        self.commanding.take("challenge", asking.encode_ask(ask))
        challenge = asking.read_challenge(self.answer(ask.id))
        told = Order(next(self._ids).to_bytes(16, "big"), deed, "g1", challenge.boot, challenge.challenge, 60, "op-1", "test")
        payload = order.encode(told)
        self.commanding.take(told.verb, order.message([order.sign(key(number), payload) for number in signers]))
        answer = self.answer(told.id)
        self.turn()
        return answer

    def answer(self, id_: bytes) -> dict[str, Any]:
        topic, body = self.said.pop()
        assert topic == asking.reply_topic(id_)
        return asking.decode_reply(body)

    def recorded(self, kind: EventType) -> list[dict[str, Any]]:
        return [json.loads(event.body)["data"] for event in self.store.events_after(0, 100) if event.type is kind]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "gate"


@pytest.fixture
def bench(folder: Path) -> Iterator[Bench]:
    with closing(Bench(folder)) as bench:
        bench.delegate()
        bench.turn()
        yield bench


def done(**more: Any) -> dict[str, Any]:
    return {"gate": "g1", "outcome": "done", **more}


def test_before_the_office_delegates_nobody_orders_anything(folder: Path) -> None:
    with closing(Bench(folder)) as bench:
        assert bench.give(Open(Direction.ENTRY), OPERATOR) == {"gate": "g1", "outcome": "refused", "why": "unknown_key"}


def test_somebody_is_let_in_by_an_order_that_is_recorded_first(bench: Bench) -> None:
    assert bench.give(Open(Direction.ENTRY), OPERATOR) == done()
    (facts,) = bench.recorded(EventType.COMMAND)
    assert (facts["what"], facts["outcome"], facts["actor"], facts["reason"], facts["args"]) == (
        "open",
        "done",
        "op-1",
        "test",
        {"direction": "entry"},
    )
    (granted,) = [told for told in bench.obeyed if isinstance(told, Grant)]
    assert ([grant.id for grant in bench.store.open_grants()], bench.relay.is_on) == ([granted.id], True)


def test_a_lane_that_is_locked_lets_nobody_in_over_restarts_until_it_is_ordered_to_serve(bench: Bench, folder: Path) -> None:
    assert bench.give(SetMode(LaneMode.LOCKED), OPERATOR, SECOND) == done()
    bench.turn()
    assert (bench.act.lane.service, bench.act.lane.serves_entry, bench.condition.body()) == (
        Service.LOCKED,
        False,
        b'{"health":"out_of_order","troubles":[{"trouble":"locked"}]}',
    )
    assert bench.give(Open(Direction.ENTRY), OPERATOR)["why"] == "out_of_service"
    bench.close()
    with closing(Bench(folder)) as again:
        again.turn()
        assert not again.act.lane.serves_entry
        assert again.give(SetMode(LaneMode.NORMAL), OPERATOR) == done()
        assert again.act.lane.serves_entry


def test_a_lane_that_is_free_by_order_is_so_over_restarts_and_a_fire_stands_above(bench: Bench, folder: Path) -> None:
    bench.give(SetMode(LaneMode.FREE), OPERATOR, SECOND)
    assert bench.act.lane.free_by is Cause.ORDER
    bench.close()
    with closing(Bench(folder)) as again:
        again.turn()
        assert again.act.lane.free_by is Cause.ORDER
        again.turnstile._freedom.latched = True
        again.give(SetMode(LaneMode.NORMAL), OPERATOR)
        assert (again.act.lane.free_by, OrderFree(False) in again.obeyed) == (Cause.LATCHED, True)


def test_a_damaged_mode_is_an_alarm(folder: Path) -> None:
    with closing(Bench(folder)) as bench:
        (bench.settings.paths.state / FILE).write_bytes(b"junk")
    with closing(Bench(folder)) as bench:
        assert {"what": "mode_lost"} in bench.recorded(EventType.ALARM)


def test_a_health_officer_erases_and_the_events_stay(bench: Bench) -> None:
    bench.give(Diagnose(), OPERATOR)
    before = bench.store.events_after(0, 1)
    assert bench.give(Erase(bench.store.epoch, 1, 5), OFFICER) == done(erased=0)
    assert bench.store.events_after(0, 1) == before


def test_figures_are_told_without_a_person_in_them(bench: Bench) -> None:
    told = bench.give(Diagnose(), OPERATOR)["diagnostics"]
    assert (told["boot"], told["mode"], told["bundles"], told["store"]["epoch"], told["health"]["health"], told["clock"]) == (
        BOOT,
        "normal",
        {"delegations": 1},
        bench.store.epoch,
        "ok",
        "trusted",
    )


def test_the_recorder_needs_no_delegation_and_tells_the_time_to_a_gate_that_has_none(folder: Path) -> None:
    with closing(Bench(folder, source=ClockSource.NONE)) as bench:
        assert bench.wall.now().trust is ClockTrust.UNTRUSTED
        bench.commanding.broker(connected=True)
        bench.turn()
        ((topic, body),) = bench.said
        assert topic == "request/time"
        true = datetime.now().astimezone() + timedelta(days=400)
        answer = signed_time.answer(bench.recorder, signed_time.decode(body), id_=b"t" * 16, utc_ms=int(true.timestamp() * 1000))
        bench.commanding.take("time", answer)
        told: Instant = bench.wall.now()
        assert (told.trust, abs(told.utc - true) < timedelta(seconds=10)) == (ClockTrust.TRUSTED, True)
        bench.commanding.take("time", answer)
        assert [facts["outcome"] for facts in bench.recorded(EventType.COMMAND)] == ["done", "refused"]


def test_the_recorder_gets_events_again(bench: Bench) -> None:
    deed = Replay(bench.store.epoch, ((1, 3),))
    ask = Ask(b"a" * 16)
    bench.commanding.take("challenge", asking.encode_ask(ask))
    challenge = asking.read_challenge(bench.answer(ask.id))
    told = Order(b"r" * 16, deed, "g1", challenge.boot, challenge.challenge, 60, "recorder")
    bench.commanding.take("replay", order.message([order.sign(bench.recorder, order.encode(told))]))
    assert (bench.answer(told.id), bench.again) == (done(), [(1, 3)])


def test_nothing_that_waits_for_the_store_is_lost_to_a_restart(bench: Bench) -> None:
    bench.store._db.execute("ALTER TABLE event RENAME TO out_of_reach")  # it takes nothing
    bench.deciding.fact(EventType.AUDIT, {"what": "x"})
    assert bench.give(Restart(), OPERATOR) == {"gate": "g1", "outcome": "failed", "why": "busy"}
    bench.store._db.execute("ALTER TABLE out_of_reach RENAME TO event")
    bench.deciding.catch_up(monotonic_ns())
    assert (bench.give(Restart(), OPERATOR), bench.restarts) == (done(), 1)
    assert [facts["outcome"] for facts in bench.recorded(EventType.COMMAND)] == ["failed", "done"]


# --- the power goes ----------------------------------------------------------------------------------------------


def given_until_the_power_goes(bench: Bench, power: Power, deed: Deed, *signers: int) -> None:
    assert isinstance(bench.store, CutStore)
    bench.store.power = power
    write = bench.commanding._mode._write

    def cut_write(path: Path, content: bytes) -> None:
        power.step()
        write(path, content)
        power.step()

    bench.commanding._mode._write = cut_write
    with suppress(PowerCut):
        bench.give(deed, *signers)


STEPS_MAX = 20


def every_cut(folder: Path) -> Iterator[tuple[Power, Path]]:
    """A gate for each step at which the power may go, and one for which it holds."""
    for last in range(1, STEPS_MAX):
        power = Power(last)
        yield power, folder / str(last)
        if power.held:
            assert last > 2  # there was something to cut
            return
    raise AssertionError("no end of steps")


@pytest.mark.parametrize("deed", [SetMode(LaneMode.FREE), SetMode(LaneMode.LOCKED), Drill(10)])
def test_wherever_the_power_goes_the_lane_stands_as_the_record_says(folder: Path, deed: SetMode | Drill) -> None:
    for power, each in every_cut(folder):
        with closing(Bench(each)) as bench:
            bench.delegate()
            bench.turn()
            given_until_the_power_goes(bench, power, deed, OPERATOR, SECOND)
        with closing(Bench(each)) as again:
            again.turn()
            stands = again.commanding._mode.is_drill if isinstance(deed, Drill) else again.commanding._mode.mode is deed.mode
            outcomes = [facts["outcome"] for facts in again.recorded(EventType.COMMAND)]
            assert (stands, outcomes[-1:] == ["done"]) in {(True, True), (False, False)}
            assert stands or not power.held
        with closing(Bench(each)) as third:
            assert [facts["outcome"] for facts in third.recorded(EventType.COMMAND)] == outcomes  # it is told once


def test_an_order_that_the_end_of_the_gate_has_prevented_is_recorded_as_failed(bench: Bench, folder: Path) -> None:
    bench.commanding._mode.begin(Verb.DRILL, b"o" * 16)
    bench.close()
    with closing(Bench(folder)) as again:
        assert again.recorded(EventType.COMMAND) == [{"what": "drill", "order": "6f" * 16, "outcome": "failed", "why": "restarted"}]


def test_wherever_the_power_goes_what_is_erased_is_recorded_and_what_is_not_is_not(folder: Path) -> None:
    for power, each in every_cut(folder):
        with closing(Bench(each)) as bench:
            bench.delegate()
            with bench.store.transaction() as writing:
                writing.append(EventType.AUDIT, {}, subject="gate", now=bench.wall.now())
                writing.identities.keep(1, b"sealed", 30, Moment(bench.wall.now(), BOOT, 1))
            given_until_the_power_goes(bench, power, Erase(bench.store.epoch, 1, 1), OFFICER)
        with closing(Bench(each)) as again:
            erased = [facts["erased"] for facts in again.recorded(EventType.COMMAND) if facts["outcome"] == "done"]
            assert (again.store.identity(1), erased) in [(None, [1]), (b"sealed", [])]
            assert erased or not power.held


def test_there_is_no_restart_by_order_without_its_record(folder: Path) -> None:
    for power, each in every_cut(folder):
        with closing(Bench(each)) as bench:
            bench.delegate()
            given_until_the_power_goes(bench, power, Restart(), OPERATOR)
            restarts = bench.restarts
        with closing(Bench(each)) as again:
            outcomes = [facts["outcome"] for facts in again.recorded(EventType.COMMAND)]
            assert (restarts, outcomes) in [(0, []), (0, ["done"]), (1, ["done"])]
            assert restarts or not power.held


@pytest.mark.parametrize(("deed", "free"), [(SetMode(LaneMode.FREE), True), (SetMode(LaneMode.LOCKED), False), (Drill(10), False)])
def test_a_store_that_takes_nothing_frees_by_order_and_does_nothing_else(bench: Bench, folder: Path, deed: Deed, free: bool) -> None:
    bench.store._db.execute("ALTER TABLE event RENAME TO out_of_reach")
    assert bench.give(deed, OPERATOR, SECOND)["outcome"] == ("done" if free else "failed")
    bench.turn()
    assert (bench.act.lane.free_by, bench.act.lane.service) == (Cause.ORDER if free else None, Service.NORMAL)
    assert json.loads((bench.settings.paths.state / FILE).read_bytes())["mode"] == "normal"  # it outlasts no restart, for no record would
    bench.store._db.execute("ALTER TABLE out_of_reach RENAME TO event")
    bench.deciding.catch_up(monotonic_ns())
    bench.turn()
    assert [facts["outcome"] for facts in bench.recorded(EventType.COMMAND)] == (["done"] if free else ["failed"])
    bench.close()
    with closing(Bench(folder)) as again:
        again.turn()
        assert again.act.lane.free_by is (Cause.ORDER if free else None)


def test_an_erasure_that_cannot_be_recorded_erases_nothing(bench: Bench) -> None:
    with bench.store.transaction() as writing:
        writing.append(EventType.AUDIT, {}, subject="gate", now=bench.wall.now())
        writing.identities.keep(writing.next_sequence, b"sealed", 30, Moment(bench.wall.now(), BOOT, 1))
        sequence = writing.next_sequence
    bench.store._db.execute("ALTER TABLE event RENAME TO out_of_reach")
    assert bench.give(Erase(bench.store.epoch, sequence, sequence), OFFICER)["why"] == "store_failed"
    assert bench.store.identity(sequence) == b"sealed"
