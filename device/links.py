"""Local links between the three processes: one CBOR message a packet, over AF_UNIX SOCK_SEQPACKET.

Packets keep their borders, so a torn message is one bad packet and never an endless misreading; CBOR carries data
and nothing that runs (``multiprocessing`` pipes unpickle whatever the other end chooses). The peer's user is asked
of the kernel. No call here waits: a full or broken link says so at once, and its owner decides.
"""

from __future__ import annotations

import os
import re
import socket
import struct
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar

import cbor2

from device.domain import EventType, StoredEvent, Track, TrackState
from device.errors import LinkError

PACKET_MAX = 64 * 1024
"""Bytes. The largest message, eight tracks of 2,953 bytes (a version 40-L symbol) or 20 events, stays far below."""

SEND_BUFFER = 1024 * 1024
"""Bytes the kernel may hold for a peer that is slow: some seconds of sightings."""

STRINGS, ARRAY = (2, 3), 4  # major types (RFC 8949 section 3.1)
ONE_BYTE, EIGHT_BYTES = 24, 27  # the low bits of a head: its argument follows in so many bytes
TRUTH_VALUES = (0xF4, 0xF5)

INTEGER_MAX = 2**63 - 1
NAME_MAX = 100
"""What a record can hold: a number as SQLite has it, and ids, states and stages that leave an event far below a packet."""
CODE_MAX = 255
"""MQTT's reason codes are one byte."""

TRACK_ID = re.compile(r"[0-9a-f]{8}-[0-9]{1,18}")
STAGE = re.compile(r"[a-z0-9-]{1,32}")
"""What stands in records and logs is made of these letters only, whatever a captured reader would like to write there."""

HEALTH_MAX = 2 * 1024
"""Bytes: the broker keeps it in memory for every gate."""

SAID = re.compile(r"reply/[a-z0-9-]{1,64}|request/time")
SAID_MAX = 16 * 1024
"""Bytes of an answer: what `qrgate doctor` has to say is some kilobytes."""

ITEMS_MAX = 1024
"""A packet's items: 100 events have 403, the largest view some 150."""

READER_SOCKET, UPLINK_SOCKET = "reader.sock", "uplink.sock"
"""In the runtime folder."""

PEER_CREDENTIALS = struct.Struct("3i")  # struct ucred: pid, uid, gid (man 7 unix)


# --- messages --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class View:
    """reader → gate: every track that is in view now, and those that left since the last view.

    The whole view, not a change of it: a view that was lost is mended by the next one.
    """

    NAME: ClassVar[str] = "view"
    tracks: tuple[Track, ...]


class EyesState(StrEnum):
    """All that a reader can say of itself."""

    OK = "ok"
    ENDED = "ended"  # a recording, a video or a folder has an end
    # blind:
    NO_FRAMES = "no_frames"
    CAMERA_FAULT = "camera_fault"  # restarted again and again, and still no frame
    COVERED = "covered"
    # seeing badly:
    DARK = "dark"
    BRIGHT = "bright"
    GLARE = "glare"
    OUT_OF_FOCUS = "out_of_focus"
    SLOW = "slow"  # fewer frames a second than asked for
    UNREADABLE = "unreadable"  # a code is held up, and cannot be read


@dataclass(frozen=True, slots=True)
class ReaderState:
    """reader → gate: how the eyes are. ``state`` is one of ``EyesState``, or the packet is refused; counters since its start."""

    NAME: ClassVar[str] = "reader"
    state: str
    frames: int
    dropped: int
    looks: int
    failures: int


@dataclass(frozen=True, slots=True)
class Hello:
    """gate → uplink, first on every connection, and as the answer to each ``BrokerState`` without a session: who this gate is,
    for the birth message of the next one.

    ``key`` is the public half of the key with which the gate signs, ``head`` its signed word on where its chain of events
    ends (``events/head.py``).
    """

    NAME: ClassVar[str] = "hello"
    boot: str
    epoch: str
    last_sequence: int
    key: bytes
    head: bytes


class Lane(StrEnum):
    """Two ways through one window: whoever passes now does not wait behind last week."""

    LIVE = "live"
    BACKLOG = "backlog"


@dataclass(frozen=True, slots=True)
class Give:
    """uplink → gate: events with a sequence after ``after``, ``limit`` of them. One question a lane may be open.

    In the live lane it is answered when there is an event; in the backlog's at once, with none where there is none.
    """

    NAME: ClassVar[str] = "give"
    lane: Lane
    after: int
    limit: int


@dataclass(frozen=True, slots=True)
class Events:
    """gate → uplink: the answer, in order of sequence. Numbers below zero are places of events saved from a damaged store."""

    NAME: ClassVar[str] = "events"
    lane: Lane
    events: tuple[StoredEvent, ...]


