"""The drain as a table: each line is (second, what happened, what the drain does then)."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from device.clock import NS
from device.domain import StoredEvent
from device.links import Lane
from device.uplink.actions import Ask, Publish, Stuck, Wait
from device.uplink.drain import Drain
from device.uplink.lanes import AGAIN_MAX, LOWEST, PAGE
from device.uplink.refusals import Refusals
from tests.device.uplink.scripted import event


def a_drain(
    *,
    live_after: int = 0,
    window: int = 20,
    confirm_s: float = 30,
    answer_s: float = 20,
    pace_per_s: float = 1e6,
    suspects: frozenset[int] = frozenset(),
) -> Drain:
    return Drain(
        Refusals(),
        live_after=live_after,
        window=window,
        confirm_within_ns=int(confirm_s * NS),
        answer_within_ns=int(answer_s * NS),
        pace_per_s=pace_per_s,
        suspects=suspects,
    )


def events(first: int, last: int) -> list[StoredEvent]:
    return [event(sequence) for sequence in range(first, last + 1)]


def at(second: float) -> int:
    return int(second * NS)


def do(drain: Drain, second: float) -> list[str]:
    """Do all the drain wants done now, in short words; the packet identifier of an event is its sequence."""
    done = []
    for lane in Lane:
        while not isinstance(action := drain.next(lane, at(second)), Wait):
            match action:
                case Publish(each, replayed):
                    done.append(f"{'again' if replayed else 'live'} {each.sequence}")
                    drain.sent(each.sequence, action, at(second))
                case Ask(Lane.LIVE, after, _):
                    done.append(f"live?{after}")
                case Ask(Lane.BACKLOG, after, _):
                    done.append("from the start?" if after == LOWEST else f"from {after}?")
                case Stuck():
                    return [*done, "stuck"]
    return done


def play(drain: Drain, *lines: tuple[float, Callable[[Drain, int], object], str]) -> None:
    for second, happens, expected in lines:
        happens(drain, at(second))
        assert expected == ", ".join(do(drain, second)), f"at {second} s"


def live(first: int, last: int) -> Callable[[Drain, int], object]:
    return lambda drain, now_ns: drain.given(Lane.LIVE, events(first, last), now_ns)


def old(first: int, last: int) -> Callable[[Drain, int], object]:
    return lambda drain, now_ns: drain.given(Lane.BACKLOG, events(first, last), now_ns)


def acknowledged(*mids: int) -> Callable[[Drain, int], object]:
    def happens(drain: Drain, now_ns: int) -> None:
        for mid in mids:
            drain.acknowledged(mid, now_ns)

    return happens


def postponed(mid: int, seconds: float) -> Callable[[Drain, int], object]:
    return lambda drain, now_ns: drain.postponed(mid, now_ns + at(seconds))


def wanted_again(first: int, last: int) -> Callable[[Drain, int], object]:
    return lambda drain, _now_ns: drain.again(first, last)


def nothing(_drain: Drain, _now_ns: int) -> None: ...


def confirmed(drain: Drain, _now_ns: int) -> None:
    drain.confirmation_arrived()


def each(word: str, first: int, last: int) -> str:
    return ", ".join(f"{word} {sequence}" for sequence in range(first, last + 1))


NO_BACKLOG = (0, nothing, "live?0, from the start?"), (0, old(1, 0), "")


def test_live_events_go_out_in_order_and_never_more_than_the_window() -> None:
    play(
        a_drain(window=3),
        *NO_BACKLOG,
        (0, live(1, 5), "live 1, live 2, live 3, live?5"),
        (1, acknowledged(1), "live 4"),
        (1, acknowledged(2, 3), "live 5"),
    )


def test_what_was_there_before_the_session_goes_out_as_replayed_salvaged_places_first() -> None:
    drain = a_drain(live_after=3)
    play(drain, (0, nothing, "live?3, from the start?"))
    drain.given(Lane.BACKLOG, [event(-2), event(-1), *events(1, 5)], 0)
    assert do(drain, 0) == ["again -2", "again -1", "again 1", "again 2", "again 3"]
    play(drain, (1, live(4, 5), "live 4, live 5, live?5"))


def test_a_backlog_is_walked_page_by_page_to_its_end() -> None:
    play(
        a_drain(live_after=4),
        (0, nothing, "live?4, from the start?"),
        (0, old(1, 2), "again 1, again 2, from 2?"),
        (0, old(3, 3), "again 3, from 3?"),
        (0, old(1, 0), ""),  # 4 was confirmed meanwhile
    )


def test_a_backlog_leaves_places_free_which_what_is_live_takes_at_once() -> None:
    play(
        a_drain(live_after=50, window=5),
        (0, nothing, "live?50, from the start?"),
        (0, old(1, 50), "again 1, again 2, again 3"),
        (1, live(51, 54), "live 51, live 52, live?54"),
        (2, acknowledged(1), "live 53"),  # the next place is what is live's, too
        (3, acknowledged(2, 51), "live 54"),
        (4, acknowledged(3, 52), "again 4"),
    )


@pytest.mark.parametrize(("window", "backlog"), [(0, 0), (1, 1), (2, 1), (3, 2), (4, 2), (5, 3), (20, 18)])
def test_of_a_small_window_the_backlog_leaves_half(window: int, backlog: int) -> None:
    drain = a_drain(live_after=50, window=window)
    do(drain, 0)
    drain.given(Lane.BACKLOG, events(1, 50), 0)
    assert do(drain, 0) == [f"again {sequence}" for sequence in range(1, backlog + 1)]


def test_a_window_that_shrinks_is_kept_to_and_one_without_a_place_sends_nothing_and_does_not_spin() -> None:
    drain = a_drain(window=2, suspects=frozenset({1, 2, 3, 4}))
    play(drain, *NO_BACKLOG, (0, live(1, 6), "live 1, live?6"))
    drain.window = 0
    play(drain, (1, acknowledged(1), ""))
    assert [drain.next(lane, at(1)) for lane in Lane] == [Wait(None), Wait(at(31))]  # the next look back
    drain.window = 1
    play(drain, (2, nothing, "live 2"), (2, acknowledged(2), "live 3"))


def test_a_gap_of_confirmed_events_is_no_obstacle() -> None:
    play(a_drain(), *NO_BACKLOG, (0, live(7, 8), "live 7, live 8, live?8"), (1, live(12, 12), "live 12, live?12"))


def test_the_backlog_is_paced_and_what_is_live_is_not() -> None:
    drain = a_drain(live_after=9, pace_per_s=10)  # a burst of 0.1 s is one event
    play(
        drain,
        (10, nothing, "live?9, from the start?"),
        (10, old(1, 9), "again 1, again 2"),
        (10.05, live(10, 12), "live 10, live 11, live 12, live?12"),
        (10.1, nothing, "again 3"),
        (10.2, nothing, "again 4"),
    )
    assert drain.next(Lane.BACKLOG, at(10.2)) == Wait(at(10.3))


def test_more_than_was_asked_for_ahead_stays_with_the_gate() -> None:
    drain = a_drain(live_after=10 * PAGE, window=1)
    do(drain, 0)
    for first in range(1, 2 * PAGE, PAGE):
        drain.given(Lane.BACKLOG, events(first, first + PAGE - 1), 0)
        asked = do(drain, 0)
    assert asked == []
    drain.given(Lane.BACKLOG, events(201, 300), 0)  # nobody asked
    assert do(drain, 0) == []


# --- what the recorder did not confirm -------------------------------------------------------------------------


def test_what_is_acknowledged_and_still_in_the_gate_is_sent_again() -> None:
    play(
        a_drain(),
        *NO_BACKLOG,
        (0, live(1, 2), "live 1, live 2, live?2"),
        (1, acknowledged(1), ""),
        (1.1, acknowledged(2), ""),
        (30.9, nothing, ""),
        (31, nothing, "from 0?"),  # watched since 1 s: event 1
        (31, old(1, 2), "again 1"),
        (31.5, acknowledged(1), ""),
        (61, nothing, "from 0?"),
        (61, old(1, 2), "again 1, again 2"),
    )


def test_what_is_confirmed_is_not_sent_again_and_the_question_stays_open_for_the_next_event() -> None:
    play(
        a_drain(),
        *NO_BACKLOG,
        (0, live(1, 2), "live 1, live 2, live?2"),
        (1, acknowledged(1, 2), ""),
        (31, nothing, "from 0?"),
        (31, old(1, 0), ""),
        (61, nothing, "from 0?"),  # for event 2, acknowledged after the watch began
        (61, old(1, 0), ""),
        (500, nothing, ""),
        (501, live(3, 3), "live 3, live?3"),
    )


def test_a_recorder_that_is_away_costs_one_page_a_round_and_live_events_go_on() -> None:
    drain = a_drain(live_after=3 * PAGE, window=1000)
    do(drain, 0)
    for first in range(1, 3 * PAGE, PAGE):
        drain.given(Lane.BACKLOG, events(first, first + PAGE - 1), 0)
        do(drain, 0)
        acknowledged(*range(first, first + PAGE))(drain, 0)
    # Watched since the first acknowledgement: event 1 only. The next round sees all.
    play(drain, (30, nothing, "from the start?"), (30, old(1, PAGE), "again 1"), (30, acknowledged(1), ""))
    for second in (60, 90, 120):
        play(
            drain,
            (second, nothing, "from the start?"),
            (second, old(1, PAGE), each("again", 1, PAGE)),
            (second + 1, acknowledged(*range(1, PAGE + 1)), ""),
            (second + 2, live(300 + second, 300 + second), f"live {300 + second}, live?{300 + second}"),
            (second + 29, acknowledged(300 + second), ""),
        )


def test_a_recorder_that_is_back_is_served_page_by_page_as_it_confirms() -> None:
    drain = a_drain(live_after=3 * PAGE, window=1000)
    do(drain, 0)
    for first in range(1, 3 * PAGE, PAGE):
        drain.given(Lane.BACKLOG, events(first, first + PAGE - 1), 0)
        do(drain, 0)
        acknowledged(*range(first + PAGE - 1, first - 1, -1))(drain, 0)  # the watch begins with the highest of the first page
    play(
        drain,
        (30, nothing, "from the start?"),
        (30, old(1, PAGE), each("again", 1, PAGE)),
        (30.1, acknowledged(*range(1, PAGE + 1)), ""),
        (30.2, confirmed, ""),  # that was the round
        (60, nothing, "from the start?"),
        (60, old(11, PAGE), f"{each('again', 11, PAGE)}"),
        (60.1, acknowledged(*range(11, PAGE + 1)), ""),
        (60.2, confirmed, f"from {PAGE}?"),
        (60.2, old(PAGE + 1, 2 * PAGE), each("again", PAGE + 1, 2 * PAGE)),
        (60.3, acknowledged(*range(PAGE + 1, 2 * PAGE + 1)), ""),
        (60.4, confirmed, f"from {2 * PAGE}?"),
        (60.4, old(1, 0), ""),
    )


def test_a_repeat_goes_on_while_the_first_walk_is_long_and_sends_nothing_that_was_not_sent() -> None:
    """A week's backlog over a slow line takes hours: what was lost at the broker meanwhile does not wait for its end."""
    play(
        a_drain(live_after=1000),
        (0, nothing, "live?1000, from the start?"),
        (0, old(1, 2), "again 1, again 2, from 2?"),
        (0, acknowledged(2, 1), ""),
        (29, old(3, 4), "again 3, again 4, from 4?"),
        (30, nothing, ""),  # one question at a time
        (30, old(5, 5), "again 5, from the start?"),
        (30, old(1, 6), "again 1, again 2, from 5?"),  # and the first walk goes on
    )


