"""The recording loop in a thread of this process, with real links and a real store."""

from __future__ import annotations

import os
import selectors
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from device import notify
from device.admission.budget import SINGLY_A_MINUTE
from device.clock import NS, monotonic_ns
from device.degraded import Trouble
from device.domain import Crossing, CrossingKind, Direction, EventType, Passage, PassageOutcome
from device.errors import HardwareError, QrgateError
from device.events.topics import Topics
from device.gate.act import Broken, LaneState, Standing
from device.gate.condition import Condition
from device.gate.lane_alarms import LaneAlarms
from device.gate.latch import Latch
from device.gate.outbox import Outbox
from device.gate.record import ACT_SILENT_NS, ACT_SILENT_TURNS, TURN_S, Facts, Record
from device.gate.service import RECORD_SILENT_NS, _Pulse
from device.links import (
    BrokerState,
    Events,
    Give,
    Health,
    Hello,
    Lane,
    Link,
    Listener,
    Message,
    ReaderState,
    Received,
    Refused,
    View,
    connect,
    own_uid,
)
from device.settings import Relay as RelaySettings
from device.turnstile.actions import Alarm, Mishap
from device.turnstile.signals import Signal
from tests.device.gate import test_deciding
from tests.gates import wait_health, wait_message

FOR_EVER_NS = 1 << 62
"""The acting thread is not there, and its heart is not felt for, except where a test lets it stop."""
RECORDER = Ed25519PrivateKey.from_private_bytes(b"r" * 32)


class Bench:
    """Everything of a gate but its acting thread."""

    def __init__(self, folder: Path) -> None:
        state = folder / "state"
        state.mkdir()
        self.folder = folder
        self.deciding = test_deciding.Bench(state)
        self.facts = Facts()
        self.committed = threading.Semaphore(0)
        self.broker: list[bool] = []
        self.signed = 0
        self.condition = Condition(
            alarm=lambda facts: self.deciding.deciding.fact(EventType.ALARM, facts),
            stand=self.deciding.act.stand,
            publish=lambda body: self.record.tell_uplink(Health(body)),
        )
        outbox = Outbox(
            self.deciding.store,
            Topics("p1", "s1", "g1"),
            RECORDER.public_key(),
            boot="boot-1",
            key=b"k" * 32,
            head=self._sign,
            void=lambda _sequence, _why: False,
            commands=lambda _verb, _payload: None,
            alarm=self.deciding.deciding.fact,
            broker=self.broker.append,
            health=self.condition.body,
        )
        self.record = Record(
            reader=Listener(folder / "reader.sock", {own_uid()}),
            uplink=Listener(folder / "uplink.sock", {own_uid()}),
            facts=self.facts,
            act=self.deciding.act,
            presentations=self.deciding.presentations,
            deciding=self.deciding.deciding,
            outbox=outbox,
            condition=self.condition,
            lane_alarms=LaneAlarms(
                self.deciding.act,
                self.condition,
                Latch(state, state),
                lambda facts: self.deciding.deciding.fact(EventType.ALARM, facts),
                monotonic_ns,
            ),
        )
        self.deciding.deciding._committed = self.deciding.deciding._journal._committed = self._commit
        self.deciding.act.beat_ns = FOR_EVER_NS
        self.stopping = threading.Event()
        self.error: QrgateError | None = None
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        try:
            self.record.run(self.stopping)
        except QrgateError as error:
            self.error = error

    def _sign(self) -> bytes:
        self.signed += 1
        return b"head"

    def _commit(self) -> None:
        self.record.serve_uplink()
        self.committed.release()

    def await_commit(self) -> None:
        assert self.committed.acquire(timeout=5), "nothing was committed"

    def close(self) -> None:
        self.stopping.set()
        self.thread.join(5)
        self.record.close()
        self.deciding.store.close()
        os.close(self.facts.fileno())


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with closing(Bench(tmp_path)) as bench:
        yield bench


@pytest.fixture
def reader(bench: Bench) -> Iterator[Link]:
    with closing(connect(bench.folder / "reader.sock")) as link:
        yield link


@pytest.fixture
def uplink(bench: Bench) -> Iterator[Link]:
    with closing(connect(bench.folder / "uplink.sock")) as link:
        assert isinstance(wait_message(link), Hello)
        yield link


def crossing(at_ns: int) -> Crossing:
    return Crossing(CrossingKind.COUNTED, Direction.EXIT, at_ns)


def state(name: str) -> ReaderState:
    return ReaderState(name, frames=4, dropped=3, looks=2, failures=1)


def alarm(name: str) -> tuple[str, dict[str, object]]:
    return "qrgate.alarm", {"what": "camera", "state": name, "frames": 4, "dropped": 3, "looks": 2, "failures": 1}


