"""The gate process itself, on mock pins or a relay board at a pty, with a reader and an uplink that say what they like."""

from __future__ import annotations

import json
import os
import secrets
import selectors
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
import serial
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from device import failsafe
from device.clock import NS, monotonic_ns
from device.domain import ClockTrust, EventType, Instant, TrackState
from device.errors import LinkError, StoreError
from device.events import void
from device.events.cloudevents import body_hash
from device.gate.record import Record
from device.gate.room import RESERVE_BYTES
from device.gate.service import RECORD_SILENT_NS, _Pulse
from device.gate.store import Store
from device.links import Give, Lane, Link, ReaderState, Refused, View
from device.notify import ALIVE, READY, STOPPING, Ear
from device.turnstile.lane import Sensor
from tests.device.boards import OFF, ON, Board
from tests.device.gate.desk import Desk
from tests.device.strangers import NOBODY, needs_root
from tests.device.test_links import NONSENSE
from tests.gates import Gate, Issuer, show, wait_health, wait_message
from tests.played_pins import PlayedPins

RECORDED = Instant(datetime(2026, 1, 2, tzinfo=UTC), ClockTrust.TRUSTED)
STRANGER = Ed25519PrivateKey.from_private_bytes(b"s" * 32)

# All of it made up; ids that begin with 999 belong to nobody.
NUMBER, OLD_NUMBER, NAME, ADDRESS = "999000000001", "999000001", "Nguyễn Thử Nghiệm", "Số 1 đường Mẫu"
QID, PAPER = "QID999000000077", "999000000077"
CCCD_7 = f"{NUMBER}|{OLD_NUMBER}|{NAME}|01011990|Nam|{ADDRESS}|01012022".encode()
CCCD_11 = f"{CCCD_7.decode()}|||Trần Thử Mẹ|Nguyễn Thử Cha".encode()
MIC = f"{PAPER}|{NAME}|1990-01-01|1|{QID}|".encode()
CANARIES = [text.encode() for text in (NUMBER, OLD_NUMBER, NAME, "Thử", ADDRESS, "01011990", "1990-01-01", QID, PAPER)]

Start = Callable[..., Gate]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a gate whose settings differ in these lines; at the end none runs, and none has shown a traceback."""
    gates: list[Gate] = []

    def begin(**lines: str) -> Gate:
        gate = Gate(tmp_path / "gate", {name.replace("__", "."): value for name, value in lines.items()})
        gates.append(gate)
        return gate.start()

    yield begin
    for gate in gates:
        if gate.process is not None and gate.process.returncode is None:
            assert "Traceback" not in gate.stop()


@pytest.fixture
def board() -> Iterator[Board]:
    with Board() as board:
        yield board


def lcus(board: Board) -> dict[str, str]:
    return {"relay__kind": '"lcus"', "relay__port": f'"{board.path}"'}


def kill(gate: Gate) -> None:
    assert gate.process is not None
    gate.process.kill()
    gate.process.communicate()


def last_words(gate: Gate) -> tuple[int, list[str]]:
    """Exit code and stderr of a gate that ends by itself."""
    assert gate.process is not None
    _, words = gate.process.communicate(timeout=10)
    return gate.process.returncode, words.splitlines()


def cut_off(reader: Link) -> None:
    """Talk nonsense and wait for the end: the gate has heard all that was said before."""
    reader._socket.send(b"\xff nonsense")
    with selectors.DefaultSelector() as selector:
        selector.register(reader, selectors.EVENT_READ)
        assert selector.select(5)
    with pytest.raises(LinkError):
        reader.receive()


@contextmanager
def at_the_gate(gate: Gate) -> Iterator[tuple[Link, Desk]]:
    """A reader and an uplink."""
    with closing(Desk(gate)) as desk, closing(gate.connect("reader")) as reader:
        yield reader, desk


def await_health(desk: Desk, state: str) -> list[dict[str, str]]:
    """The troubles as soon as the gate's health is ``state``."""
    while (health := wait_health(desk.link))["health"] != state:
        pass
    troubles: list[dict[str, str]] = health["troubles"]
    return troubles


# --- one decision a presentation -------------------------------------------------------------------------------


