from __future__ import annotations

import socket
import stat
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.domain import EventType, StoredEvent, Track, TrackState
from device.errors import LinkError
from device.links import (
    HEALTH_MAX,
    PACKET_MAX,
    SAID_MAX,
    Again,
    BrokerState,
    Events,
    EyesState,
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
    Say,
    View,
    connect,
    decode,
    encode,
    listens,
    own_uid,
)
from tests.device.strangers import needs_root, open_folder, somebody_else

TRACK = Track("0badcafe-1", TrackState.STILL, b"\x00\xff", frame=7, frame_ns=1, decoded_ns=2, last_seen_ns=3, stage="half")
MOST = 2**63 - 1
MESSAGES: list[Message] = [
    View(()),
    View((TRACK, Track("0badcafe-2", TrackState.LEFT, b"", 0, -1, 2**63 - 1, 0, "zxing-half"))),
    ReaderState("no_frames", 1, 2, 3, 4),
    Hello("boot", "epoch", 0, bytes(32), b"signed"),
    Give(Lane.LIVE, 0, 20),
    Give(Lane.BACKLOG, -MOST, 20),
    Events(Lane.LIVE, (StoredEvent(1, EventType.DECISION, b"{}"), StoredEvent(2, EventType.AUDIT, b"\x00"))),
    Events(Lane.BACKLOG, (StoredEvent(-7, EventType.VOID, b"{}"),)),
    Events(Lane.BACKLOG, ()),
    Again(-7, MOST),
    Say("reply/4f1d-0", b"\xff"),
    Say("request/time", bytes(SAID_MAX)),
    Health(b'{"health":"ok"}'),
    Health(bytes(HEALTH_MAX)),
    Received("qg/v1/p1/s1/g1/ack", b"\xff" * 100),
    BrokerState(True),
    Refused(3, 135),
]


def row(**other: object) -> list[object]:
    """A track as it stands in a packet, with some of its columns replaced."""
    columns = {"id": "0badcafe-1", "state": "still", "payload": b"", "frame": 0, "frame_ns": 0, "decoded_ns": 0, "last_seen_ns": 0, "stage": "half"}
    return list((columns | other).values())


# --- messages --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.NAME)
def test_a_message_comes_out_as_it_went_in(message: Message) -> None:
    assert decode(encode(message)) == message


