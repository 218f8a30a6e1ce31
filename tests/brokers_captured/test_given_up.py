"""A captured uplink has a real gate give up events that nothing is wrong with. The real recorder gets them all the same."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from device.links import Received
from provisioning.operations.alarms import What
from provisioning.operations.archive import Archive
from provisioning.operations.desk import GAPS_S, Desk, Message, Outgoing
from provisioning.operations.repeats import PATIENCE_S
from provisioning.operations.settings import Identity
from tests.brokers_captured.bench import Bench
from tests.brokers_captured.forgeries import GATE, HERE, PROVINCE
from tests.brokers_captured.test_uplink import Captor
from tests.provisioning.operations.test_desk import settings


class Carrier:
    """Does, between gate and recorder, what an honest uplink and broker would."""

    def __init__(self, captor: Captor, desk: Desk) -> None:
        self._captor = captor
        self._desk = desk

    def introduce(self) -> None:
        hello = self._captor.hello
        told = {"state": "ready", "gate": GATE, "boot": hello.boot, "epoch": hello.epoch, "last_sequence": hello.last_sequence}
        told |= {"key": hello.key.hex(), "head": hello.head.hex(), "capabilities": ["commands"]}
        self._take(Message(HERE.state, json.dumps(told).encode()))

    def deliver(self) -> None:
        """All that waits in the gate, and the recorder's word on it, until nothing waits any more."""
        while held := self._captor.unconfirmed():
            for word in self._take(*(Message(HERE.event(each.type), each.body) for each in held)):
                self._captor.say(Received(word.topic, word.body))

    def ask(self, now_s: float) -> None:
        """What the recorder asks for at that moment: its question, the gate's challenge, the order, the answer."""
        self._desk.look(now_s)
        words = self._said()
        while words:
            word = words.pop()
            answer = self._captor.answer(Received(word.topic, word.body))
            words += self._take(Message(HERE.said(answer.topic), answer.body))

    def _take(self, *messages: Message) -> list[Outgoing]:
        self._desk.tell(self._desk.take(messages, datetime.now(UTC)))
        return self._said()

    def _said(self) -> list[Outgoing]:
        """To the gate: notes are for operators."""
        return [each for each in iter(self._desk.next, None) if not each.retain]


def test_what_was_given_up_is_asked_for_and_leaves_the_gate_when_the_recorder_has_it(tmp_path: Path) -> None:
    told = replace(settings(tmp_path, trusted=False), identity=Identity(province=PROVINCE, id=f"recorder.{PROVINCE}"))
    with Bench(tmp_path / "gate") as bench, Archive(tmp_path / "events.sqlite") as archive:
        bench.admit()
        captor, desk = Captor(bench), Desk(told, archive, bench.gate.recorder)
        before = captor.unconfirmed()
        events = {each.body for each in before}
        captor.have_given_up(before)
        honest = Carrier(captor, desk)
        honest.introduce()
        honest.deliver()
        assert [what for what, _ in archive.register.alarms(GATE)] == [What.UNDELIVERED]
        now_s = time.monotonic() + GAPS_S
        for after_s in (0, PATIENCE_S):
            honest.ask(now_s + after_s)
        assert events < {each.body for each in captor.unconfirmed()}  # and the order's own event
        honest.deliver()
        assert list(archive.gaps(PROVINCE)) == []
        captor.leave()
        bench.end()
        assert bench.held() == set()
    with closing(sqlite3.connect(tmp_path / "events.sqlite")) as database:
        assert events <= {body for (body,) in database.execute("SELECT body FROM events UNION SELECT body FROM voided")}