def test_a_code_is_decided_once_however_often_its_view_is_repeated(start: Start) -> None:
    gate = start()
    with at_the_gate(gate) as (reader, desk):
        one, two = gate.track(gate.issuer.issue(1)), gate.track(gate.issuer.issue(2))
        for _ in range(20):
            show(reader, one)
        show(reader)
        show(reader, two)
        assert desk.decisions(2) == [(one.id, True, "ok"), (two.id, True, "ok")]
        assert desk.passages(2) == [(one.id, "assumed"), (two.id, "assumed")]
        assert [(event.sequence, event.type) for event in desk.stored if event.type is EventType.AUDIT] == [(1, EventType.AUDIT)]


def forged(payload: bytes) -> bytes:
    """The last letter but one changed: the letters at the very end hold bits that do not count."""
    return payload[:-2] + (b"A" if payload[-2:-1] != b"A" else b"B") + payload[-1:]


def test_every_payload_is_decided_with_its_reason(start: Start) -> None:
    gate = start()
    issue, stranger = gate.issuer.issue, Issuer(seed=2)
    shown = [
        (issue(1), True, "ok"),
        (forged(issue(1)), False, "forged"),
        (stranger.issue(1), False, "unknown_issuer"),
        (issue(2, valid_until_s=1_700_000_000), False, "expired"),
        (issue(3, valid_from_s=9_000_000_000), False, "not_yet"),
        (issue(4, zones=("north",)), False, "wrong_zone"),
        (CCCD_7, False, "not_proven"),
        (CCCD_11, False, "not_proven"),
        (MIC, False, "not_proven"),
        (b"", False, "not_a_pass"),
        (b"\x00", False, "not_a_pass"),
        (b"junk", False, "not_a_pass"),
        (b"https://example.org/", False, "link"),
        (b"KD1.", False, "malformed"),
        (b"KD1." + b"A" * 4292, False, "malformed"),
        (b"9" * 4296, False, "not_a_pass"),
        (bytes(range(256)) * 16, False, "not_a_pass"),
    ]
    with at_the_gate(gate) as (reader, desk):
        decided: list[tuple[bool, str]] = []
        for payload, _, _ in shown:
            track = gate.track(payload)
            show(reader, track)
            *_, (presentation, admit, reason) = desk.decisions(len(decided) + 1)
            assert presentation == track.id
            decided.append((admit, reason))
            show(reader)
        assert decided == [(admit, reason) for _, admit, reason in shown]


def test_a_pass_beside_junk_is_one_admission(start: Start) -> None:
    gate = start()
    with at_the_gate(gate) as (reader, desk):
        show(reader, gate.track(b"poster"), good := gate.track(gate.issuer.issue(1)))
        show(reader)
        show(reader, late := gate.track(b"poster"))
        assert desk.decisions(2) == [(good.id, True, "ok"), (late.id, False, "not_a_pass")]


def test_in_mode_record_a_claim_passes_and_is_recorded_as_one(start: Start) -> None:
    gate = start(policy__mode='"record"')
    with at_the_gate(gate) as (reader, desk):
        for number, payload in enumerate((CCCD_7, CCCD_11, MIC), start=1):
            show(reader, gate.track(payload))
            desk.passages(number)
            show(reader)
        show(reader, gate.track(forged(gate.issuer.issue(1))))
        said = [(data["admit"], data["reason"], data["credential"], data["proof"]) for data in desk.data(EventType.DECISION, 4)]
        assert said == [
            (True, "recorded", "cccd", "claimed"),
            (True, "recorded", "cccd", "claimed"),
            (True, "recorded", "mic", "claimed"),
            (False, "forged", "kd1", "forged"),
        ]


@pytest.mark.parametrize("mode", ["verify", "record"])
def test_nothing_about_a_person_is_kept_or_said(start: Start, mode: str) -> None:
    gate = start(policy__mode=f'"{mode}"')
    with at_the_gate(gate) as (reader, desk):
        for number, payload in enumerate((CCCD_7, CCCD_11, MIC, CCCD_7[:-3], b"x" + MIC), start=1):
            show(reader, gate.track(payload))
            desk.decisions(number)
            show(reader)
        files = {path.name: path.read_bytes() for path in gate.state.rglob("*") if path.is_file()}
        reader.send(ReaderState("ok", 1, 2, 3, 4))
    words = gate.stop()
    files |= {f"{path.name} at the end": path.read_bytes() for path in gate.state.rglob("*") if path.is_file()}
    files |= {"stderr": words.encode()} | {f"event {event.sequence}": event.body for event in desk.stored}
    assert len(desk.stored) >= 6
    assert {name for name in files if name.startswith("events.db")} >= {"events.db", "events.db-wal"}
    assert [(name, canary) for name, content in files.items() for canary in CANARIES if canary in content] == []