def troubles(uplink: Link) -> list[str]:
    return [each["trouble"] for each in wait_health(uplink)["troubles"]]


# --- facts -----------------------------------------------------------------------------------------------------


def test_a_fact_wakes_whoever_waits_and_comes_out_once_in_order() -> None:
    facts = Facts()
    with selectors.DefaultSelector() as selector:
        selector.register(facts, selectors.EVENT_READ)
        assert (facts.drain(), selector.select(0)) == ([], [])
        told = [crossing(1), crossing(2)]
        for each in told:
            facts.tell(each)
        assert len(selector.select(1)) == 1
        assert (facts.drain(), facts.drain(), selector.select(0)) == (told, [], [])
    os.close(facts.fileno())


def test_an_acting_thread_that_hangs_is_found_before_a_relay_may_have_been_on_for_too_long() -> None:
    assert RelaySettings().max_on_s > ACT_SILENT_NS / NS + ACT_SILENT_TURNS * TURN_S


def test_who_goes_without_a_grant_is_recorded(bench: Bench) -> None:
    bench.facts.tell(crossing(1))
    bench.await_commit()
    assert bench.deciding.facts() == [("qrgate.passage", {"outcome": "counted", "direction": "exit", "people": 1, "at_ns": 1})]


def test_what_the_lane_tells_is_an_alarm_and_a_trouble(bench: Bench, uplink: Link) -> None:
    bench.facts.tell(Alarm(Mishap.NOT_READY, on=True, at_ns=7))
    bench.await_commit()
    assert bench.deciding.facts() == [("qrgate.alarm", {"what": "not_ready", "on": True, "at_ns": 7})]
    while (told := wait_health(uplink))["troubles"] != [{"trouble": "not_ready"}]:
        pass
    assert told["health"] == "out_of_order"


def test_whoever_waits_is_called_with_the_passage_of_the_one_before(bench: Bench, reader: Link) -> None:
    reader.send(View((bench.deciding.track(test_deciding.ISSUER.issue(1)),)))
    bench.await_commit()
    first = bench.deciding.granted()
    reader.send(View(()))
    reader.send(View((bench.deciding.track(test_deciding.ISSUER.issue(2)),)))
    reader.send(state("no_frames"))  # when this is recorded, the second was seen
    bench.await_commit()
    bench.facts.tell(Passage(first, PassageOutcome.TURNED, 5, 9))
    for _ in range(2):
        bench.await_commit()
    assert [kind for kind, _ in bench.deciding.facts()] == ["qrgate.decision", "qrgate.alarm", "qrgate.passage", "qrgate.decision"]


def test_whoever_waits_in_vain_is_told_so_without_anything_else_happening(bench: Bench, reader: Link) -> None:
    bench.deciding.act.lane = LaneState(is_occupied=True)
    reader.send(View((bench.deciding.track(test_deciding.ISSUER.issue(1)),)))
    bench.await_commit()
    assert [data["reason"] for _, data in bench.deciding.facts()] == ["lane_busy"]


def test_a_store_that_fails_is_a_trouble_until_it_takes_something_again(bench: Bench, reader: Link, uplink: Link) -> None:
    bench.deciding.store._db.execute("PRAGMA query_only=ON")
    reader.send(View((bench.deciding.track(test_deciding.ISSUER.issue(1)),)))
    while Trouble.STORE_FAILED not in troubles(uplink):
        pass
    reader.send(View(()))
    bench.deciding.store._db.execute("PRAGMA query_only=OFF")
    bench.await_commit()
    assert bench.deciding.facts() == [("qrgate.alarm", {"what": "store_failed", "on": True})]


def test_a_passage_is_recorded(bench: Bench, reader: Link) -> None:
    reader.send(View((bench.deciding.track(test_deciding.ISSUER.issue(1)),)))
    bench.await_commit()
    bench.facts.tell(Passage(bench.deciding.granted(), PassageOutcome.ASSUMED, 5, 9))
    bench.await_commit()
    assert [kind for kind, _ in bench.deciding.facts()] == ["qrgate.decision", "qrgate.passage"]


def test_a_broken_output_ends_the_loop_with_its_error(bench: Bench) -> None:
    error = HardwareError("relay is broken", hint="mend it")
    bench.facts.tell(Broken(error))
    bench.thread.join(5)
    assert bench.error is error


def test_an_acting_thread_that_hangs_ends_the_loop(bench: Bench) -> None:
    bench.deciding.act.beat_ns = monotonic_ns() - ACT_SILENT_NS
    bench.thread.join(5)
    assert bench.error is not None
    assert bench.error.what == "the acting thread hangs: nobody could be let in, or a relay let go"


