"""The drain as a table: each line is (second, what happened, what the drain does then)."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from dataclasses import replace

from device.domain import StoredEvent
from device.uplink.drain import NS, PAGE, Action, Ask, Drain, Publish, Stuck, Wait
from device.uplink.refusals import Refusals
from tests.device.uplink.scripted import event


def a_drain(*, window: int = 20, confirm_s: float = 30, answer_s: float = 20, pace_per_s: float = 1e6, careful_to: int = 0) -> Drain:
    return Drain(
        Refusals(),
        window=window,
        confirm_within_ns=int(confirm_s * NS),
        answer_within_ns=int(answer_s * NS),
        pace_per_s=pace_per_s,
        careful_to=careful_to,
    )


def events(first: int, last: int) -> list[StoredEvent]:
    return [event(sequence) for sequence in range(first, last + 1)]


def at(second: float) -> int:
    return int(second * NS)


def do(drain: Drain, second: float) -> list[str]:
    """Do all the drain wants done now, in short words; the packet identifier of an event is its sequence."""
    done = []
    while True:
        match drain.next(at(second)):
            case Publish(each):
                done.append(f"publish {each.sequence}")
                drain.sent(each.sequence, each, at(second))
            case Ask(after, _):
                done.append(f"ask {after}")
            case Stuck():
                return [*done, "stuck"]
            case Wait():
                return done


def play(drain: Drain, *lines: tuple[float, Callable[[Drain, int], object], str]) -> None:
    for second, happens, expected in lines:
        happens(drain, at(second))
        assert expected == ", ".join(do(drain, second)), f"at {second} s"


def given(first: int, last: int) -> Callable[[Drain, int], object]:
    return lambda drain, now_ns: drain.given(events(first, last), now_ns)


def acknowledged(*mids: int) -> Callable[[Drain, int], object]:
    def happens(drain: Drain, now_ns: int) -> None:
        for mid in mids:
            drain.acknowledged(mid, now_ns)

    return happens


def postponed(mid: int, seconds: float) -> Callable[[Drain, int], object]:
    return lambda drain, now_ns: drain.postponed(mid, now_ns + at(seconds))


def nothing(_drain: Drain, _now_ns: int) -> None: ...


def confirmed(drain: Drain, _now_ns: int) -> None:
    drain.confirmation_arrived()


def new_link(drain: Drain, _now_ns: int) -> None:
    drain.start_over()


def test_events_go_out_in_order_and_never_more_than_the_window() -> None:
    play(
        a_drain(window=3),
        (0, nothing, "ask 0"),
        (0, given(1, 5), "publish 1, publish 2, publish 3, ask 5"),
        (1, acknowledged(1), "publish 4"),
        (1, acknowledged(2, 3), "publish 5"),
    )


def test_a_window_that_shrinks_is_kept_to_and_one_without_a_place_sends_nothing_and_does_not_spin() -> None:
    drain = a_drain(window=2, careful_to=4)
    play(drain, (0, nothing, "ask 0"), (0, given(1, 6), "publish 1, ask 6"))
    drain.window = 0
    play(drain, (1, acknowledged(1), ""))
    assert drain.next(at(1)) == Wait(at(31))  # the next look back
    drain.window = 1
    play(drain, (2, nothing, "publish 2"), (2, acknowledged(2), "publish 3"))


def test_a_gap_of_confirmed_events_is_no_obstacle() -> None:
    play(a_drain(), (0, nothing, "ask 0"), (0, given(7, 8), "publish 7, publish 8, ask 8"), (1, given(12, 12), "publish 12, ask 12"))


def test_what_is_acknowledged_and_still_in_the_gate_is_sent_again() -> None:
    play(
        a_drain(),
        (0, nothing, "ask 0"),
        (0, given(1, 2), "publish 1, publish 2, ask 2"),
        (1, acknowledged(1), ""),
        (1.1, acknowledged(2), ""),
        (30.9, nothing, ""),
        (31, nothing, "ask 0"),  # watched since 1 s: event 1
        (31, given(1, 2), "publish 1, ask 2"),
        (31.5, acknowledged(1), ""),
        (61, nothing, "ask 0"),
        (61, given(1, 2), "publish 1, publish 2, ask 2"),
    )


def test_what_is_confirmed_is_not_sent_again_and_the_question_stays_open_for_the_next_event() -> None:
    play(
        a_drain(),
        (0, nothing, "ask 0"),
        (0, given(1, 2), "publish 1, publish 2, ask 2"),
        (1, acknowledged(1, 2), ""),
        (31, nothing, "ask 0"),
        (500, nothing, ""),
        (501, given(3, 3), "publish 3, ask 3"),
    )


def test_a_recorder_that_is_away_costs_one_page_a_round_and_live_events_go_on() -> None:
    drain = a_drain(window=20)
    play(drain, (0, nothing, "ask 0"))
    for first in range(1, 61, PAGE):
        drain.given(events(first, first + PAGE - 1), 0)
        do(drain, 0)
        acknowledged(*range(first, first + PAGE))(drain, 0)
    play(
        drain,
        (0, nothing, ""),
        (29, given(61, 61), "publish 61, ask 61"),
        (30, acknowledged(61), "ask 0"),
    )
    # Watched since the first acknowledgement: events 1 only. The next round sees all.
    play(drain, (30, given(1, 20), "publish 1, ask 61"), (30, acknowledged(1), ""), (60, nothing, "ask 0"))
    page = ", ".join(f"publish {each}" for each in range(1, 21))
    play(drain, (60, given(1, 20), f"{page}, ask 61"), (61, acknowledged(*range(1, 21)), ""), (62, given(62, 62), "publish 62, ask 62"))
    play(drain, (89, acknowledged(62), ""), (90, nothing, "ask 0"), (90, given(1, 20), f"{page}, ask 62"))


def test_a_recorder_that_is_back_is_served_page_by_page_as_it_confirms() -> None:
    drain = a_drain()
    play(drain, (0, nothing, "ask 0"), (0, given(1, 20), ", ".join(f"publish {each}" for each in range(1, 21)) + ", ask 20"))
    for first in (1, 21):
        acknowledged(*range(first, first + PAGE))(drain, at(1))
        drain.given(events(first + PAGE, first + 2 * PAGE - 1), at(1))
        do(drain, 1)
    acknowledged(*range(41, 61))(drain, at(1))
    play(drain, (31, nothing, "ask 0"))
    drain.given(events(1, 20), at(31))  # only event 1 is ripe
    do(drain, 31)
    acknowledged(1)(drain, at(31))
    play(drain, (61, nothing, "ask 0"))
    first_page, second_page = (", ".join(f"publish {each}" for each in range(first, first + PAGE)) for first in (1, 21))
    play(
        drain,
        (61, given(1, 20), f"{first_page}, ask 60"),
        (61.2, acknowledged(*range(1, 21)), ""),
        (61.3, confirmed, "ask 20"),
        (61.3, given(21, 40), f"{second_page}, ask 60"),
        (61.4, acknowledged(*range(21, 41)), ""),
        (61.5, confirmed, "ask 40"),
    )


def test_a_live_answer_does_not_end_the_round_of_the_repeat() -> None:
    drain = a_drain()
    play(drain, (0, nothing, "ask 0"))
    drain.given(events(1, 20), 0)
    do(drain, 0)
    drain.given(events(21, 40), 0)
    acknowledged(*range(20, 0, -1))(drain, 0)  # the watch begins with the highest
    do(drain, 0)
    acknowledged(*range(21, 41))(drain, 0)
    play(drain, (30, nothing, "ask 0"))
    drain.given(events(1, 19), at(30))  # a gate that gives less than was asked
    do(drain, 30)
    acknowledged(*range(1, 20))(drain, at(30))
    play(drain, (30, given(41, 41), "publish 41, ask 41"), (31, confirmed, "ask 19"))


def test_an_answer_that_crosses_a_question_is_taken_once() -> None:
    play(
        a_drain(),
        (0, nothing, "ask 0"),
        (0, given(1, 2), "publish 1, publish 2, ask 2"),
        (0, acknowledged(1, 2), ""),
        (30, nothing, "ask 0"),
        (30, given(3, 3), "publish 3, ask 3"),  # the answer to "ask 2", which crossed
        (30, given(1, 3), "publish 1, ask 3"),
    )


def test_an_answer_that_stays_out_is_stuck() -> None:
    play(a_drain(), (0, nothing, "ask 0"), (1, given(1, 1), "publish 1, ask 1"), (20.9, nothing, ""), (21, nothing, "stuck"))


def test_a_quota_pauses_everything_and_the_postponed_event_goes_first() -> None:
    play(
        a_drain(window=2),
        (0, nothing, "ask 0"),
        (0, given(1, 4), "publish 1, publish 2, ask 4"),
        (0, acknowledged(1), "publish 3"),
        (0, postponed(2, 5), ""),
        (0, postponed(3, 5), ""),
        (4.9, nothing, ""),
        (5, nothing, "publish 4, ask 1"),
        (5, given(2, 4), "publish 2, ask 4"),
        (5, acknowledged(4), "publish 3"),
    )


def test_an_event_refused_for_good_frees_its_place() -> None:
    drain = a_drain(window=1)
    play(drain, (0, nothing, "ask 0"), (0, given(1, 2), "publish 1, ask 2"))
    assert drain.refused(1, 0) == event(1)
    assert do(drain, 0) == ["publish 2"]


def test_a_refused_event_rests_for_an_hour_and_what_replaces_it_goes_out_at_the_next_look_back() -> None:
    drain = a_drain()
    play(drain, (0, nothing, "ask 0"), (0, given(1, 1), "publish 1, ask 1"))
    drain.refused(1, 0)
    play(drain, (30, nothing, "ask 0"), (30, given(1, 1), "ask 1"), (60, nothing, "ask 0"))
    drain.given([replace(event(1), body=b"void")], at(60))
    assert do(drain, 60) == ["publish 1", "ask 1"]


def test_a_page_of_refused_events_does_not_hide_what_lies_behind_it() -> None:
    drain = a_drain()
    play(drain, (0, nothing, "ask 0"), (0, given(1, 20), ", ".join(f"publish {each}" for each in range(1, 21)) + ", ask 20"))
    drain.given(events(21, 22), 0)
    drain.acknowledged(1, 0)
    drain.refused(2, 0)
    for mid in range(3, 21):
        drain.refused(mid, 0)
    play(drain, (0, nothing, "publish 21, publish 22, ask 22"), (0, acknowledged(21, 22), ""), (30, nothing, "ask 0"), (30, given(2, 20), "ask 22"))
    play(drain, (60, nothing, "ask 0"), (60, given(2, 20), "ask 20"), (60, given(21, 22), "publish 21, publish 22, ask 22"))


def test_a_new_link_starts_over_and_keeps_count_of_what_is_in_flight() -> None:
    drain = a_drain(window=3)
    play(
        drain,
        (0, nothing, "ask 0"),
        (0, given(1, 5), "publish 1, publish 2, publish 3, ask 5"),
        (1, new_link, "ask 0"),
        (1, given(1, 5), "ask 5"),
    )
    for mid in (1, 2, 3):
        drain.acknowledged(mid, at(2))
    assert do(drain, 2) == ["publish 1", "publish 2", "publish 3"]


def test_a_refusal_of_the_old_link_names_no_event_of_the_new_one() -> None:
    drain = a_drain()
    play(drain, (0, nothing, "ask 0"), (0, given(1, 1), "publish 1, ask 1"), (1, new_link, "ask 0"))
    assert drain.refused(1, at(1)) is None


def test_suspects_travel_alone() -> None:
    play(
        a_drain(careful_to=2),
        (0, nothing, "ask 0"),
        (0, given(1, 5), "publish 1, ask 5"),
        (0, acknowledged(1), "publish 2"),
        (0, acknowledged(2), "publish 3, publish 4, publish 5"),
    )


def test_a_backlog_is_paced_and_a_burst_after_silence_is_not() -> None:
    drain = a_drain(pace_per_s=10)  # a burst of 0.1 s is one event
    play(
        drain,
        (10, nothing, "ask 0"),
        (10, given(1, 4), "publish 1, publish 2, ask 4"),
        (10.05, nothing, ""),
        (10.1, nothing, "publish 3"),
        (10.2, nothing, "publish 4"),
    )


def test_more_than_was_asked_stays_with_the_gate() -> None:
    drain = a_drain(window=1)
    for first in range(1, 101, PAGE):
        drain.given(events(first, first + PAGE - 1), 0)
    assert len(drain._waiting) == 60
    assert drain._cursor == 60


def test_whatever_happens_every_event_is_delivered_in_order_within_the_window_and_the_loop_never_spins() -> None:
    """Seeded chaos: a broker that acknowledges, forgets, postpones; a recorder that confirms late; a gate that comes again."""
    for seed in range(30):
        assert list(range(1, 151)) == Chaos(seed).run(), f"seed {seed}"


class Chaos:
    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.window = self.random.randint(1, 20)
        self.drain = a_drain(window=self.window, confirm_s=2, pace_per_s=self.random.choice([50, 1e6]))
        self.outbox = {each.sequence: each for each in events(1, 150)}
        self.born = 0
        self.open: int | None = None
        self.flights: deque[tuple[int, int]] = deque()  # (packet identifier, sequence)
        self.mid = 0
        self.first_sent: list[int] = []
        self.now_ns = 0

    def run(self) -> list[int]:
        for _ in range(200_000):
            if not self.outbox and self.born == 150:
                return self.first_sent
            self.turn(self.drain.next(self.now_ns))
        raise AssertionError(f"{len(self.outbox)} events left")

    def turn(self, action: Action) -> None:
        match action:
            case Publish(each):
                self.mid += 1
                self.flights.append((self.mid, each.sequence))
                self.drain.sent(self.mid, each, self.now_ns)
                assert len(self.flights) <= self.window
                if each.sequence not in self.first_sent:
                    self.first_sent.append(each.sequence)
            case Ask(after, _):
                self.open = after
            case Wait(until_ns):
                assert until_ns is None or until_ns > self.now_ns
                self.world(until_ns)
            case Stuck():
                raise AssertionError("everything is answered in time")

    def world(self, until_ns: int | None) -> None:
        self.now_ns = min(until_ns or self.now_ns + NS, self.now_ns + int(self.random.uniform(0, 0.3) * NS)) + 1
        self.born = min(150, self.born + self.random.randint(0, 8))
        for _ in range(self.random.randint(0, len(self.flights))):
            mid, sequence = self.flights.popleft()
            if self.random.random() < 0.05:
                self.drain.postponed(mid, self.now_ns + int(0.1 * NS))
                continue
            self.drain.acknowledged(mid, self.now_ns)
            if self.random.random() < 0.7:  # the broker did not lose it
                self.outbox.pop(sequence, None)
                if self.random.random() < 0.3:
                    self.drain.confirmation_arrived()
        if self.random.random() < 0.01:
            self.drain.start_over()
            self.open = None
        if self.open is not None:
            rows = [each for sequence, each in self.outbox.items() if self.open < sequence <= self.born][:PAGE]
            if rows:
                self.open = None
                self.drain.given(rows, self.now_ns)