# --- what the recorder asks for once more ----------------------------------------------------------------------


def test_a_range_that_is_wanted_again_goes_before_the_rest_of_the_backlog_and_after_what_is_live() -> None:
    play(
        a_drain(live_after=50, window=4),
        (0, nothing, "live?50, from the start?"),
        (0, wanted_again(7, 9), ""),
        (0, old(1, 2), "again 1, again 2, from 6?"),
        (0, old(7, 12), "from 2?"),
        (0, live(51, 52), "live 51, live 52, live?52"),
        (0, old(3, 4), "from 4?"),
        (1, acknowledged(51, 52, 1, 2), "again 7, again 8"),
        (1, acknowledged(7, 8), "again 9, again 3"),
    )


def test_of_a_range_only_what_is_still_there_is_sent_and_what_is_not_sent_yet_is_the_live_lanes() -> None:
    play(
        a_drain(),
        *NO_BACKLOG,
        (0, live(1, 4), "live 1, live 2, live 3, live 4, live?4"),
        (1, acknowledged(1, 2, 3, 4), ""),
        (2, wanted_again(-(2**63) + 1, 2**63 - 1), f"from {-(2**63)}?"),
        (2, old(2, 3), "again 2, again 3, from 3?"),
        (2, old(5, 9), ""),
        (2, live(5, 5), "live 5, live?5"),
    )