# --- peers -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["reader", "uplink"])
def test_nonsense_from_a_peer_ends_its_link_and_the_next_is_served(start: Start, name: str) -> None:
    gate = start()
    for packet in [each for each in NONSENSE.values() if each]:
        gate.connect(name).close()
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as peer:
            peer.settimeout(5)
            peer.connect(str(gate.runtime / f"{name}.sock"))
            peer.send(packet)
            while peer.recv(65536):  # a greeting, perhaps; then the end
                pass
    with at_the_gate(gate) as (reader, desk):
        show(reader, track := gate.track(gate.issuer.issue(1)))
        assert desk.decisions(1) == [(track.id, True, "ok")]


def test_numbers_and_names_at_their_limits_are_recorded(start: Start) -> None:
    gate = start()
    with at_the_gate(gate) as (reader, desk):
        most = 2**63 - 1
        track = replace(
            gate.track(gate.issuer.issue(1), id_="0badcafe-" + "9" * 18),
            frame=most,
            frame_ns=-most,
            decoded_ns=most,
            last_seen_ns=most,
            stage="y" * 32,
        )
        show(reader, track)
        assert desk.decisions(1) == [(track.id, True, "ok")]
        for after, limit in ((most, most), (-most, -most), (0, 0)):
            desk.link.send(Give(Lane.LIVE, after, limit))
        show(reader)
        show(reader, gate.track(gate.issuer.issue(2)))
        assert len(desk.decisions(2)) == 2


def test_the_newest_reader_is_the_one_that_is_heard(start: Start) -> None:
    gate = start()
    with at_the_gate(gate) as (first, desk), closing(gate.connect("reader")) as second:
        show(second, track := gate.track(gate.issuer.issue(1)))
        assert desk.decisions(1) == [(track.id, True, "ok")]
        with pytest.raises(LinkError):
            first.receive()


def test_the_newest_uplink_is_the_one_that_is_served(start: Start) -> None:
    gate = start()
    with at_the_gate(gate) as (reader, first), closing(Desk(gate)) as second:
        show(reader, track := gate.track(gate.issuer.issue(1)))
        assert second.decisions(1) == [(track.id, True, "ok")]
        with pytest.raises(LinkError):
            wait_message(first.link)


# --- restarts --------------------------------------------------------------------------------------------------


def test_a_code_that_is_held_up_while_the_gate_restarts_is_not_decided_again(start: Start) -> None:
    gate = start()
    held, junk = gate.track(gate.issuer.issue(1)), gate.track(b"poster")
    with at_the_gate(gate) as (reader, desk):
        show(reader, held)
        desk.passages(1)
        show(reader)
        show(reader, junk)
        assert desk.decisions(2) == [(held.id, True, "ok"), (junk.id, False, "not_a_pass")]
    kill(gate)
    gate.start()
    with at_the_gate(gate) as (reader, desk):
        for _ in range(3):
            show(reader, replace(held, state=TrackState.STILL), replace(junk, state=TrackState.STILL))
        show(reader)
        show(reader, new := gate.track(gate.issuer.issue(2)))
        assert desk.decisions(3) == [(held.id, True, "ok"), (junk.id, False, "not_a_pass"), (new.id, True, "ok")]


def test_a_code_that_is_held_up_while_the_reader_restarts_is_not_decided_again(start: Start) -> None:
    gate = start()
    payload = gate.issuer.issue(1)
    with closing(Desk(gate)) as desk:
        with closing(gate.connect("reader")) as reader:
            show(reader, before := gate.track(payload))
            desk.passages(1)
        with closing(gate.connect("reader")) as reader:
            for _ in range(3):
                show(reader, gate.track(payload, id_="deadbeef-1"))
            show(reader)
            show(reader, again := gate.track(payload, id_="deadbeef-2"))  # it had left: this is a new presentation
            assert desk.decisions(2) == [(before.id, True, "ok"), (again.id, True, "ok")]