@dataclass(frozen=True, slots=True)
class Again:
    """gate → uplink: the recorder asks for events ``first`` to ``last`` again; those that are still here go now."""

    NAME: ClassVar[str] = "again"
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Say:
    """gate → uplink: publish ``body`` below the gate's own prefix, once, not retained: an answer, or a question.

    ``topic`` is the rest of the topic, such as ``reply/4f1d…`` or ``request/time`` (``events/topics.py``); anything else is refused.
    """

    NAME: ClassVar[str] = "say"
    topic: str
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Health:
    """gate → uplink, after each Hello and whenever it changes: how the gate is, as it shall stand at the broker.

    ``body`` is published byte by byte; beyond ``HEALTH_MAX`` the packet is refused. Only the newest counts.
    """

    NAME: ClassVar[str] = "health"
    body: bytes


@dataclass(frozen=True, slots=True)
class Received:
    """uplink → gate: bytes that came from the network. Nothing in them is true until ``gate`` has proved it."""

    NAME: ClassVar[str] = "received"
    topic: str
    payload: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class BrokerState:
    """uplink → gate: is there a session with the broker? Without one it is told again at each try, and answered by a Hello."""

    NAME: ClassVar[str] = "broker"
    connected: bool


@dataclass(frozen=True, slots=True)
class Refused:
    """uplink → gate: the broker will not take this event, whatever is tried (MQTT 5 reason code)."""

    NAME: ClassVar[str] = "refused"
    sequence: int
    code: int


type_of_name = {each.NAME: each for each in (View, ReaderState, Hello, Give, Events, Again, Say, Health, Received, BrokerState, Refused)}
Message = View | ReaderState | Hello | Give | Events | Again | Say | Health | Received | BrokerState | Refused


def encode(message: Message) -> bytes:
    """The packet for ``message``. Raises LinkError where it would exceed ``PACKET_MAX``, or the other end would not say it."""
    values: list[Any]
    match message:
        case View(tracks):
            values = [[[getattr(track, each.name) for each in fields(Track)] for track in tracks]]
        case Events(lane, events):
            values = [lane, [[event.sequence, event.type, event.body] for event in events]]
        case _:
            values = [getattr(message, each.name) for each in fields(message)]
    if isinstance(message, Say) and not _may_be_said(message):
        raise LinkError(f"{len(message.body)} bytes for {message.topic!r} are not the gate's to say")
    packet: bytes = cbor2.dumps([message.NAME, *values])
    if len(packet) > PACKET_MAX:
        raise LinkError(f"a {message.NAME!r} message of {len(packet)} bytes does not fit a packet of {PACKET_MAX}")
    return packet


def decode(packet: bytes) -> Message:
    """The message in ``packet``. Raises LinkError on anything else, whatever the bytes are."""
    try:
        _only_plain(packet)
        name, *values = _listed(cbor2.loads(packet))
        message: Message = _READERS[name](*values) if name in _READERS else _checked(type_of_name[name](*values))
    # Deep nesting ends in RecursionError, lengths that lie in MemoryError or OverflowError.
    except (cbor2.CBORError, ValueError, TypeError, LookupError, ArithmeticError, EOFError, RecursionError, MemoryError) as error:
        raise LinkError(f"a packet of {len(packet)} bytes is no message: {type(error).__name__}") from None
    return message


def _only_plain(packet: bytes) -> None:
    """Raises ValueError where ``packet`` holds more than lists, texts, bytes, whole numbers and truth values.

    CBOR has tags that run something while they are read: a pattern is compiled (56 KB: 0.2 s), a network or a
    number of 50,000 digits is made. The heads of the items (RFC 8949 section 3) tell before any of it is.
    """
    at = 0
    for _ in range(ITEMS_MAX):
        if at >= len(packet):
            return
        head = packet[at]
        major, low = head >> 5, head & 0x1F
        if (major > ARRAY and head not in TRUTH_VALUES) or low > EIGHT_BYTES:
            raise ValueError("an item of another kind")
        wide = 1 << (low - ONE_BYTE) if low >= ONE_BYTE else 0
        length = int.from_bytes(packet[at + 1 : at + 1 + wide]) if wide else low
        at += 1 + wide + (length if major in STRINGS else 0)
    raise ValueError("too many items")


def _view(rows: Any) -> View:
    return View(tuple(_track(*row) for row in map(_listed, _listed(rows))))


def _track(id_: Any, state: Any, *rest: Any) -> Track:
    track: Track = _checked(Track(id_, TrackState(state), *rest))
    if not TRACK_ID.fullmatch(track.id) or not STAGE.fullmatch(track.stage):
        raise ValueError("id or stage")
    return track


def _reader_state(state: Any, *counters: Any) -> ReaderState:
    checked: ReaderState = _checked(ReaderState(EyesState(state).value, *counters))
    return checked


def _health(body: Any) -> Health:
    checked: Health = _checked(Health(body))
    if len(checked.body) > HEALTH_MAX:
        raise ValueError("body")
    return checked


def _refused(*values: Any) -> Refused:
    checked: Refused = _checked(Refused(*values))
    if not 0 <= checked.code <= CODE_MAX:
        raise ValueError("code")
    return checked


def _give(lane: Any, *bounds: Any) -> Give:
    checked: Give = _checked(Give(Lane(lane), *bounds))
    return checked