def test_a_flood_of_ranges_is_bounded() -> None:
    drain = a_drain(live_after=100)
    for _ in range(1000):
        drain.again(1, 2)
    drain.again(5, 4)
    asked = 0
    while any(action.startswith("from") for action in do(drain, 0)):
        asked += 1
        drain.given(Lane.BACKLOG, [], 0)
    assert asked == AGAIN_MAX + 1


# --- what the broker answers -----------------------------------------------------------------------------------


def test_an_answer_that_stays_out_is_stuck() -> None:
    play(a_drain(), *NO_BACKLOG, (1, live(1, 1), "live 1, live?1"), (20.9, nothing, ""), (21, nothing, "stuck"))


def test_a_quota_pauses_everything_and_what_was_postponed_goes_first_in_its_lane() -> None:
    play(
        a_drain(live_after=9, window=4),
        (0, nothing, "live?9, from the start?"),
        (0, old(1, 9), "again 1, again 2"),
        (0, live(10, 14), "live 10, live 11, live?14"),
        (0, postponed(2, 5), ""),
        (0, postponed(11, 5), ""),
        (0, postponed(10, 5), ""),
        (4.9, nothing, ""),
        (5, nothing, "live 10, live 11, live 12"),
        (5, acknowledged(1, 10), "live 13, live 14"),
        (5, acknowledged(11, 12, 13), "again 2"),
    )