def test_a_machine_that_stood_still_for_a_while_ends_nothing(bench: Bench, reader: Link) -> None:
    """Both threads slept; this one wakes first, and the other a moment later."""
    bench.deciding.act.beat_ns = monotonic_ns() - ACT_SILENT_NS
    reader.send(state("no_frames"))
    bench.await_commit()
    bench.deciding.act.beat_ns = FOR_EVER_NS
    reader.send(state("ok"))
    bench.await_commit()
    assert bench.error is None


# --- the reader ------------------------------------------------------------------------------------------------


def test_a_code_that_is_no_credential_is_decided_when_its_time_is_over(bench: Bench, reader: Link) -> None:
    reader.send(View((bench.deciding.track(b"junk"),)))
    bench.await_commit()
    assert [data["reason"] for _, data in bench.deciding.facts()] == ["not_a_pass"]


def test_a_camera_that_stops_and_comes_back_is_two_alarms(bench: Bench, reader: Link) -> None:
    for name in ("ok", "no_frames", "no_frames", "ok", "ok"):
        reader.send(state(name))
    for _ in range(2):
        bench.await_commit()
    assert bench.deciding.facts() == [alarm("no_frames"), alarm("ok")]
    assert bench.deciding.told() == [Standing(Signal.OUT_OF_ORDER), Standing(Signal.DARK)]


def test_a_gate_that_sees_nothing_is_in_trouble_until_it_sees_again(bench: Bench, reader: Link, uplink: Link) -> None:
    for name, found in (("covered", [Trouble.CAMERA_BLIND]), ("ok", [])):
        reader.send(state(name))
        while troubles(uplink) != found:
            pass
    for _ in range(2):
        bench.await_commit()
    assert bench.deciding.facts() == [alarm("covered"), alarm("ok")]  # and no second alarm of the same trouble


@pytest.mark.parametrize("message", [Give(Lane.LIVE, 0, 1), Hello("b", "e", 0, b"", b""), BrokerState(True), Refused(1, 135)])
def test_a_reader_that_says_what_is_not_its_to_say_is_not_obeyed(bench: Bench, reader: Link, message: Message) -> None:
    reader.send(message)
    reader.send(state("no_frames"))
    bench.await_commit()
    assert bench.deciding.facts() == [alarm("no_frames")]


def test_a_view_from_the_uplink_is_not_believed(bench: Bench, uplink: Link) -> None:
    uplink.send(View((bench.deciding.track(test_deciding.ISSUER.issue(1)),)))
    uplink.send(Refused(1, 135))
    bench.await_commit()
    assert [kind for kind, _ in bench.deciding.facts()] == ["qrgate.alarm"]


# --- peers that come and go ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["reader", "uplink"])
def test_a_peer_that_talks_nonsense_is_cut_off_and_the_next_is_served(bench: Bench, name: str) -> None:
    for _ in range(3):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as peer:
            peer.settimeout(5)
            peer.connect(str(bench.folder / f"{name}.sock"))
            peer.send(b"\xff nonsense")
            while peer.recv(65536):  # a greeting, perhaps; then the end
                pass
    with closing(connect(bench.folder / f"{name}.sock")) as link:
        link.send(state("no_frames") if name == "reader" else Refused(1, 135))
        bench.await_commit()
    assert [kind for kind, _ in bench.deciding.facts()] == ["qrgate.alarm"]


def test_an_uplink_that_waits_is_served_with_the_next_commit(uplink: Link, reader: Link) -> None:
    served = []
    for sequence, name in enumerate(("no_frames", "ok"), start=1):
        uplink.send(Give(Lane.LIVE, sequence - 1, 20))
        reader.send(state(name))
        answer = wait_message(uplink)
        assert isinstance(answer, Events)
        served.append([event.sequence for event in answer.events])
    assert served == [[1], [2]]


def test_an_uplink_whose_link_was_full_is_served_when_there_is_room_without_a_commit(bench: Bench, uplink: Link) -> None:
    bench.facts.tell(crossing(1))
    bench.await_commit()
    assert bench.record._uplink._link is not None
    sent = 0
    while bench.record._uplink._link.send(Received("t", bytes(30_000))):
        sent += 1
    uplink.send(Give(Lane.LIVE, 0, 20))
    bench.facts.tell(crossing(2))  # when this is committed, the wish was heard and could not be answered
    bench.await_commit()
    for _ in range(sent):
        assert isinstance(wait_message(uplink), Received)
    answer = wait_message(uplink)
    assert isinstance(answer, Events)
    assert [event.sequence for event in answer.events] == [1, 2]