def _events(lane: Any, rows: Any) -> Events:
    events = (StoredEvent(sequence, EventType(kind), body) for sequence, kind, body in map(_listed, _listed(rows)))
    return Events(Lane(lane), tuple(map(_checked, events)))


def _say(topic: Any, body: Any) -> Say:
    checked: Say = _checked(Say(topic, body))
    if not _may_be_said(checked):
        raise ValueError("topic or body")
    return checked


def _may_be_said(message: Say) -> bool:
    return bool(SAID.fullmatch(message.topic)) and len(message.body) <= SAID_MAX


def _listed(item: Any) -> list[Any]:
    """``item`` if it is a list: a network address is iterable too, and five bytes of CBOR stand for 2^128 of them."""
    if type(item) is not list:
        raise TypeError("not a list")
    return item


_PLAIN = {"str": str, "int": int, "bool": bool, "bytes": bytes}


def _checked(message: Any) -> Any:
    """``message`` if each of its plain fields has the type it declares and can be recorded; annotations are texts in this module."""
    for each in fields(message):
        value, wanted = getattr(message, each.name), _PLAIN.get(str(each.type))
        if wanted and type(value) is not wanted:
            raise TypeError(each.name)
        if wanted is int and not -INTEGER_MAX <= value <= INTEGER_MAX:
            raise ValueError(each.name)
        if wanted is str and len(value) > NAME_MAX and each.name != "topic":  # a topic is the network's, and is never recorded
            raise ValueError(each.name)
    return message


_READERS: dict[str, Callable[..., Message]] = {
    View.NAME: _view,
    Refused.NAME: _refused,
    ReaderState.NAME: _reader_state,
    Give.NAME: _give,
    Events.NAME: _events,
    Say.NAME: _say,
    Health.NAME: _health,
}
"""Of those that are more than their plain fields."""


# --- transport -------------------------------------------------------------------------------------------------


class Link:
    """One end of a connection. Never blocks; use ``fileno()`` with a selector."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)  # noqa: FBT003
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        self._socket = connection

    def fileno(self) -> int:
        return self._socket.fileno()

    def send(self, message: Message) -> bool:
        """Hand ``message`` to the kernel; ``False`` if the peer is so slow that there is no room.

        Raises:
            LinkError: the peer is gone, or the message is too large.
        """
        try:
            self._socket.send(encode(message))
        except BlockingIOError:
            return False
        except OSError as error:
            raise LinkError(f"the peer is gone: {error.strerror}") from None
        return True

    def receive(self) -> Message | None:
        """The next message, or ``None`` when there is none yet.

        Raises:
            LinkError: the peer is gone, or sent something that is no message; close the link then.
        """
        try:
            packet = self._packet()
        except BlockingIOError:
            return None
        except OSError as error:
            raise LinkError(f"the peer is gone: {error.strerror}") from None
        if not packet:
            raise LinkError("the peer is gone")
        if len(packet) > PACKET_MAX:
            raise LinkError("the packet is too large")
        return decode(packet)

    def _packet(self) -> bytes:
        try:
            return self._socket.recv(PACKET_MAX + 1)
        except ConnectionResetError:  # it hung up and left something unread: Linux says so once, ahead of what it had said before
            return self._socket.recv(PACKET_MAX + 1)

    def close(self) -> None:
        self._socket.close()


class Listener:
    """The gate's end of one link: listens at ``path`` and admits peers whose user is in ``uids``."""

    def __init__(self, path: Path, uids: Collection[int], *, mode: int = 0o600) -> None:
        """Raises LinkError where the socket cannot be made."""
        self._uids = frozenset(uids)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.setblocking(False)  # noqa: FBT003
        try:
            path.unlink(missing_ok=True)  # left by a process that was killed
            self._socket.bind(str(path))
            path.chmod(mode)
            self._socket.listen(1)
        except OSError as error:
            self._socket.close()
            raise LinkError(f"no socket at {path}: {error.strerror or error}", hint="does its folder exist, and may this user write there?") from None

    def fileno(self) -> int:
        return self._socket.fileno()

    def accept(self) -> Link | None:
        """The peer that waits, or ``None`` if it went away or is a stranger."""
        try:
            connection, _ = self._socket.accept()
        except OSError:
            return None
        _, uid, _ = PEER_CREDENTIALS.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, PEER_CREDENTIALS.size))
        if uid not in self._uids:
            connection.close()
            return None
        return Link(connection)

    def close(self) -> None:
        self._socket.close()


def connect(path: Path) -> Link:
    """The other end. Raises LinkError while nobody listens at ``path``."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connection.setblocking(False)  # noqa: FBT003 - a gate that hangs with a full backlog is no gate, either
    try:
        connection.connect(str(path))
    except OSError as error:
        connection.close()
        raise LinkError(f"nobody listens at {path}: {error.strerror or error}", hint="is `qrgate run gate` running?") from None
    return Link(connection)


def listens(path: Path) -> bool:
    """Does anybody listen at the socket ``path``? The kernel's list tells, and nobody is disturbed (man 5 proc)."""
    return f" {path}\n" in Path("/proc/net/unix").read_text(encoding="utf-8", errors="replace")


def own_uid() -> int:
    return os.getuid()