NONSENSE = {
    "nothing": b"",
    "no CBOR": b"\xff\x00",
    "no list": cbor2.dumps({"view": 1}),
    "an empty list": cbor2.dumps([]),
    "an unknown name": cbor2.dumps(["open_the_gate"]),
    "a name that is a list": cbor2.dumps([["again"], 0, 20]),
    "a name that is a number": cbor2.dumps([1, 0, 20]),
    "too few values": cbor2.dumps(["give", "live", 0]),
    "too many values": cbor2.dumps(["give", "live", 0, 20, 1]),
    "a text for a number": cbor2.dumps(["give", "live", "0", 20]),
    "a reason code of two bytes": cbor2.dumps(["refused", 1, 256]),
    "a reason code below zero": cbor2.dumps(["refused", 1, -1]),
    "a truth value for a number": cbor2.dumps(["give", "live", True, 20]),
    "a lane that there is not": cbor2.dumps(["give", "exit", 0, 20]),
    "a lane that is a list": cbor2.dumps(["give", ["live"], 0, 20]),
    "a question without a lane": cbor2.dumps(["give", 0, 20]),
    "events without a lane": cbor2.dumps(["events", [[1, "audit", b""]]]),
    "events of a lane that there is not": cbor2.dumps(["events", "exit", []]),
    "a range without an end": cbor2.dumps(["again", 1]),
    "a range from a text": cbor2.dumps(["again", "1", 2]),
    "a range that no record can hold": cbor2.dumps(["again", 1, 2**63]),
    "something said on another gate's topic": cbor2.dumps(["say", "../g2/reply/1", b""]),
    "something said on the topic of an event": cbor2.dumps(["say", "event/decision", b""]),
    "something said on a topic with a wildcard": cbor2.dumps(["say", "reply/+", b""]),
    "something said on a topic with a line of its own": cbor2.dumps(["say", "request/time\n", b""]),
    "something said of 16,385 bytes": cbor2.dumps(["say", "request/time", bytes(SAID_MAX + 1)]),
    "something said that is text": cbor2.dumps(["say", "request/time", "now?"]),
    "a hello without a key": cbor2.dumps(["hello", "boot", "epoch", 0]),
    "a hello with a key that is text": cbor2.dumps(["hello", "boot", "epoch", 0, "key", b""]),
    "a hello of a boot that would fill a record": cbor2.dumps(["hello", "b" * 101, "epoch", 0, b"", b""]),
    "a number for a truth value": cbor2.dumps(["broker", 1]),
    "a number that no record can hold": cbor2.dumps(["give", "live", 2**63, 20]),
    "a number of thousands of digits": cbor2.dumps(["view", [row(frame=10**5000)]]),
    "an id that would fill a record": cbor2.dumps(["view", [row(id="x" * 60_000)]]),
    "a state that would fill a record": cbor2.dumps(["reader", "x" * 60_000, 0, 0, 0, 0]),
    "a state that no reader has": cbor2.dumps(["reader", "silent", 0, 0, 0, 0]),
    "a state that is a list": cbor2.dumps(["reader", [], 0, 0, 0, 0]),
    "an id without a number": cbor2.dumps(["view", [row(id="0badcafe-")]]),
    "an id in capitals": cbor2.dumps(["view", [row(id="0BADCAFE-1")]]),
    "an id with a number of 19 digits": cbor2.dumps(["view", [row(id="0badcafe-" + "1" * 19)]]),
    "an id of Arabic digits": cbor2.dumps(["view", [row(id="0badcafe-\u0661")]]),
    "an id with a line of its own": cbor2.dumps(["view", [row(id="0badcafe-1\n")]]),
    "an empty stage": cbor2.dumps(["view", [row(stage="")]]),
    "a stage that says more": cbor2.dumps(["view", [row(stage="Nguyễn")]]),
    "a stage of 33 letters": cbor2.dumps(["view", [row(stage="a" * 33)]]),
    "a track that is a text": cbor2.dumps(["view", ["0badcafe-1"]]),
    "too many items": cbor2.dumps(["view", [[0] * 9] * 103]),
    "a floating number": cbor2.dumps(["give", "live", 0.0, 20]),
    "a set": cbor2.dumps({"give", 0, 20}),
    "a list without a length": b"\x9f\x64give\x00\x14\xff",
    "an unknown state of a track": cbor2.dumps(["view", [row(state="gone")]]),
    "a payload that is text": cbor2.dumps(["view", [row(payload="text")]]),
    "a track that is a number": cbor2.dumps(["view", [7]]),
    "tracks that are a number": cbor2.dumps(["view", 7]),
    "a track with a column too many": cbor2.dumps(["view", [[*row(), 1]]]),
    "an unknown type of event": cbor2.dumps(["events", "live", [[1, "party", b""]]]),
    "an event with two columns": cbor2.dumps(["events", "live", [[1, "audit"]]]),
    "a health of 2049 bytes": cbor2.dumps(["health", bytes(2049)]),
    "a health that is text": cbor2.dumps(["health", "{}"]),
    "a health without a body": cbor2.dumps(["health"]),
    "a health with a column too many": cbor2.dumps(["health", b"{}", 1]),
    "brackets without end": b"\x81" * 60_000,
    "a length that lies": b"\x9b" + b"\xff" * 8,
    "a text whose length lies": b"\x7b" + b"\x7f" * 8,
    "a date beyond all calendars": cbor2.dumps(cbor2.CBORTag(1, 2**62)),
    "a fraction over zero": cbor2.dumps(cbor2.CBORTag(30, [1, 0])),
    "a pattern that is none": cbor2.dumps(cbor2.CBORTag(35, "(")),
    "half a message": encode(MESSAGES[1])[:-5],
    "a message and a half": encode(Again(0, 20)).replace(b"\x83", b"\x84"),
}


@pytest.mark.parametrize("packet", NONSENSE.values(), ids=NONSENSE.keys())
def test_nonsense_is_refused_in_one_way(packet: bytes) -> None:
    with pytest.raises(LinkError) as caught:
        decode(packet)
    assert caught.value.what.startswith(f"a packet of {len(packet)} bytes is no message: ")


NETWORK = ip_network("10.0.0.0/16")


@pytest.mark.parametrize(
    "item", [NETWORK, ["view", NETWORK], ["view", [NETWORK]], ["events", "live", NETWORK]], ids=["message", "rows", "row", "events"]
)
def test_a_network_of_addresses_is_not_unpacked(item: object) -> None:
    """CBOR has a tag for networks, Python iterates over every address in one: five bytes could fill all memory."""
    packet = cbor2.dumps(item)
    tracemalloc.start()
    with suppress(LinkError):
        decode(packet)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100_000


