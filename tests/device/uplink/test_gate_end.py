from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from device.clock import NS
from device.links import (
    Again,
    BrokerState,
    Events,
    Give,
    Health,
    Hello,
    Lane,
    Link,
    Listener,
    Message,
    Refused,
    Say,
    View,
    own_uid,
)
from device.uplink.gate_end import OUTGOING_MAX, FromGate, GateEnd
from device.uplink.timing import Timing
from tests.device.uplink.scripted import event

HELLO = Hello("b", "e", 0, b"key", b"head")
EVENTS = Events(Lane.LIVE, (event(1),))


def with_gate(folder: Path, test: Callable[[GateEnd, Link], None], *, hello: Message = HELLO) -> None:
    """Both ends of a fresh link; the gate has said ``hello``."""
    listener = Listener(folder / "uplink.sock", {own_uid()})
    end = GateEnd(folder / "uplink.sock", Timing())
    end.step(0)
    link = listener.accept()
    assert link is not None
    link.send(hello)
    try:
        test(end, link)
    finally:
        end.close(BrokerState(connected=False))
        link.close()
        listener.close()


def received(link: Link) -> list[Message]:
    messages = []
    while (message := link.receive()) is not None:
        messages.append(message)
    return messages


def test_all_that_a_gate_says_comes_through(tmp_path: Path) -> None:
    said: list[FromGate] = [EVENTS, Events(Lane.BACKLOG, ()), Again(1, 2), Say("reply/1", b"done"), Health(b"{}")]

    def test(end: GateEnd, link: Link) -> None:
        for message in said:
            link.send(message)
        assert end.step(0) == [HELLO, *said]
        assert end.hello == HELLO

    with_gate(tmp_path, test)


@pytest.mark.parametrize("waiting", [(), (Give(Lane.LIVE, 0, 20),)])
def test_what_a_gate_has_said_before_its_end_comes_through(tmp_path: Path, waiting: tuple[Message, ...]) -> None:
    def test(end: GateEnd, link: Link) -> None:
        end.step(0)
        link.send(EVENTS)
        link.send(Say("reply/1", b"done"))
        link.close()
        end._outgoing.extend(waiting)
        assert end.step(0) == [EVENTS, Say("reply/1", b"done")]
        assert end.hello is None

    with_gate(tmp_path, test)


def test_the_newest_hello_of_the_same_gate_counts(tmp_path: Path) -> None:
    newer = replace(HELLO, last_sequence=7, head=b"newer")

    def test(end: GateEnd, link: Link) -> None:
        link.send(newer)
        assert end.step(0) == [HELLO, newer]
        assert end.hello == newer

    with_gate(tmp_path, test)


def test_what_is_told_before_hello_is_forgotten_and_after_it_sent(tmp_path: Path) -> None:
    def test(end: GateEnd, link: Link) -> None:
        end.tell(Give(Lane.LIVE, 0, 20))
        end.step(0)
        end.tell(Give(Lane.LIVE, 1, 20))
        assert received(link) == [Give(Lane.LIVE, 1, 20)]

    with_gate(tmp_path, test)


def test_a_gate_that_does_not_read_loses_its_link(tmp_path: Path) -> None:
    def test(end: GateEnd, _link: Link) -> None:
        end.step(0)
        while end.take(Refused(1, 0x87)):
            pass  # the kernel's buffer fills
        for _ in range(OUTGOING_MAX + 1):
            end.tell(Refused(1, 0x87))
        assert end.step(0) == []
        assert end.hello is None

    with_gate(tmp_path, test)


def test_what_waits_goes_out_in_order_when_there_is_room_again(tmp_path: Path) -> None:
    def test(end: GateEnd, link: Link) -> None:
        end.step(0)
        while end.take(Refused(0, 0)):
            pass
        end.tell(Refused(1, 0))
        end.tell(Refused(2, 0))
        assert end.wants_write()
        received(link)
        end.step(0)
        assert received(link) == [Refused(1, 0), Refused(2, 0)]

    with_gate(tmp_path, test)


@pytest.mark.parametrize("first", [EVENTS, Again(1, 2), Say("reply/1", b""), Health(b"{}")], ids=lambda first: first.NAME)
def test_a_stranger_who_says_something_else_first_is_left(tmp_path: Path, first: Message) -> None:
    def test(end: GateEnd, _link: Link) -> None:
        assert end.step(0) == []
        assert end.fileno() == -1

    with_gate(tmp_path, test, hello=first)


@pytest.mark.parametrize("other", [{"boot": "c"}, {"epoch": "f"}, {"key": b"another"}], ids=lambda other: next(iter(other)))
def test_another_gate_on_the_same_link_is_left(tmp_path: Path, other: dict[str, Any]) -> None:
    def test(end: GateEnd, link: Link) -> None:
        link.send(replace(HELLO, **other))
        assert end.step(0) == []
        assert end.fileno() == -1

    with_gate(tmp_path, test)


@pytest.mark.parametrize("strange", [Give(Lane.LIVE, 0, 20), View(()), BrokerState(connected=True)], ids=lambda strange: strange.NAME)
def test_a_gate_that_says_what_is_not_its_to_say_is_left(tmp_path: Path, strange: Message) -> None:
    def test(end: GateEnd, link: Link) -> None:
        link.send(strange)
        assert end.step(0) == []
        assert end.fileno() == -1

    with_gate(tmp_path, test)


def test_a_gate_that_says_nothing_is_left_and_tried_again(tmp_path: Path) -> None:
    listener = Listener(tmp_path / "uplink.sock", {own_uid()})
    end = GateEnd(tmp_path / "uplink.sock", Timing())
    end.step(0)
    first = listener.accept()
    end.step(5 * NS)
    assert end.fileno() == -1
    assert end.wake_ns is not None
    assert 5 * NS <= end.wake_ns <= 6 * NS
    end.step(end.wake_ns)
    second = listener.accept()
    assert first is not None
    assert second is not None
    for closing in (first, second, listener):
        closing.close()
    end.close(BrokerState(connected=False))


def test_without_a_gate_the_attempts_become_rarer_and_never_wait(tmp_path: Path) -> None:
    end = GateEnd(tmp_path / "uplink.sock", Timing())
    for second in range(20):
        assert end.step(second * NS) == []
    assert end.wake_ns is not None
    assert 19 * NS <= end.wake_ns <= 20 * NS