def test_an_event_refused_for_good_frees_its_place() -> None:
    drain = a_drain(window=1)
    play(drain, *NO_BACKLOG, (0, live(1, 2), "live 1, live?2"))
    assert drain.refused(1, 0) == event(1)
    assert do(drain, 0) == ["live 2"]


def test_a_refused_event_rests_for_an_hour_and_what_replaces_it_goes_out_at_the_next_look_back() -> None:
    drain = a_drain()
    play(drain, *NO_BACKLOG, (0, live(1, 1), "live 1, live?1"))
    drain.refused(1, 0)
    play(drain, (30, nothing, "from 0?"), (30, old(1, 1), ""), (60, nothing, "from 0?"))
    drain.given(Lane.BACKLOG, [replace(event(1), body=b"void")], at(60))
    assert do(drain, 60) == ["again 1"]


def test_a_page_of_refused_events_does_not_hide_what_lies_behind_it() -> None:
    drain = a_drain(window=1000)
    play(drain, *NO_BACKLOG)
    drain.given(Lane.LIVE, events(1, PAGE + 2), 0)
    do(drain, 0)
    drain.acknowledged(PAGE + 2, 0)  # the watch begins with the highest
    for mid in range(1, PAGE + 1):
        drain.refused(mid, 0)
    drain.acknowledged(PAGE + 1, 0)
    play(
        drain,
        (30, nothing, "from 0?"),
        (30, old(1, PAGE), f"from {PAGE}?"),
        (30, old(PAGE + 1, PAGE + 2), f"again {PAGE + 1}, again {PAGE + 2}"),
    )


def test_a_new_link_starts_over_and_keeps_count_of_what_is_in_flight() -> None:
    drain = a_drain(window=3)
    play(drain, *NO_BACKLOG, (0, live(1, 5), "live 1, live 2, live 3, live?5"))
    drain.start_over(5)
    play(drain, (1, nothing, "live?5, from the start?"), (1, old(1, 5), ""))
    assert drain.refused(1, at(1)) is None  # of the old link
    for mid in (2, 3):
        drain.acknowledged(mid, at(2))
    assert do(drain, 2) == ["again 1", "again 2"]


def test_suspects_travel_alone_whatever_their_lane() -> None:
    play(
        a_drain(live_after=4, suspects=frozenset({2, 5})),
        (0, nothing, "live?4, from the start?"),
        (0, old(1, 4), "again 1"),
        (0, acknowledged(1), "again 2"),
        (0, live(5, 6), "live?6"),
        (0, acknowledged(2), "live 5"),
        (0, acknowledged(5), "live 6, again 3, again 4"),
    )