@pytest.mark.parametrize("pattern", ["(a|b)*" * 9_400, "a" * 56_000, "[a-z]{1,50}" * 5_000])
def test_a_pattern_is_not_compiled(pattern: str) -> None:
    """CBOR has a tag for patterns too: compiling one of 56 KB held the gate for 0.2 s, and the reader can send ten a second."""
    packet = cbor2.dumps(["reader", cbor2.CBORTag(35, pattern), 0, 0, 0, 0])
    begin_s = time.process_time()
    with pytest.raises(LinkError):
        decode(packet)
    assert time.process_time() - begin_s < 0.005


def test_the_largest_messages_that_are_said_are_no_nonsense() -> None:
    longest = Track("0badcafe-" + "9" * 18, TrackState.STILL, bytes(2953), MOST, MOST, MOST, MOST, "z" * 32)
    view, events = View((longest,) * 16), Events(Lane.BACKLOG, (StoredEvent(MOST, EventType.DECISION, bytes(400)),) * 100)
    assert (decode(encode(view)), decode(encode(events))) == (view, events)


@pytest.mark.parametrize("state", ["ok", "no_frames", "ended"])
def test_a_reader_has_three_states_and_they_travel_as_words(state: str) -> None:
    assert EyesState(state) == state
    assert decode(cbor2.dumps(["reader", state, 1, 2, 3, 4])) == ReaderState(EyesState(state), 1, 2, 3, 4)


plain = st.none() | st.booleans() | st.integers() | st.floats() | st.binary(max_size=20) | st.text(max_size=20)
names = st.sampled_from([message.NAME for message in MESSAGES])
anything = st.recursive(plain, lambda inner: st.lists(inner, max_size=9) | st.dictionaries(st.text(max_size=5), inner, max_size=3), max_leaves=20)


@settings(max_examples=300, derandomize=True, deadline=None)
@given(st.binary(max_size=300) | st.builds(lambda name, values: cbor2.dumps([name, *values]), names, st.lists(anything, max_size=6)))
def test_any_bytes_are_a_message_or_a_link_error(packet: bytes) -> None:
    with suppress(LinkError):
        assert type(decode(packet)) in {type(message) for message in MESSAGES}


def test_a_message_too_large_for_a_packet_is_refused_before_it_is_sent() -> None:
    with pytest.raises(LinkError) as caught:
        encode(Received("t", bytes(PACKET_MAX)))
    assert caught.value.what == f"a 'received' message of {PACKET_MAX + 17} bytes does not fit a packet of {PACKET_MAX}"


@pytest.mark.parametrize("said", [Say("event/decision", b""), Say("reply/", b""), Say("request/time", bytes(SAID_MAX + 1))])
def test_what_the_uplink_would_not_say_is_refused_before_it_is_sent(said: Say) -> None:
    with pytest.raises(LinkError):
        encode(said)


def test_a_payload_is_not_in_the_words_about_a_message() -> None:
    secret = b"999000000001"
    track = Track("a-1", TrackState.STILL, secret, 0, 0, 0, 0, "")
    words = [
        repr(message)
        for message in (View((track,)), Received("t", secret), Events(Lane.LIVE, (StoredEvent(1, EventType.AUDIT, secret),)), Say("reply/1", secret))
    ]
    assert [secret.decode() in each for each in words] == [False] * 4


# --- transport -------------------------------------------------------------------------------------------------


@dataclass
class Ends:
    gate: Link
    other: Link
    path: Path


@pytest.fixture
def ends(tmp_path: Path) -> Iterator[Ends]:
    path = tmp_path / "reader.sock"
    with closing(Listener(path, {own_uid()})) as listener, closing(connect(path)) as other:
        gate = listener.accept()
        assert gate is not None
        with closing(gate):
            yield Ends(gate, other, path)


def raw(path: Path) -> socket.socket:
    """A peer that says what it likes."""
    peer = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    peer.connect(str(path))
    return peer


def test_messages_arrive_one_by_one_in_order_and_then_none(ends: Ends) -> None:
    assert [ends.other.send(message) for message in MESSAGES] == [True] * len(MESSAGES)
    assert [ends.gate.receive() for _ in (*MESSAGES, "none yet")] == [*MESSAGES, None]


def test_both_ends_may_speak(ends: Ends) -> None:
    ends.gate.send(Hello("b", "e", 1, b"", b""))
    assert ends.other.receive() == Hello("b", "e", 1, b"", b"")