def test_a_gate_that_was_killed_with_a_grant_open_opens_nothing_and_says_that_nobody_knows(start: Start, board: Board) -> None:
    gate = start(**lcus(board), relay__pulse_s="10", relay__max_on_s="10")
    with at_the_gate(gate) as (reader, desk):
        show(reader, track := gate.track(gate.issuer.issue(1)))
        desk.decisions(1)
        switched: list[tuple[int, int]] = []
        while ON not in switched:
            switched += board.switched(within_s=5)
        assert {*switched[: switched.index(ON)]} == {OFF}
    kill(gate)
    assert board.switched() == []  # the board holds its level: this is what failsafe is for
    gate.start()
    with at_the_gate(gate) as (reader, desk):
        assert desk.passages(1) == [(track.id, "unknown")]
        show(reader, replace(track, state=TrackState.STILL))
        show(reader)
        show(reader, gate.track(b"junk"))
        assert len(desk.decisions(2)) == 2
    gate.stop()
    assert set(board.switched()) == {OFF}


def test_a_grant_that_comes_too_late_opens_nothing(start: Start, board: Board) -> None:
    gate = start(**lcus(board))
    with at_the_gate(gate) as (reader, desk):
        track = replace(gate.track(gate.issuer.issue(1)), decoded_ns=monotonic_ns() - 20 * NS, last_seen_ns=monotonic_ns() - 10 * NS)
        show(reader, track)
        assert desk.decisions(1) == [(track.id, True, "ok")]
        assert desk.passages(1) == [(track.id, "too_late")]
    gate.stop()
    assert set(board.switched()) == {OFF}


def test_the_board_is_on_for_one_pulse_and_off_at_the_end(start: Start, board: Board) -> None:
    gate = start(**lcus(board))
    with at_the_gate(gate) as (reader, desk):
        show(reader, gate.track(gate.issuer.issue(1)))
        desk.passages(1)
    gate.stop()
    switched = board.switched()
    assert switched[:4] == [OFF, OFF, ON, OFF]
    assert set(switched[4:]) == {OFF}


# --- the lane --------------------------------------------------------------------------------------------------


FIRE, KEY_RESET, FREE = 5, 6, 27
WITH_FIRE = {"free_relay.pin": str(FREE), "inputs.fire_pin": str(FIRE), "inputs.key_reset_pin": str(KEY_RESET)}


def told_of_fire(desk: Desk, count: int) -> list[tuple[str, bool, str | None]]:
    return [(alarm["what"], alarm["on"], alarm.get("about")) for alarm in desk.data(EventType.ALARM, count) if alarm["what"] in {"fire", "free"}]


def test_a_fire_is_told_latched_on_the_disk_and_ends_by_the_key(tmp_path: Path) -> None:
    gate = Gate(tmp_path / "gate", WITH_FIRE)
    latch = gate.state / failsafe.LATCHED
    with PlayedPins(gate).start() as played, at_the_gate(gate) as (reader, desk):
        played.move(Sensor.FIRE, closed=False)
        played.await_level(FREE, high=True)
        assert await_health(desk, "free")[0] == {"trouble": "free", "about": "fire"}
        assert latch.exists()
        show(reader, track := gate.track(gate.issuer.issue(1)))
        assert desk.passages(1) == [(track.id, "free")]
        played.move(Sensor.FIRE, closed=True)
        assert told_of_fire(desk, 4) == [("fire", True, None), ("free", True, "fire"), ("fire", False, None), ("free", True, "latched")]
        assert latch.exists()
        played.move(Sensor.KEY_RESET, closed=True)
        played.await_level(FREE, high=False)
        assert told_of_fire(desk, 5)[4:] == [("free", False, None)]
        assert not latch.exists()
    assert [edge.high for edge in played.edges(FREE)] == [True, False]
    assert played.edges(17) == []


def test_a_fire_is_known_after_a_kill_and_a_loss_of_power(tmp_path: Path) -> None:
    gate = Gate(tmp_path / "gate", WITH_FIRE)
    played = PlayedPins(gate).start()
    with at_the_gate(gate) as (_, desk):
        played.move(Sensor.FIRE, closed=False)
        assert told_of_fire(desk, 2) == [("fire", True, None), ("free", True, "fire")]
    kill(gate)
    played.stop()
    shutil.rmtree(gate.runtime)  # memory is gone, and the contact is closed again
    with played.start(), at_the_gate(gate) as (_, desk):
        played.await_level(FREE, high=True)
        assert ("free", True, "latched") in told_of_fire(desk, 3)
    assert [edge.high for edge in played.edges(FREE)] == [True]  # stopping leaves it so