def test_before_mqtt_5_nothing_goes_within_a_breath_of_a_suspect_and_after_it_the_suspect_is_cleared() -> None:
    drain = Drain(
        Refusals(),
        live_after=0,
        window=20,
        confirm_within_ns=30 * NS,
        answer_within_ns=20 * NS,
        pace_per_s=1e6,
        suspects={2},
        lingers_ns=NS // 2,
    )
    play(
        drain,
        *NO_BACKLOG,
        (0, live(1, 3), "live 1, live?3"),
        (1, acknowledged(1), ""),
        (1.4, nothing, ""),
        (1.5, nothing, "live 2"),
        (2, acknowledged(2), ""),
        (2.4, nothing, ""),
    )
    assert (drain.near(at(2.4)), drain.cleared(at(2.4))) == ([event(2)], None)
    play(drain, (2.5, nothing, "live 3"))
    assert (drain.near(at(2.5)), drain.cleared(at(2.5)), drain.cleared(at(2.5))) == ([event(3)], event(2), None)


# --- whatever happens ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(30))
def test_whatever_happens_every_event_arrives_each_lane_in_order_within_the_window_and_the_loop_never_spins(seed: int) -> None:
    """Seeded chaos: a broker that acknowledges, forgets, postpones; a recorder that confirms late and asks again; a gate that comes again."""
    World(seed).run()


class World:
    OLD, ALL = 80, 150

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.window = self.random.randint(1, 20)
        self.live_after = self.OLD
        self.drain = a_drain(live_after=self.OLD, window=self.window, confirm_s=2, pace_per_s=self.random.choice([50, 1e6]))
        self.outbox = {each.sequence: each for each in [event(-1), *events(1, self.ALL)]}
        self.born = self.OLD
        self.open: dict[Lane, int] = {}
        self.flights: dict[int, Publish] = {}
        self.mid = 0
        self.now_ns = 0
        self.sent: dict[Lane, list[int]] = {Lane.LIVE: [], Lane.BACKLOG: []}

    def run(self) -> None:
        for _ in range(100_000):
            if not self.outbox and self.born == self.ALL:
                return
            self.turn()
        raise AssertionError(f"{len(self.outbox)} events left")

    def turn(self) -> None:
        dates_ns = []
        for lane in Lane:
            while not isinstance(action := self.drain.next(lane, self.now_ns), Wait):
                self.carry_out(action)
            if action.until_ns is not None:
                assert action.until_ns > self.now_ns, "the loop spins"
                dates_ns.append(action.until_ns)
        self.now_ns = min([self.now_ns + int(self.random.uniform(0, 0.3) * NS), *dates_ns]) + 1
        self.go_on()

    def carry_out(self, action: Ask | Publish | Stuck) -> None:
        match action:
            case Publish(each, replayed):
                self.mid += 1
                self.flights[self.mid] = action
                self.drain.sent(self.mid, action, self.now_ns)
                assert len(self.flights) <= self.window
                lane = Lane.BACKLOG if replayed else Lane.LIVE
                if each.sequence not in self.sent[lane]:
                    self.first(lane, each.sequence)
            case Ask(lane, after, _):
                assert lane not in self.open, "one question a lane"
                self.open[lane] = after
            case Stuck():
                raise AssertionError("everything is answered in time")

    def first(self, lane: Lane, sequence: int) -> None:
        """Sent in this lane for the first time: the live lane has what was born in the session, in order."""
        if lane is Lane.LIVE:
            assert sequence > max([self.live_after, *self.sent[lane]])
        self.sent[lane].append(sequence)

    def go_on(self) -> None:
        self.born = min(self.ALL, self.born + self.random.randint(0, 8))
        for mid in self.random.sample(sorted(self.flights), self.random.randint(0, len(self.flights))):
            self.answer(mid, self.flights.pop(mid))
        if self.random.random() < 0.01:
            self.drain.start_over(self.born)
            self.live_after, self.open, self.sent[Lane.LIVE] = self.born, {}, []
        if self.random.random() < 0.02:
            first = self.random.randint(-5, 200)
            self.drain.again(first, first + self.random.randint(-2, 200))
        for lane, after in list(self.open.items()):
            rows = [each for sequence, each in sorted(self.outbox.items()) if after < sequence <= self.born][: self.random.randint(1, PAGE)]
            if rows or lane is Lane.BACKLOG:
                del self.open[lane]
                self.drain.given(lane, rows, self.now_ns)

    def answer(self, mid: int, publish: Publish) -> None:
        if self.random.random() < 0.05:
            self.drain.postponed(mid, self.now_ns + int(0.1 * NS))
            return
        self.drain.acknowledged(mid, self.now_ns)
        if self.random.random() < 0.7:  # the broker did not lose it
            self.outbox.pop(publish.event.sequence, None)
            if self.random.random() < 0.3:
                self.drain.confirmation_arrived()
