from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby, pairwise
from typing import Self

import pytest

from device.clock import NS
from device.errors import HardwareError, ScannerError
from device.links import ReaderState
from device.reader.decoders import PAYLOAD_MAX
from device.reader.scanners import ScanModule
from device.reader.scanners.gm65 import Gm65
from device.reader.scanners.held import Held
from device.reader.scanners.loop import RETRY_MAX_NS, RETRY_MIN_NS, ScanLoop
from device.reader.scanners.session import Counts, Session
from device.reader.scanners.terminated import Terminated
from device.reader.speaker import Speaker
from tests.device.reader.clocks import HandClock
from tests.device.reader.lines import Gate, heard, spoken
from tests.device.reader.scanners.played import PlayedGm65
from tests.device.reader.scanners.wires import Wire, wire_to

LEFT_AFTER_S = 2.0


class Bench:
    """The loop on a played module, stepped on a clock that is moved by hand; the gate's end of the link is real."""

    def __init__(self, make: type[Terminated] | None = None, *, host: bool = False) -> None:
        self.clock = HandClock()
        self.played = PlayedGm65()
        self.gate = Gate()
        self.alive: list[tuple[float, str]] = []  # seconds since the beginning, and what the service manager was told
        self.opened_s: list[float] = []  # seconds since the beginning at which the port was tried
        self.states: list[ReaderState] = []
        self.plugged = True
        self.wire: Wire | None = None
        self._make = make
        self._host = host
        self._begin_ns = self.clock()
        self.speaker = Speaker(self.gate.connect, clock=self.clock)
        held = Held("0badcafe", "scan-gm65", LEFT_AFTER_S)
        self.loop = ScanLoop(self._open, held, self.speaker, quiet_s=LEFT_AFTER_S, clock=self.clock, alive=self._is_alive)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.speaker.close()
        self.gate.leave()

    @property
    def now_s(self) -> float:
        return round((self.clock() - self._begin_ns) / NS, 2)

    def _is_alive(self, said: str) -> None:
        self.alive.append((self.now_s, said))

    def _open(self, counts: Counts) -> Session:
        self.opened_s.append(self.now_s)
        if not self.plugged:
            raise ScannerError("no scan module at /dev/played", hint="is it plugged in?")
        module: ScanModule = self._make() if self._make else Gm65(host=self._host)
        self.wire = wire_to(self.clock, self.played)
        return Session(self.wire, module, counts, clock=self.clock)

    def unplug(self) -> None:
        assert self.wire
        self.plugged, self.wire.gone = False, True

    def plug(self) -> None:
        self.played.loses_power()
        self.plugged = True

    def shows(self, payload: bytes) -> None:
        assert self.wire
        self.wire.pieces.append(self.played.sees(payload))

    def turn(self, seconds: float, *, showing: bytes = b"") -> list[str]:
        """What the gate hears meanwhile; ``showing`` is held before the module, which sees it some three times a second."""
        words, until_ns, shown_ns = [], self.clock() + round(seconds * NS), 0
        while self.clock() < until_ns:
            if showing and self.wire and not self.wire.gone and self.clock() - shown_ns >= 3 * NS // 10:
                self.shows(showing)
                shown_ns = self.clock()
            if not self.loop.step():
                self.clock.sleep(0.1)
            messages = heard(self.gate.link) if self.gate.link else []
            self.states += [message for message in messages if isinstance(message, ReaderState)]
            words += spoken(messages)
        return words


@pytest.fixture
def bench() -> Iterator[Bench]:
    with Bench() as bench:
        yield bench


def changes(words: list[str]) -> list[str]:
    """Without heartbeats: each word once, where it differs from the one before it of its kind."""
    moods = {"ok", "no_frames"}
    tracks = [word for word in words if word not in moods and word and not all(each.endswith("S") for each in word.split())]
    return tracks + [mood for mood, _ in groupby(word for word in words if word in moods)]


def test_a_code_that_is_held_and_sent_again_and_again_is_told_once_and_when_it_left(bench: Bench) -> None:
    bench.turn(1)
    words = bench.turn(4, showing=b"a") + bench.turn(3)
    assert changes(words) == ["aA", "aL", "ok"]
    assert words[-1] in {"", "ok"}


def test_the_next_persons_code_takes_the_place_of_the_one_before_at_once(bench: Bench) -> None:
    bench.turn(1)
    assert changes(bench.turn(1, showing=b"a") + bench.turn(1, showing=b"b")) == ["aA", "bA aL", "ok"]


def test_on_command_a_code_is_read_by_triggers() -> None:
    with Bench(host=True) as bench:
        bench.turn(1)
        assert changes(bench.turn(4, showing=b"a")) == ["aA", "ok"]
        assert bench.played.requests.count((8, 0x0002, 1)) >= 6


def test_nothing_is_said_of_an_empty_view_before_a_code_that_is_held_would_have_been_sent_again(bench: Bench) -> None:
    """It would tell the gate that what the former reader saw has left: the same person would be decided twice."""
    bench.turn(0.5)
    assert set(bench.turn(1.5)) == {"ok"}
    assert "" in bench.turn(1)


def test_it_is_ready_when_the_module_is_set_up_and_alive_while_it_answers(bench: Bench) -> None:
    bench.turn(6.05)
    (ready_s, ready), *alive = bench.alive
    assert (ready, {said for _, said in alive}) == ("READY=1", {"WATCHDOG=1"})
    assert 0.2 <= ready_s <= 1.0
    assert bench.played.zones[0x0003] == 0x02
    assert len(alive) >= 5
    assert max(after - before for (before, _), (after, _) in pairwise(alive)) <= 1.2


