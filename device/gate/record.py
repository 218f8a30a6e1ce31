"""The recording thread: one loop over the two links and the facts of the acting thread."""

from __future__ import annotations

import logging
import os
import queue
import selectors
import threading
from collections.abc import Callable, Sequence

from device.admission.presentations import Presentation, Presentations
from device.clock import NS, monotonic_ns
from device.degraded import Trouble
from device.domain import Crossing, EventType, Passage
from device.errors import HardwareError, LinkError
from device.gate.act import Act, Broken, Fact
from device.gate.condition import Condition
from device.gate.deciding import Deciding
from device.gate.eyes import Eyes
from device.gate.lane_alarms import LaneAlarms
from device.gate.lately import Lately
from device.gate.lists import Lists
from device.gate.outbox import Outbox
from device.gate.session_word import SessionWord
from device.links import BrokerState, Link, Listener, Message, ReaderState, View
from device.seldom import Seldom
from device.turnstile.actions import Alarm

log = logging.getLogger("qrgate.gate")

TURN_S = 0.2
"""The loop turns at least this often: for retries, and to see that it should stop."""

ACT_SILENT_NS = 3 * NS // 2
ACT_SILENT_TURNS = 3
"""An acting thread that has not turned for so long hangs, or died of a bug. Both together stay below the 3 s for which a relay
may be on by default: only the end of this process lets go then. Seen in several turns, since after a machine stood still as a
whole this thread may be the first to wake."""


STALLED_NS = NS
"""A recording thread that has not turned for so long waits for a disk: whoever stands there is told that the gate is out of order."""

STALL_APART_NS = 60 * NS
"""A disk that stalls again and again is one alarm a minute."""


class Facts:
    """What the acting thread tells, with a descriptor that wakes the recording thread."""

    def __init__(self) -> None:
        self._facts: queue.SimpleQueue[Fact] = queue.SimpleQueue()
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def tell(self, fact: Fact) -> None:
        self._facts.put(fact)
        os.eventfd_write(self._wake, 1)

    def fileno(self) -> int:
        return self._wake

    def drain(self) -> list[Fact]:
        try:
            os.eventfd_read(self._wake)
        except BlockingIOError:
            return []
        facts = []
        while not self._facts.empty():
            facts.append(self._facts.get())
        return facts