def test_a_word_about_health_for_which_there_was_no_room_is_said_when_there_is(bench: Bench, uplink: Link) -> None:
    """Else the broker would hold an old one for as long as nothing changes."""
    assert wait_health(uplink)["health"] == "ok"
    assert bench.record._uplink._link is not None
    sent = 0
    while bench.record._uplink._link.send(Received("t", bytes(30_000))):
        sent += 1
    bench.facts.tell(Alarm(Mishap.TAMPER, on=True, at_ns=1))
    bench.await_commit()
    for _ in range(sent):
        assert isinstance(wait_message(uplink), Received)
    while Trouble.TAMPER not in troubles(uplink):
        pass


def test_without_an_uplink_nothing_is_left_to_be_said(bench: Bench) -> None:
    assert bench.record.tell_uplink(Health(b"{}"))


def test_the_broker_is_gone_with_the_uplink(bench: Bench) -> None:
    with closing(connect(bench.folder / "uplink.sock")) as link:
        link.send(BrokerState(True))
        link.send(Refused(1, 135))
        bench.await_commit()
        assert bench.broker == [True]
    with closing(connect(bench.folder / "uplink.sock")) as link:
        link.send(Refused(2, 135))
        bench.await_commit()
    assert bench.broker[:2] == [True, False]


def test_an_uplink_that_has_a_session_and_has_none_without_end_is_heard_once_a_second(bench: Bench, uplink: Link) -> None:
    """Each word without a session asks for a head that is signed; the first is answered at once, and the last when its second is over."""
    since_ns = monotonic_ns()
    uplink.send(BrokerState(False))
    assert isinstance(wait_message(uplink), Hello)
    for number in range(1000):
        while not uplink.send(BrokerState(bool(number % 2))):
            pass
    uplink.send(Refused(1, 135))
    bench.await_commit()
    heard_max = 1 + (monotonic_ns() - since_ns) // NS
    assert (len(bench.broker) <= heard_max, bench.signed <= heard_max + 1) == (True, True)  # the link itself was greeted, too
    signed = bench.signed
    uplink.send(BrokerState(False))
    while bench.signed == signed:
        assert isinstance(wait_message(uplink), Hello)


# --- the heart -------------------------------------------------------------------------------------------------


def told_alive(manager: socket.socket) -> int:
    """How often the service manager was told since the last look."""
    count = 0
    with suppress(BlockingIOError):
        while manager.recv(100, socket.MSG_DONTWAIT) == notify.ALIVE.encode():
            count += 1
    return count


def test_the_acting_thread_tells_that_the_gate_lives_as_long_as_the_recording_thread_turns(
    bench: Bench, reader: Link, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        began_ns = bench.record.beat_ns
        for name in ("no_frames", "ok"):
            reader.send(state(name))
            bench.await_commit()
        assert bench.record.beat_ns > began_ns
        assert told_alive(manager) == 0  # by the recording thread
        pulse = _Pulse()
        pulse.beat()
        assert told_alive(manager) == 0  # it is not ready yet
        pulse.begin(bench.record)
        for _ in range(3):
            pulse.beat()
        assert told_alive(manager) == 1
        bench.stopping.set()
        bench.thread.join(5)
        for silent_ns, told in ((RECORD_SILENT_NS - NS, 1), (RECORD_SILENT_NS, 0)):
            bench.record.beat_ns = monotonic_ns() - silent_ns
            pulse._told_ns = 0
            pulse.beat()
            assert told_alive(manager) == told


def test_a_reader_that_goes_and_comes_back_well_is_two_alarms(bench: Bench) -> None:
    with closing(connect(bench.folder / "reader.sock")) as link:
        link.send(state("ok"))
    bench.await_commit()
    with closing(connect(bench.folder / "reader.sock")) as link:
        link.send(state("ok"))
        bench.await_commit()
    assert bench.deciding.facts() == [("qrgate.alarm", {"what": "camera", "state": "no_reader"}), alarm("ok")]
    assert bench.deciding.told() == [Standing(Signal.OUT_OF_ORDER), Standing(Signal.DARK)]


def test_refusals_of_a_minute_that_is_not_over_are_recorded_at_an_orderly_end(bench: Bench, reader: Link) -> None:
    for number in range(SINGLY_A_MINUTE + 3):
        reader.send(View((bench.deciding.track(f"junk {number}".encode()),)))
        reader.send(View(()))
    for _ in range(SINGLY_A_MINUTE):
        bench.await_commit()
    reader.send(state("no_frames"))
    bench.await_commit()
    bench.stopping.set()
    bench.thread.join(5)
    assert bench.deciding.facts()[-1] == ("qrgate.audit", {"what": "refusals_folded", "counts": {"not_a_pass": 3}})


def test_the_loop_ends_when_it_is_told(bench: Bench) -> None:
    bench.stopping.set()
    bench.thread.join(5)
    assert (bench.thread.is_alive(), bench.error) == (False, None)