def test_the_service_manager_hears_that_the_gate_is_ready_and_that_it_lives(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(Ear()) as ear, selectors.DefaultSelector() as selector:
        selector.register(ear, selectors.EVENT_READ)
        monkeypatch.setenv("NOTIFY_SOCKET", ear.address)
        gate = start()
        heard: list[str] = []
        while len(heard) < 4:
            assert selector.select(10)
            heard += [state for _, state in ear.heard()]
        gate.stop()
        heard += [state for _, state in ear.heard()]
    assert (heard[0], heard[-1], set(heard[1:-1])) == (READY, STOPPING, {ALIVE})


def test_the_service_manager_hears_nothing_of_a_gate_whose_recording_thread_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(Ear()) as ear:
        monkeypatch.setenv("NOTIFY_SOCKET", ear.address)
        pulse, record = _Pulse(), SimpleNamespace(beat_ns=monotonic_ns())
        pulse.beat()
        assert list(ear.heard()) == []  # it is not ready yet
        pulse.begin(cast("Record", record))
        pulse.beat()
        pulse.beat()
        assert [state for _, state in ear.heard()] == [ALIVE]  # once, until it is due again
        pulse._told_ns, record.beat_ns = 0, monotonic_ns() - RECORD_SILENT_NS
        pulse.beat()
        assert list(ear.heard()) == []


# --- what is recorded ------------------------------------------------------------------------------------------


def test_only_a_true_confirmation_lets_events_go(start: Start) -> None:
    gate = start()
    with at_the_gate(gate) as (reader, desk):
        show(reader, gate.track(gate.issuer.issue(1)))
        desk.passages(1)
        events = desk.ask(0)
        desk.confirm(events, STRANGER)
        assert desk.ask(0) == events
        desk.confirm(events[:2], gate.recorder)
        assert desk.ask(0) == events[2:]
        desk.confirm(events[:2], gate.recorder)  # seen before
        desk.confirm(events[2:], gate.recorder)
        show(reader)
        show(reader, gate.track(gate.issuer.issue(2)))
        assert desk.ask(0)[0].sequence == events[-1].sequence + 1


def test_an_event_that_the_broker_refuses_is_one_alarm_and_a_void_stands_in_its_place(start: Start) -> None:
    gate = start()
    with closing(Desk(gate)) as desk:
        (started,) = desk.ask(0)
        for _ in range(3):
            desk.link.send(Refused(1, 135))
        said = [(data["what"], data["sequence"], data["code"]) for data in desk.data(EventType.ALARM, 1)]
        assert said == [("refused_by_broker", 1, 135)]
        assert [event.type for event in desk.stored] == [EventType.VOID, EventType.ALARM]
        stands_for = {"epoch": desk.hello.epoch, "first": 1, "last": 1, "why": "refused_135", "hash": body_hash(started.body).hex(), "type": "audit"}
        told = json.loads(desk.stored[0].body)["data"]
        assert void.verify(bytes.fromhex(told.pop("signature")), Ed25519PublicKey.from_public_bytes(desk.hello.key)).first == 1
        assert told == stands_for


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A state folder on a disk of its own, a mebibyte larger than what the store leaves free."""
    state = tmp_path / "gate" / "state"
    state.mkdir(parents=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={RESERVE_BYTES + 2**20}", "qrgate-test", str(state)]
    if os.getuid() != 0 or subprocess.run(command, check=False).returncode != 0:
        pytest.skip("only root can mount a small disk, and not everywhere")
    yield state
    subprocess.run(["umount", "--lazy", str(state)], check=True)


def test_a_full_disk_lets_nobody_in_and_the_next_is_let_in_when_there_is_room(small_disk: Path, start: Start, board: Board) -> None:
    gate = start(**lcus(board), lamps__red_pin="24")
    with at_the_gate(gate) as (reader, desk):
        show(reader, first := gate.track(gate.issuer.issue(1)))
        desk.passages(1)
        show(reader)
        board.switched()
        filler = small_disk / "filler"
        with filler.open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(4096))
        for number in (2, 3):
            show(reader, gate.track(gate.issuer.issue(number)))
            show(reader)
        cut_off(reader)
        assert [event.sequence for event in desk.ask(0)] == [event.sequence for event in desk.stored]
        assert board.switched() == []
        filler.unlink()
        with closing(gate.connect("reader")) as successor:
            show(successor, last := gate.track(gate.issuer.issue(4)))
            desk.passages(2)
        assert desk.decisions(2) == [(first.id, True, "ok"), (last.id, True, "ok")]
        assert desk.passages(2) == [(first.id, "assumed"), (last.id, "assumed")]
    words = gate.stop().splitlines()
    told = [line.partition("nobody is let in: ")[2] for line in words if "nobody is let in" in line]
    assert 1 <= len(told) <= 2  # the second where it came after the first was over
    assert set(told) <= {  # either, depending on how full the log of writes was
        "the store cannot be used: database or disk is full",
        f"0 MiB are free at {small_disk}, and 32 are kept for letting delivered events go",
    }


def test_a_gate_that_filled_its_own_disk_lets_people_in_again_after_a_confirmation(small_disk: Path, start: Start) -> None:
    with closing(Store(small_disk / "events.db", gate="g1", boot="boot-1")) as store, suppress(StoreError):
        while True:
            with store.transaction() as writing:
                writing.append(EventType.AUDIT, {"text": secrets.token_hex(2000)}, subject="gate", now=RECORDED)
    gate = start()
    with at_the_gate(gate) as (reader, desk):
        full = desk.hello.last_sequence
        show(reader, gate.track(gate.issuer.issue(1)))
        show(reader)
        cut_off(reader)
        desk.confirm(desk.ask(0), gate.recorder)
        with closing(gate.connect("reader")) as successor:
            show(successor, held := gate.track(gate.issuer.issue(2)))
            desk.stored = list(desk.ask(full))
            assert desk.decisions(1) == [(held.id, True, "ok")]
            assert desk.passages(1) == [(held.id, "assumed")]


# --- what is missing or wrong ----------------------------------------------------------------------------------


def test_a_missing_pseudonym_key_is_told_with_exit_code_3(start: Start, tmp_path: Path) -> None:
    gate = start(pseudonyms__key_file='"missing.json"')
    assert last_words(gate) == (
        3,
        [
            f"qrgate run: no pseudonym key at {tmp_path}/gate/missing.json: No such file or directory",
            "  → `qrgate-provision init` makes it; copy it with the settings",
        ],
    )


def test_a_user_that_does_not_exist_is_told_with_exit_code_3(start: Start) -> None:
    gate = start(links__reader_user='"nobody-of-that-name"')
    assert last_words(gate) == (
        3,
        [
            "qrgate run: links.reader_user names 'nobody-of-that-name', and there is no such user",
            "  → `sudo make install` makes the users",
        ],
    )


def test_an_issuer_whose_id_is_not_its_key_s_is_told_with_exit_code_3(start: Start) -> None:
    gate = start(issuers__0123456789abcdef='"' + "ab" * 32 + '"')
    assert last_words(gate) == (
        3,
        ["qrgate run: site.toml: issuers.0123456789abcdef is not the id of that key", "  → copy both as `qrgate-provision init` wrote them"],
    )


def test_a_busy_serial_port_is_told_with_exit_code_5_and_hears_nothing(start: Start, board: Board) -> None:
    with serial.Serial(str(board.path), exclusive=True):
        code, words = last_words(start(**lcus(board)))
    assert (code, board.switched()) == (5, [])
    assert words[0].startswith(f"qrgate run: no relay board at {board.path}: ")
    assert words[-1] == "  → `ls /dev/serial/by-id` shows what is plugged in; group dialout may use it"


def test_a_second_gate_at_the_same_board_is_refused_and_the_first_goes_on(start: Start, board: Board, tmp_path: Path) -> None:
    first = start(**lcus(board))
    with at_the_gate(first) as (reader, desk):
        second = Gate(tmp_path / "second", first.lines).start()
        assert last_words(second)[0] == 5
        show(reader, track := first.track(first.issuer.issue(1)))
        assert desk.passages(1) == [(track.id, "assumed")]
    assert (second.folder / "pseudonym.json").exists()  # a trial run that failed takes no key over


def test_a_second_gate_in_the_same_folder_is_refused_before_it_writes_and_the_first_goes_on(start: Start) -> None:
    first = start()
    with at_the_gate(first) as (reader, desk):
        driven = (first.runtime / "driven.toml").stat()
        second = Gate(first.folder, {**first.lines, "relay.pin": "18"}).start()
        assert last_words(second) == (
            7,
            [
                f"qrgate run: another gate process works in {first.state}",
                "  → `systemctl stop qrgate-gate`, or end the other `qrgate run`",
            ],
        )
        assert (first.runtime / "driven.toml").stat() == driven
        show(reader, track := first.track(first.issuer.issue(1)))
        assert desk.passages(1) == [(track.id, "assumed")]


def test_a_board_that_is_pulled_out_is_an_alarm_and_the_gate_records_on_and_lets_nobody_in(start: Start, board: Board) -> None:
    gate = start(**lcus(board))
    with at_the_gate(gate) as (reader, desk):
        board.unplug()
        assert await_health(desk, "out_of_order") == [{"trouble": "relay_lost"}]
        show(reader, track := gate.track(gate.issuer.issue(1)))
        assert desk.decisions(1) == [(track.id, False, "out_of_service")]
        assert [(alarm["what"], alarm["on"]) for alarm in desk.data(EventType.ALARM, 1)] == [("relay_lost", True)]
    gate.stop()
    assert gate.process is not None
    assert gate.process.returncode == 0


def test_a_state_folder_that_is_a_file_is_told_with_exit_code_7(start: Start, tmp_path: Path) -> None:
    (tmp_path / "gate").mkdir()
    (tmp_path / "gate" / "state").write_text("a file", encoding="ascii")
    assert last_words(start()) == (
        7,
        [
            f"qrgate run: {tmp_path}/gate/state cannot be written: File exists",
            "  → [paths] in gate.toml names the folders; the gate's user must own them",
        ],
    )


def test_a_store_that_is_no_database_is_set_aside_and_a_new_one_begins(start: Start, tmp_path: Path) -> None:
    state = tmp_path / "gate" / "state"
    state.mkdir(parents=True)
    (state / "events.db").write_bytes(b"no database" * 500)
    with closing(Desk(start())) as desk:
        alarm = next(data for data in desk.data(EventType.ALARM, 1) if data["what"] == "store_damaged")
    assert (alarm["saved"], alarm["lost"]) == (0, None)
    assert [path.read_bytes() for path in state.glob("*.damaged")] == [b"no database" * 500]


@needs_root
@pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv is not installed")
def test_a_state_folder_of_another_user_is_told_with_exit_code_7(tmp_path: Path) -> None:
    gate = Gate(tmp_path / "gate")
    gate.state.mkdir(mode=0o700)
    os.chown(gate.state, NOBODY, NOBODY)
    ordinary = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]  # root without root's keys to other people's folders
    command = [*ordinary, sys.executable, "-m", "device", "run", "gate", "--settings", str(gate.folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    assert done.returncode == 7
    assert done.stderr.splitlines() == [
        f"qrgate run: {gate.state} cannot be written: Permission denied",
        "  → [paths] in gate.toml names the folders; the gate's user must own them",
    ]


def test_a_gate_that_is_told_to_stop_says_nothing_more_than_that_it_was_ready(start: Start) -> None:
    gate = start()
    with at_the_gate(gate) as (reader, desk):
        reader.send(View(()))
        assert desk.hello.last_sequence >= 1
        wait = desk.ask(0)
    words = gate.stop().splitlines()
    assert gate.process is not None
    assert (gate.process.returncode, len(wait)) == (0, 1)
    assert words[0].endswith(" qrgate.gate: gate g1 is ready")


def test_the_gate_sends_a_greeting_to_an_uplink_and_nothing_to_a_reader(start: Start) -> None:
    gate = start()
    with at_the_gate(gate) as (reader, desk):
        assert (desk.hello.last_sequence, len(desk.hello.epoch)) == (1, 16)
        desk.link.send(Give(Lane.LIVE, 0, 1))
        wait_message(desk.link)
        assert reader.receive() is None