def test_a_peer_that_does_not_listen_makes_send_say_so_at_once_and_loses_nothing_that_was_taken(ends: Ends) -> None:
    message = Received("t", bytes(32 * 1024))
    sent = 0
    while ends.other.send(message):
        sent += 1
    assert ends.other.send(Give(Lane.LIVE, 0, 1)) is False
    received = 0
    while ends.gate.receive() == message:
        received += 1
    assert received == sent > 0
    assert ends.other.send(message) is True


@pytest.mark.parametrize("packet", [encode(MESSAGES[1])[:-1], b"\xff", bytes(PACKET_MAX + 1), bytes(PACKET_MAX + 1000), b""])
def test_a_torn_oversized_or_empty_packet_breaks_the_link(tmp_path: Path, packet: bytes) -> None:
    path = tmp_path / "reader.sock"
    with closing(Listener(path, {own_uid()})) as listener, raw(path) as peer:
        gate = listener.accept()
        assert gate is not None
        with closing(gate):
            peer.send(packet)
            with pytest.raises(LinkError):
                gate.receive()


def test_a_peer_that_left_is_told_as_a_link_error(ends: Ends) -> None:
    ends.gate.close()
    for step in (ends.other.receive, lambda: ends.other.send(Give(Lane.LIVE, 0, 1))):
        with pytest.raises(LinkError) as caught:
            step()
        assert caught.value.what.startswith("the peer is gone")


def test_what_a_peer_had_said_is_heard_though_it_left_something_unread(ends: Ends) -> None:
    ends.other.send(Give(Lane.LIVE, 0, 1))
    for number in (1, 2):
        ends.gate.send(Again(number, number))
    ends.gate.close()
    assert [ends.other.receive(), ends.other.receive()] == [Again(1, 1), Again(2, 2)]
    with pytest.raises(LinkError, match="the peer is gone"):
        ends.other.receive()


@needs_root
def test_a_stranger_is_turned_away_by_his_user() -> None:
    with open_folder() as folder:
        path = folder / "reader.sock"
        with closing(Listener(path, {own_uid()}, mode=0o666)) as listener:
            with somebody_else():
                stranger = raw(path)
            with stranger:
                assert listener.accept() is None
                assert stranger.recv(1) == b""  # closed, not ignored
            with closing(connect(path)) as friend:
                link = listener.accept()
                assert link is not None
                with closing(link):
                    link.send(Give(Lane.LIVE, 0, 1))
                    assert friend.receive() == Give(Lane.LIVE, 0, 1)


def test_a_socket_that_a_killed_process_left_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "reader.sock"
    Listener(path, {own_uid()}).close()
    assert path.is_socket()
    with closing(Listener(path, {own_uid()})), closing(connect(path)) as link:
        assert link.send(Give(Lane.LIVE, 0, 1)) is True


@pytest.mark.parametrize("mode", [0o600, 0o666])
def test_the_socket_has_the_mode_that_was_asked(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "reader.sock"
    with closing(Listener(path, {own_uid()}, mode=mode)):
        assert stat.S_IMODE(path.stat().st_mode) == mode


def test_nobody_waiting_is_none(tmp_path: Path) -> None:
    with closing(Listener(tmp_path / "reader.sock", {own_uid()})) as listener:
        assert listener.accept() is None


def test_a_socket_that_cannot_be_made_names_its_path_and_a_hint(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "reader.sock"
    with pytest.raises(LinkError) as caught:
        Listener(path, {own_uid()})
    assert str(caught.value) == f"no socket at {path}: No such file or directory\n  → does its folder exist, and may this user write there?"


def test_a_path_that_is_too_long_for_a_socket_is_told_in_words(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 120)
    for step in (lambda: Listener(path, {own_uid()}), lambda: connect(path)):
        with pytest.raises(LinkError) as caught:
            step()
        assert caught.value.what.endswith(": AF_UNIX path too long")


def test_a_gate_that_does_not_listen_is_told_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(LinkError) as caught:
        connect(tmp_path / "reader.sock")
    assert (caught.value.what, caught.value.hint) == (
        f"nobody listens at {tmp_path}/reader.sock: No such file or directory",
        "is `qrgate run gate` running?",
    )


def test_a_socket_is_listened_at_from_when_it_is_bound_until_it_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "a.sock"
    assert not listens(path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(str(path))
        listener.listen()
        assert (listens(path), listens(tmp_path / "b.sock"), listens(tmp_path)) == (True, False, False)
    assert not listens(path)