def test_a_module_that_falls_silent_is_given_up_and_looked_for_without_the_watchdog(bench: Bench) -> None:
    bench.turn(3)
    bench.played.mute = True
    told = len(bench.alive)
    assert "no_frames" in bench.turn(20)
    assert len(bench.alive) >= told + 5
    bench.played.mute = False
    assert changes(bench.turn(5))[-1] == "ok"


def test_a_module_that_cannot_be_asked_is_alive_while_its_port_is_there() -> None:
    with Bench(Terminated) as bench:
        bench.turn(10)
        assert len(bench.alive) >= 10
        bench.unplug()
        told = len(bench.alive)
        assert changes(bench.turn(10)) == ["no_frames"]
        assert len(bench.alive) >= told + 9  # this loop looks for it; a process that is ended for that finds it no sooner


def test_a_module_that_is_pulled_out_is_told_and_when_it_is_back_it_is_set_up_again(bench: Bench) -> None:
    bench.turn(1)
    bench.played.flash = dict(PlayedGm65().flash)  # the one that is plugged in is another, as it comes
    bench.unplug()
    assert changes(bench.turn(10)) == ["no_frames"]
    bench.plug()
    assert bench.played.zones[0x0003] == 0x00
    assert changes(bench.turn(5)) == ["no_frames", "ok"]
    assert bench.played.zones[0x0003] == 0x02
    assert changes(bench.turn(1, showing=b"a")) == ["aA", "ok"]


def test_a_code_that_is_still_held_when_the_module_is_back_is_the_same_track(bench: Bench) -> None:
    """Nobody is decided twice for a loose plug's sake."""
    bench.turn(1)
    words = bench.turn(1, showing=b"a")
    bench.unplug()
    words += bench.turn(10)
    bench.plug()
    words += bench.turn(5, showing=b"a") + bench.turn(3)
    assert changes(words) == ["aA", "aL", "ok", "no_frames", "ok"]


def test_a_module_that_falls_silent_is_lost_after_three_requests_without_an_answer(bench: Bench) -> None:
    bench.turn(3)
    bench.played.mute = True
    begin_s, before = bench.now_s, len(bench.played.requests)
    while "no_frames" not in bench.turn(0.1):
        assert bench.now_s < begin_s + 5
    assert len(bench.played.requests) - before == 3
    assert bench.now_s - begin_s <= 2 + 3 * 0.5 + 0.5


def test_a_port_that_stays_away_is_tried_ever_more_seldom_but_at_least_every_two_seconds(bench: Bench) -> None:
    bench.turn(1)
    bench.unplug()
    bench.turn(30)
    pauses_s = [round(after - before, 1) for before, after in pairwise(bench.opened_s[1:])]
    assert pauses_s[0] >= RETRY_MIN_NS / NS
    assert pauses_s == sorted(pauses_s)
    assert max(pauses_s) <= RETRY_MAX_NS / NS + 0.2
    assert len(pauses_s) < 25


def test_at_the_start_a_module_that_is_not_there_or_does_not_answer_ends_the_reader(bench: Bench) -> None:
    bench.plugged = False
    with pytest.raises(ScannerError, match="no scan module"):
        bench.loop.step()
    bench.plugged, bench.played.mute = True, True
    with pytest.raises(ScannerError, match="does not answer"):
        bench.turn(10)
    assert bench.alive == []


def test_a_module_whose_set_up_codes_stay_on_is_not_believed_and_ends_the_reader(bench: Bench) -> None:
    bench.played.stubborn = frozenset({0x0003})
    with pytest.raises(HardwareError) as raised:
        bench.turn(10, showing=b"a")
    assert not isinstance(raised.value, ScannerError)
    assert raised.value.hint == "while set-up codes work, anybody can print one that reconfigures it: use another module"
    assert (spoken(heard(bench.gate.link)) if bench.gate.link else [], bench.alive) == ([], [])


def test_one_that_is_plugged_in_instead_and_keeps_its_set_up_codes_ends_the_reader_too(bench: Bench) -> None:
    bench.turn(1)
    bench.unplug()
    bench.turn(1)
    bench.played.flash, bench.played.stubborn = dict(PlayedGm65().flash), frozenset({0x0003})
    bench.plug()
    with pytest.raises(HardwareError, match="printed set-up codes off"):
        bench.turn(10)


def test_junk_without_end_fills_nothing_is_counted_and_what_follows_is_read() -> None:
    with Bench(Terminated) as bench:
        bench.turn(1)
        assert bench.wire
        for _ in range(200):
            bench.wire.pieces.append(b"x" * 4096)
        bench.wire.pieces += [b"\r", b"a\r"]
        assert changes(bench.turn(3)) == ["aA", "ok"]
        assert (bench.states[-1].frames, bench.states[-1].failures) == (1, 1)
        session = bench.loop._session
        assert session
        assert len(session._module._lines._pending) <= PAYLOAD_MAX  # type: ignore[attr-defined]  # what is held is the module's own


def test_a_flood_of_texts_makes_one_track_in_view_at_a_time(bench: Bench) -> None:
    bench.turn(1)
    assert bench.wire
    bench.wire.pieces.append(b"".join(b"%d\r" % number for number in range(1000)))
    words = bench.turn(1)
    assert max(len([each for each in word.split() if not each.endswith("L")]) for word in words) == 1
    bench.turn(1)
    assert bench.states[-1].frames == 1000


def test_a_gate_that_comes_later_is_told_what_is_in_view(bench: Bench) -> None:
    bench.turn(1, showing=b"a")
    bench.gate.leave()
    bench.turn(2, showing=b"a")
    bench.gate.there = True
    assert "aS" in bench.turn(1, showing=b"a")
