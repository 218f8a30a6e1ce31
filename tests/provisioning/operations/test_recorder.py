"""The recorder as a process of its own, with a real broker between it and the gate."""

from __future__ import annotations

import json
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from device import config
from device.errors import VerificationError
from device.events import confirmation
from device.events.confirmation import Confirmation, range_digest
from device.events.cose import verify1
from provisioning.authority import office, tls_identities
from provisioning.authority.certificates import LEAF_DAYS
from provisioning.authority.init import Layout
from provisioning.operations.recorder import READY
from provisioning.operations.survey import accept
from tests.provisioning.live import EPOCH, MOSQUITTO, PROVINCE, SITE, WITHIN_S, Broker, Lines, Peer, decisions, event, free_port, provision

ACK = f"qg/v1/{PROVINCE}/{SITE}/g-a/ack"


NOTE = f"qg/v1/{PROVINCE}/{SITE}/g-a/recorder"


def change(layout: Layout, old: str, new: str) -> None:
    """One line of recorder.toml."""
    file = layout.recorder / "recorder.toml"
    text = file.read_text(encoding="utf-8")
    assert text.count(f"\n{old}\n") == 1
    file.write_text(text.replace(f"\n{old}\n", f"\n{new}\n"), encoding="utf-8")


class Recorder:
    """``qrgate-provision recorder``, started."""

    def __init__(self, layout: Layout) -> None:
        self.file = layout.recorder / "events.sqlite"
        self._command = [sys.executable, "-m", "provisioning", "recorder", "--settings", str(layout.recorder / "recorder.toml")]

    def start(self, *, ready: bool = True) -> Self:
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.output, self.log = Lines(self._process.stdout), Lines(self._process.stderr)
        if ready:
            self.output.wait(READY)
        return self

    def end(self, how: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """Exit code and log."""
        self._process.send_signal(how)
        return self.wait()

    def wait(self) -> tuple[int, str]:
        code = self._process.wait(WITHIN_S)
        self.output.close()
        return code, "\n".join(self.log.close())

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def sequences(self) -> list[int]:
        with closing(sqlite3.connect(self.file)) as database:
            return [row[0] for row in database.execute("SELECT sequence FROM events ORDER BY sequence")]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A broker for one test, because each leaves a session behind."""
    if MOSQUITTO is None:
        pytest.skip("mosquitto is not installed")
    port = free_port()
    live = Broker(provision(tmp_path, "g-a", port=port), port)
    yield live
    live.stop()


@pytest.fixture
def recorder(broker: Broker) -> Iterator[Recorder]:
    process = Recorder(broker.layout).start()
    yield process
    if process.running:
        process.end()


@pytest.fixture
def gate(broker: Broker) -> Iterator[Peer]:
    peer = broker.gate("g-a")
    peer.subscribe(ACK)
    yield peer
    peer.close()


def proven(layout: Layout, envelope: bytes) -> Confirmation:
    """What the gate believes of ``envelope``, with the key in its own settings."""
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(config.load(layout.gate).recorder.public_key))
    return confirmation.decode(verify1(envelope, key, context=confirmation.CONTEXT))


def expected(first: int, last: int) -> Confirmation:
    return Confirmation("g-a", EPOCH, first, last, range_digest(event("g-a", number) for number in range(first, last + 1)))


def test_an_event_is_stored_and_confirmed_and_the_gate_believes_it(broker: Broker, recorder: Recorder, gate: Peer) -> None:
    gate.publish(decisions("g-a"), event("g-a", 1))
    ((topic, envelope),) = gate.wait(1)
    assert (topic, proven(broker.layout, envelope)) == (ACK, expected(1, 1))
    assert recorder.sequences() == [1]


@pytest.mark.usefixtures("recorder")
def test_a_confirmation_that_was_tampered_with_proves_nothing(broker: Broker, gate: Peer) -> None:
    gate.publish(decisions("g-a"), event("g-a", 1))
    ((_, envelope),) = gate.wait(1)
    for place in range(len(envelope)):
        tampered = envelope[:place] + bytes([envelope[place] ^ 1]) + envelope[place + 1 :]
        with pytest.raises(VerificationError):
            proven(broker.layout, tampered)


def test_an_event_that_comes_again_is_stored_once_and_confirmed_again(broker: Broker, recorder: Recorder, gate: Peer) -> None:
    for count in (1, 2):
        gate.publish(decisions("g-a"), event("g-a", 1))
        gate.wait(count)
    assert [proven(broker.layout, envelope) for _, envelope in gate.messages] == [expected(1, 1)] * 2
    assert recorder.sequences() == [1]
    assert "1 stored, 1 duplicates, 0 conflicts, 2 confirmations" in recorder.end()[1]


def test_other_bytes_under_a_stored_id_are_kept_confirmed_as_themselves_and_noted_for_all_to_see(
    broker: Broker, recorder: Recorder, gate: Peer
) -> None:
    gate.publish(decisions("g-a"), event("g-a", 1))
    gate.wait(1)
    copied = event("g-a", 1, reason="expired")
    gate.publish(decisions("g-a"), copied)
    gate.wait(2)
    confirmed = [proven(broker.layout, envelope).digest for _, envelope in gate.messages]
    assert confirmed == [range_digest([event("g-a", 1)]), range_digest([copied])]
    watcher = broker.watcher()
    watcher.subscribe(NOTE)
    ((_, note),) = watcher.wait(1)
    watcher.close()
    assert [alarm["what"] for alarm in json.loads(note)["alarms"]] == ["other_bytes"]
    code, log = recorder.end()
    assert (code, recorder.sequences()) == (0, [1])
    assert "1 conflicts, 2 confirmations" in log
    assert "alarm other_bytes at gate g-a: is there a second device with this card?" in log


def test_what_an_operator_accepts_is_cleared_while_the_recorder_runs(broker: Broker, recorder: Recorder, gate: Peer) -> None:
    for body in (event("g-a", 1), event("g-a", 1, reason="expired")):
        gate.publish(decisions("g-a"), body)
    watcher = broker.watcher()
    watcher.subscribe(NOTE)
    watcher.wait(1)
    accept(recorder.file, "g-a")
    _, (_, note) = watcher.wait(2)
    watcher.close()
    assert json.loads(note) == {"gate": "g-a", "alarms": []}


def test_over_the_older_protocol_events_are_stored_and_confirmed_too(broker: Broker, gate: Peer) -> None:
    change(broker.layout, '#protocol = "5"', 'protocol = "3.1.1"')
    recorder = Recorder(broker.layout).start()
    for number in (1, 2, 3):
        gate.publish(decisions("g-a"), event("g-a", number))
    gate.until(lambda: sum(1 + each.last - each.first for each in (proven(broker.layout, envelope) for _, envelope in gate.messages)) == 3)
    recorder.end()
    for number in (4, 5):
        gate.publish(decisions("g-a"), event("g-a", number))  # the session lasts in 3.1.1 as well
    count = len(gate.messages)
    recorder.start()
    gate.wait(count + 1)
    recorder.end()
    assert recorder.sequences() == [1, 2, 3, 4, 5]


def test_nothing_is_confirmed_before_the_replica_has_it(broker: Broker, gate: Peer, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    change(broker.layout, "#file =", f'file = "{disk}/copy.sqlite"')
    change(broker.layout, "#same_disk = false", "same_disk = true")
    recorder = Recorder(broker.layout).start()
    gate.publish(decisions("g-a"), event("g-a", 1))
    recorder.log.wait("nothing is confirmed until this ends: the folder of the replica is not there")
    assert (recorder.sequences(), gate.messages) == ([1], [])
    disk.mkdir()
    gate.wait(1)
    _, log = recorder.end()
    assert "goes on: what had to wait is on disk" in log
    with closing(sqlite3.connect(disk / "copy.sqlite")) as database:
        assert database.execute("SELECT body FROM events").fetchall() == [(event("g-a", 1),)]


def test_without_a_second_disk_it_does_not_start(tmp_path: Path) -> None:
    layout = provision(tmp_path)
    change(layout, "#file =", 'file = "copy.sqlite"')
    code, log = Recorder(layout).start(ready=False).wait()
    assert (code, (layout.recorder / "copy.sqlite").exists()) == (7, False)
    assert "copy.sqlite would lie on the disk of the archive\n  → is its own disk mounted?" in log


def test_an_archive_that_others_hold_for_long_is_waited_for_and_nothing_is_lost(recorder: Recorder, gate: Peer) -> None:
    with closing(sqlite3.connect(recorder.file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for number in (1, 2):
            gate.publish(decisions("g-a"), event("g-a", number))
        recorder.log.wait("nothing is confirmed until this ends")
        assert (recorder.running, gate.messages) == (True, [])
        other.execute("ROLLBACK")
    gate.until(lambda: bool(gate.messages) and recorder.sequences() == [1, 2])
    code, log = recorder.end()
    assert (code, "goes on: what had to wait is on disk" in log, "2 stored, 0 duplicates" in log) == (0, True, True)


@pytest.mark.parametrize("how", ["deleted", "replaced"])
def test_an_archive_that_is_taken_away_from_it_ends_it_and_nothing_more_is_confirmed(recorder: Recorder, gate: Peer, how: str) -> None:
    gate.publish(decisions("g-a"), event("g-a", 1))
    gate.wait(1)
    copy = recorder.file.with_name("copy")
    copy.write_bytes(recorder.file.read_bytes())
    copy.replace(recorder.file) if how == "replaced" else recorder.file.unlink()
    gate.publish(decisions("g-a"), event("g-a", 2))
    code, log = recorder.wait()
    assert (code, len(gate.messages), log.count("was deleted, replaced or unmounted while it was in use")) == (7, 1, 1)


def test_what_is_no_event_of_this_gate_is_ignored_and_does_not_stop_the_next(recorder: Recorder, gate: Peer) -> None:
    wrong = [(decisions("g-a"), b"\xff{"), (decisions("g-a"), event("g-b", 1)), (decisions("g-a").replace(PROVINCE, "p-998"), event("g-a", 1))]
    for topic, body in wrong:
        gate.publish(topic, body)
    gate.publish(decisions("g-a"), event("g-a", 1))
    gate.wait(1)
    _, log = recorder.end()
    assert "1 stored, 0 duplicates, 0 conflicts, 1 confirmations, 1 ignored (not JSON), 1 ignored (source and topic name different gates)" in log
    assert recorder.sequences() == [1]


def test_a_hundred_events_are_confirmed_in_few_runs_without_a_gap(broker: Broker, recorder: Recorder, gate: Peer) -> None:
    for number in range(1, 101):
        gate.publish(decisions("g-a"), event("g-a", number))
    confirmed: list[int] = []

    def all_confirmed() -> bool:
        runs = [proven(broker.layout, envelope) for _, envelope in gate.messages]
        confirmed[:] = [number for run in runs for number in range(run.first, run.last + 1)]
        return len(confirmed) >= 100

    gate.until(all_confirmed)
    assert confirmed == list(range(1, 101))
    assert recorder.sequences() == list(range(1, 101))


def test_killed_between_arrival_and_commit_it_gets_the_event_again(broker: Broker, recorder: Recorder, gate: Peer) -> None:
    with closing(sqlite3.connect(recorder.file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")  # holds up the recorder's commit
        gate.publish(decisions("g-a"), event("g-a", 1))
        broker.log.wait(f"Sending PUBLISH to recorder.{PROVINCE}")
        recorder.end(signal.SIGKILL)
        other.execute("ROLLBACK")
    assert (recorder.sequences(), gate.messages) == ([], [])
    recorder.start()
    gate.wait(1)
    assert recorder.sequences() == [1]
    assert [proven(broker.layout, envelope) for _, envelope in gate.messages] == [expected(1, 1)]
    assert [line for line in broker.log.seen if f"Received PUBACK from recorder.{PROVINCE}" in line] == []


def test_events_that_came_while_it_was_away_are_waiting_for_it(recorder: Recorder, gate: Peer) -> None:
    recorder.end()
    for number in (1, 2, 3):
        gate.publish(decisions("g-a"), event("g-a", number))
    recorder.start()
    gate.wait(1)
    assert recorder.sequences() == [1, 2, 3]


def test_a_broker_that_was_killed_is_found_again(broker: Broker, recorder: Recorder) -> None:
    broker.restart(kill=True)
    broker.log.wait(f"Sending SUBACK to recorder.{PROVINCE}")
    gate = broker.gate("g-a")
    gate.subscribe(ACK)
    gate.publish(decisions("g-a"), event("g-a", 1))
    gate.wait(1)
    gate.close()
    assert recorder.sequences() == [1]
    _, log = recorder.end()
    assert "again in" in log


def test_a_broker_that_is_not_there_is_waited_for_and_the_end_is_orderly(broker: Broker) -> None:
    broker.stop(kill=True)  # asked right after its start, mosquitto may miss the question
    recorder = Recorder(broker.layout).start(ready=False)
    recorder.log.wait("no connection to 127.0.0.1")
    code, log = recorder.end(signal.SIGINT)
    assert (code, "Traceback" in log) == (0, False)


def test_a_line_of_the_log_has_its_time_as_the_gate_s(recorder: Recorder) -> None:
    _, log = recorder.end()
    assert [line for line in log.splitlines() if not re.fullmatch(r"\d\d:\d\d:\d\d qrgate\.recorder: .+", line)] == []
    assert "subscribed to the events of all gates" in log


def test_a_renewed_certificate_is_taken_while_it_runs_and_nothing_is_lost(broker: Broker, recorder: Recorder, gate: Peer) -> None:
    gate.publish(decisions("g-a"), event("g-a", 1))
    gate.wait(1)
    out, now = broker.layout.recorder.parent, datetime.now(UTC) - timedelta(days=10)
    tls_identities.renew(office.open_office(broker.layout.authority), out, ("recorder",), now=now)
    gate.publish(decisions("g-a"), event("g-a", 2))
    line = recorder.log.wait("the broker has taken the recorder's new certificate")
    assert line.endswith(f"which ends on {(now + timedelta(days=LEAF_DAYS)).date()}")
    gate.publish(decisions("g-a"), event("g-a", 3))
    while len(recorder.sequences()) < 3:
        gate.wait(len(gate.messages) + 1)
    assert (recorder.end()[0], recorder.sequences()) == (0, [1, 2, 3])


def test_a_certificate_that_the_broker_refuses_is_told_and_the_old_one_goes_on(
    broker: Broker, recorder: Recorder, gate: Peer, tmp_path: Path
) -> None:
    stranger = provision(tmp_path / "stranger", "g-a")
    for name in ("recorder.key", "recorder.crt"):
        (broker.layout.recorder / "tls" / name).write_bytes((stranger.recorder / "tls" / name).read_bytes())
    recorder.log.wait("the broker refuses the recorder's new certificate; goes on with the old one")
    gate.publish(decisions("g-a"), event("g-a", 1))
    gate.wait(1)
    assert recorder.sequences() == [1]


def test_an_archive_that_cannot_record_stops_it_with_one_clear_line(tmp_path: Path) -> None:
    layout = provision(tmp_path)
    (layout.recorder / "events.sqlite").write_bytes(b"no database at all" * 100)
    code, log = Recorder(layout).start(ready=False).wait()
    assert code == 7
    assert log == (
        f"qrgate-provision: the archive {layout.recorder}/events.sqlite: file is not a database\n"
        "  → is the disk full, the folder not ours, or the file in other hands?"
    )


@pytest.mark.parametrize("name", ["confirmation.key", "tls/recorder.key", "tls/ca.crt"])
def test_a_missing_key_stops_it_with_one_clear_line(tmp_path: Path, name: str) -> None:
    layout = provision(tmp_path)
    (layout.recorder / name).unlink()
    code, log = Recorder(layout).start(ready=False).wait()
    assert (code, log.startswith("qrgate-provision: "), log.count("\n")) == (4, True, 1)
