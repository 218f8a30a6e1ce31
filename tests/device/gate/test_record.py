"""The recording loop in a thread of this process, with real links and a real store."""

from __future__ import annotations

import os
import selectors
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from device.admission.budget import SINGLY_A_MINUTE
from device.clock import NS, monotonic_ns
from device.domain import Passage, PassageOutcome
from device.errors import HardwareError, QrgateError
from device.events.topics import Topics
from device.gate.act import Broken, Standing
from device.gate.outbox import Outbox
from device.gate.record import ACT_SILENT_NS, ACT_SILENT_TURNS, TURN_S, Facts, Record
from device.links import BrokerState, Events, Give, Hello, Link, Listener, Message, ReaderState, Received, Refused, View, connect, own_uid
from device.settings import Relay as RelaySettings
from device.turnstile.machine import ReportForced
from device.turnstile.signals import Signal
from tests.device.gate import test_deciding
from tests.gates import wait_message

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
        outbox = Outbox(self.deciding.store, Topics("p1", "s1", "g1"), RECORDER.public_key(), boot="boot-1", alarm=self.deciding.deciding.fact)
        self.record = Record(
            reader=Listener(folder / "reader.sock", {own_uid()}),
            uplink=Listener(folder / "uplink.sock", {own_uid()}),
            facts=self.facts,
            act=self.deciding.act,
            presentations=self.deciding.presentations,
            deciding=self.deciding.deciding,
            outbox=outbox,
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


def state(name: str) -> ReaderState:
    return ReaderState(name, frames=4, dropped=3, looks=2, failures=1)


def alarm(name: str) -> tuple[str, dict[str, object]]:
    return "qrgate.alarm", {"what": "camera", "state": name, "frames": 4, "dropped": 3, "looks": 2, "failures": 1}


# --- facts -----------------------------------------------------------------------------------------------------


def test_a_fact_wakes_whoever_waits_and_comes_out_once_in_order() -> None:
    facts = Facts()
    with selectors.DefaultSelector() as selector:
        selector.register(facts, selectors.EVENT_READ)
        assert (facts.drain(), selector.select(0)) == ([], [])
        told = [ReportForced(1), ReportForced(2)]
        for each in told:
            facts.tell(each)
        assert len(selector.select(1)) == 1
        assert (facts.drain(), facts.drain(), selector.select(0)) == (told, [], [])
    os.close(facts.fileno())


def test_an_acting_thread_that_hangs_is_found_before_a_relay_may_have_been_on_for_too_long() -> None:
    assert RelaySettings().max_on_s > ACT_SILENT_NS / NS + ACT_SILENT_TURNS * TURN_S


def test_a_turn_without_a_grant_is_an_alarm(bench: Bench) -> None:
    bench.facts.tell(ReportForced(1))
    bench.await_commit()
    assert bench.deciding.facts() == [("qrgate.alarm", {"what": "turned_without_grant"})]


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


@pytest.mark.parametrize("message", [Give(0, 1), Hello("b", "e", 0), BrokerState(True), Refused(1, 135)])
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
        uplink.send(Give(sequence - 1, 20))
        reader.send(state(name))
        answer = wait_message(uplink)
        assert isinstance(answer, Events)
        served.append([event.sequence for event in answer.events])
    assert served == [[1], [2]]


def test_an_uplink_whose_link_was_full_is_served_when_there_is_room_without_a_commit(bench: Bench, uplink: Link) -> None:
    bench.facts.tell(ReportForced(1))
    bench.await_commit()
    assert bench.record._uplink._link is not None
    sent = 0
    while bench.record._uplink._link.send(Received("t", bytes(30_000))):
        sent += 1
    uplink.send(Give(0, 20))
    bench.facts.tell(ReportForced(2))  # when this is committed, the wish was heard and could not be answered
    bench.await_commit()
    for _ in range(sent):
        assert isinstance(wait_message(uplink), Received)
    answer = wait_message(uplink)
    assert isinstance(answer, Events)
    assert [event.sequence for event in answer.events] == [1, 2]


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
