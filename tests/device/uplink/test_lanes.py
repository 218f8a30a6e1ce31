"""Two lanes in one window, whatever order things happen in: hypothesis looks for the order that breaks a promise."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from device.clock import NS
from device.commands.deeds import RANGES_MAX
from device.domain import StoredEvent
from device.links import Lane
from device.uplink.actions import Ask, Publish, Stuck, Wait
from device.uplink.drain import Drain
from device.uplink.lanes import AGAIN_MAX, PAGE, BacklogLane, Queue
from device.uplink.refusals import Refusals
from tests.device.uplink.scripted import event


class Lanes(RuleBasedStateMachine):
    """A gate that records and answers, a broker that acknowledges or postpones, and a recorder that wants events again."""

    @initialize(window=st.integers(1, 20), backlog=st.integers(0, 3 * PAGE))
    def connect(self, window: int, backlog: int) -> None:
        self.window, self.live_after = window, backlog
        self.outbox = [event(sequence) for sequence in range(1, backlog + 1)]
        self.now_ns = 0
        self.mid = 0
        self.open: dict[Lane, int] = {}
        self.flights: dict[int, Publish] = {}
        self.given_live = backlog
        self.first_sent: dict[Lane, list[int]] = {lane: [] for lane in Lane}
        self.drain = Drain(Refusals(), live_after=backlog, window=window, confirm_within_ns=30 * NS, answer_within_ns=3600 * NS, pace_per_s=1000)
        self.turn()

    @rule(count=st.integers(1, 5))
    def record(self, count: int) -> None:
        self.outbox += [event(len(self.outbox) + 1 + number) for number in range(count)]

    @precondition(lambda self: self.open)
    @rule(data=st.data(), most=st.integers(1, PAGE))
    def give(self, data: st.DataObject, most: int) -> None:
        lane = data.draw(st.sampled_from(sorted(self.open)))
        page = [each for each in self.outbox if each.sequence > self.open[lane]][:most]
        if page or lane is Lane.BACKLOG:
            del self.open[lane]
            self.drain.given(lane, page, self.now_ns)
            if lane is Lane.LIVE:
                self.given_live = page[-1].sequence
        self.turn()

    @precondition(lambda self: self.flights)
    @rule(data=st.data(), postponed=st.booleans())
    def answer(self, data: st.DataObject, postponed: bool) -> None:
        mid = data.draw(st.sampled_from(sorted(self.flights)))
        del self.flights[mid]
        if postponed:
            self.drain.postponed(mid, self.now_ns)
        else:
            self.drain.acknowledged(mid, self.now_ns)
        self.turn()

    @rule(first=st.integers(-10, 400), length=st.integers(-1, 400))
    def want_again(self, first: int, length: int) -> None:
        self.drain.again(first, first + length)
        self.turn()

    @rule(seconds=st.sampled_from([0.01, 0.5, 31]))
    def wait(self, seconds: float) -> None:
        self.now_ns += int(seconds * NS)
        self.drain.confirmation_arrived()
        self.turn()

    def turn(self) -> None:
        for lane in Lane:
            while not isinstance(action := self.drain.next(lane, self.now_ns), Wait):
                match action:
                    case Publish(each, replayed):
                        self.publish(action, each, Lane.BACKLOG if replayed else Lane.LIVE)
                    case Ask(of_lane, after, _):
                        assert of_lane is lane not in self.open
                        self.open[lane] = after
                    case Stuck():
                        raise AssertionError("everything is answered in time")

    def publish(self, publish: Publish, each: StoredEvent, lane: Lane) -> None:
        if lane is Lane.BACKLOG:
            assert len(self.flights) < self.window - min(2, self.window // 2), "the backlog takes a place that is what is live's"
        self.mid += 1
        self.flights[self.mid] = publish
        self.drain.sent(self.mid, publish, self.now_ns)
        if each.sequence not in self.first_sent[lane]:
            self.first_sent[lane].append(each.sequence)

    @invariant()
    def no_more_than_the_window(self) -> None:
        assert len(self.flights) <= self.window

    @invariant()
    def what_is_live_is_sent_in_order_and_waits_only_for_a_full_window(self) -> None:
        sent = self.first_sent[Lane.LIVE]
        assert sent == list(range(self.live_after + 1, self.live_after + 1 + len(sent)))
        assert len(self.flights) == self.window or len(sent) == self.given_live - self.live_after

    def teardown(self) -> None:
        """Left alone, all of it gets there."""
        if not hasattr(self, "drain"):
            return
        for _ in range(5000):
            if {each.sequence for each in self.outbox} == {sequence for sent in self.first_sent.values() for sequence in sent}:
                return
            self.now_ns += NS // 100
            for mid in list(self.flights):
                del self.flights[mid]
                self.drain.acknowledged(mid, self.now_ns)
            for lane, after in list(self.open.items()):
                page = [each for each in self.outbox if each.sequence > after][:PAGE]
                if page or lane is Lane.BACKLOG:
                    del self.open[lane]
                    self.drain.given(lane, page, self.now_ns)
            self.turn()
        raise AssertionError("something is never sent")


TestLanes = Lanes.TestCase
TestLanes.settings = settings(max_examples=40, stateful_step_count=40, derandomize=True, deadline=None)


def test_what_was_postponed_comes_first_and_in_order() -> None:
    queue = Queue()
    queue.put([event(7), event(8)])
    for sequence in (5, 3, 4):
        queue.put_back(event(sequence))
    assert [queue.pop().sequence for _ in range(len(queue))] == [3, 4, 5, 7, 8]
    assert queue.first is None


def brought(ranges: list[tuple[int, int]], stored: int) -> list[int]:
    """What goes to the broker of a gate's ``stored`` events, all of them live until the recorder asks for ``ranges`` again."""
    lane, found = BacklogLane(0, 30 * NS), list[int]()
    for first, last in ranges:
        lane.again(first, last)
    while ask := lane.question(0):
        lane.given([event(sequence) for sequence in range(max(ask.after, 0) + 1, stored + 1)][:PAGE], lambda _: False, 0)
        found += [lane.queue.pop().sequence for _ in range(len(lane.queue))]
    return found


def test_every_range_that_one_order_may_name_is_kept() -> None:
    """One number. It stands in two places, because the uplink needs no cryptography, and orders do."""
    assert AGAIN_MAX == RANGES_MAX
    assert brought([(each, each + 1) for each in range(1, 10 * RANGES_MAX, 10)], 2000) == [
        sequence for each in range(1, 10 * RANGES_MAX, 10) for sequence in (each, each + 1)
    ]


@pytest.mark.parametrize("further", [[(1501, 1502), (1901, 1901)], [(1901, 1901), (1501, 1502)], [(3, 3)]])
def test_ranges_beyond_those_of_one_order_are_brought_too_with_what_lies_between(further: list[tuple[int, int]]) -> None:
    """A second order may come before the first is done, and both were answered with yes."""
    ranges = [(each, each) for each in range(1, 10 * RANGES_MAX, 10)]
    found = set(brought(ranges + further, 2000))
    assert found >= {sequence for first, last in ranges + further for sequence in range(first, last + 1)}
    low, high = min(ranges[-1][0], further[0][0], further[-1][0]), max(last for _, last in ranges + further)
    assert found <= {first for first, _ in ranges} | set(range(low, high + 1))