class Record:
    def __init__(  # noqa: PLR0913 - the composition root hands everything in, once
        self,
        *,
        reader: Listener,
        uplink: Listener,
        facts: Facts,
        act: Act,
        presentations: Presentations,
        deciding: Deciding,
        outbox: Outbox,
        condition: Condition,
        lane_alarms: LaneAlarms,
        chores: Sequence[Callable[[int], None]] = (),
        lists: Lists | None = None,
        lately: Lately | None = None,
    ) -> None:
        """``chores`` are done once a turn, with the monotonic time; none of them waits. ``lately`` is told of what the reader says."""
        self._facts = facts
        self._act = act
        self._presentations = presentations
        self._deciding = deciding
        self._outbox = outbox
        self._condition = condition
        self._lane_alarms = lane_alarms
        self._selector = selectors.DefaultSelector()
        self._selector.register(facts, selectors.EVENT_READ, self._take_facts)
        self._chores = chores
        self._lists = lists
        self._lately = lately or Lately(monotonic_ns())
        if lists is not None:
            self._selector.register(lists, selectors.EVENT_READ, lists.poll)
        self._eyes = Eyes(
            monotonic_ns(),
            alarm=lambda facts: deciding.fact(EventType.ALARM, facts),
            blind=lambda blind: condition.set(Trouble.CAMERA_BLIND, on=blind),
            hint=act.hint,
        )
        self._reader = _Peer(
            "reader", reader, self._selector, self._from_reader, connected=lambda _link: self._eyes.connected(), lost=self._reader_lost
        )
        self._session_word = SessionWord(outbox.take)
        self._uplink = _Peer("uplink", uplink, self._selector, self._from_uplink, connected=outbox.connected, lost=self._uplink_lost)
        self._silent_turns = 0
        self._stall_told_ns: int | None = None
        self._seldom = Seldom(log)
        self.beat_ns = monotonic_ns()
        """When the loop turned last: whoever tells the service manager that the gate lives looks at it."""

    def run(self, stopping: threading.Event) -> None:
        """Until ``stopping``.

        Raises:
            HardwareError: an output broke, or the acting thread hangs: the process must end, so that ``failsafe`` lets go.
        """
        while not stopping.is_set():
            woken = self._selector.select(self._wait_s())
            turn_ns = monotonic_ns()
            for ready, _ in woken:
                ready.data()
            now_ns = monotonic_ns()
            self._settle(self._presentations.due(now_ns))
            self._eyes.tick(now_ns)
            self._deciding.catch_up(now_ns)
            for chore in self._chores:
                chore(now_ns)
            if self._lists is not None:
                self._lists.poll()  # its deadline passes without a word
            self._uplink.guarded(lambda: self._session_word.look(monotonic_ns()))
            self.serve_uplink()
            self._condition.set(Trouble.STORE_FAILED, on=self._deciding.store_fails)
            self._condition.tick(now_ns)
            self._feel_the_pulse()
            self.beat_ns = monotonic_ns()
            self._tell_stall(turn_ns)
        self._deciding.finish()

    def _tell_stall(self, turn_ns: int) -> None:
        """A turn that began at ``turn_ns`` and took so long waited for the disk. While it did, nobody could be told but by the lamps."""
        took_ns = self.beat_ns - turn_ns
        if took_ns < STALLED_NS or (self._stall_told_ns is not None and self.beat_ns - self._stall_told_ns < STALL_APART_NS):
            return
        self._stall_told_ns = self.beat_ns
        log.error("the disk stalled for %.1f s, and nobody was let in", took_ns / NS)
        self._deciding.fact(EventType.ALARM, {"what": "store_stalled", "for_ms": took_ns // 1_000_000})

    def _feel_the_pulse(self) -> None:
        self._silent_turns = self._silent_turns + 1 if monotonic_ns() - self._act.beat_ns >= ACT_SILENT_NS else 0
        if self._silent_turns >= ACT_SILENT_TURNS:
            raise HardwareError(
                "the acting thread hangs: nobody could be let in, or a relay let go", hint="the gate starts again; report what the log says"
            )

    def close(self) -> None:
        self._reader.close()
        self._uplink.close()
        self._selector.close()

    def serve_uplink(self) -> None:
        """Something was committed, or there is room on the link again."""
        self._uplink.guarded(self._outbox.serve)

    def tell_uplink(self, message: Message) -> bool:
        """False: it is too slow to take it now. An uplink that is not there is told by the outbox when it comes."""
        return self._uplink.tell(message)

    def _wait_s(self) -> float:
        due_ns = self._presentations.next_due_ns()
        return TURN_S if due_ns is None else min(max((due_ns - monotonic_ns()) / NS, 0.0), TURN_S)

    def _from_reader(self, message: Message) -> None:
        match message:
            case View(tracks):
                self._settle(self._presentations.look(tracks, monotonic_ns()))
            case ReaderState():
                self._lately.seen(message, monotonic_ns())
                self._eyes.says(message, monotonic_ns())
            case _:
                self._seldom.warning("the reader sent a %r message, which is not its to send", message.NAME)

    def _from_uplink(self, message: Message) -> None:
        if isinstance(message, BrokerState):
            self._session_word.take(message, monotonic_ns())
        else:
            self._outbox.take(message)

    def _uplink_lost(self) -> None:
        self._session_word.forget()
        self._outbox.lost()

    def _settle(self, presentations: list[Presentation]) -> None:
        for presentation in presentations:
            self._deciding.settle(presentation)
            if not self._deciding.store_fails:  # what cannot be recorded was not decided
                self._lately.decided_ns = monotonic_ns()

    def _reader_lost(self) -> None:
        self._presentations.reader_lost()
        self._lately.reader_lost()
        self._eyes.lost(monotonic_ns())

    def _take_facts(self) -> None:
        for fact in self._facts.drain():
            match fact:
                case Passage():
                    self._deciding.passage(fact)
                case Crossing():
                    self._deciding.crossing(fact)
                case Alarm():
                    self._lane_alarms.take(fact)
                case Broken(error):
                    raise error


class _Peer:
    """One of the two processes at the other end: it may come, go and come again at any time."""

    def __init__(
        self,
        name: str,
        listener: Listener,
        selector: selectors.BaseSelector,
        take: Callable[[Message], None],
        *,
        connected: Callable[[Link], None] = lambda _link: None,
        lost: Callable[[], None],
    ) -> None:
        self._name = name
        self._listener = listener
        self._selector = selector
        self._take = take
        self._connected = connected
        self._lost = lost
        self._link: Link | None = None
        self._seldom = Seldom(log)
        selector.register(listener, selectors.EVENT_READ, self._accept)

    def guarded(self, step: Callable[[], object]) -> None:
        """Do ``step``; a link that breaks in it is closed, and the gate goes on."""
        try:
            step()
        except LinkError as error:
            self._seldom.info("%s: %s", self._name, error.what)
            self._drop()

    def tell(self, message: Message) -> bool:
        """False: there is no room for it on the link."""
        if (link := self._link) is None:
            return True
        had_room: list[bool] = []
        self.guarded(lambda: had_room.append(link.send(message)))
        return all(had_room)  # a link that broke in it has no room to wait for

    def _accept(self) -> None:
        link = self._listener.accept()
        if link is None:
            return
        self._drop()  # the newest is the living one: its predecessor's end may not have been seen yet
        self._link = link
        self._selector.register(link, selectors.EVENT_READ, lambda: self.guarded(self._receive))
        self.guarded(lambda: self._connected(link))

    def _receive(self) -> None:
        if self._link is not None and (message := self._link.receive()) is not None:
            self._take(message)

    def _drop(self) -> None:
        if self._link is not None:
            self._selector.unregister(self._link)
            self._link.close()
            self._link = None
            self._lost()

    def close(self) -> None:
        self._drop()
        self._selector.unregister(self._listener)
        self._listener.close()
