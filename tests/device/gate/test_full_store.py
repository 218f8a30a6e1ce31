"""What happens at the lane while the store fills: less and less is recorded, and to the end whoever must get out gets out."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from device.admission.budget import SINGLY_A_MINUTE
from device.domain import ClockTrust, Direction, EventType, Grant, Instant, PassageOutcome
from device.errors import StoreError
from device.gate.act import Answer
from device.gate.limits import Limits
from tests.device.gate.test_deciding import CARD, Bench
from tests.device.gate.test_store import NOW

MINUTES = 60


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    state = tmp_path / "state"
    state.mkdir()
    made = Bench(state, admits_claims=True)
    made.store._db.execute("PRAGMA synchronous=OFF")  # many commits, and no power cut
    with closing(made.store):
        yield made


def fill(bench: Bench, share: float, events_max: int = 200) -> None:
    """So much of the store is taken."""
    bench.store._limits = Limits(events_max=events_max)
    with bench.store.transaction() as writing:
        while bench.store.fill().share < share:
            writing.append(EventType.ALARM, {"what": "x"}, subject="gate", now=NOW)


def junk(bench: Bench, number: int) -> None:
    bench.show(b"junk %d" % number)


def last(bench: Bench) -> dict[str, Any]:
    """What the newest event says."""
    (event,) = bench.store.events_after(bench.store.last_sequence - 1, 1)
    facts: dict[str, Any] = json.loads(event.body)["data"]
    return facts


def recorded(bench: Bench) -> Counter[str]:
    rows = bench.store._db.execute("SELECT type, count(*) FROM event GROUP BY type").fetchall()
    return Counter(dict(rows))


def test_junk_that_is_held_up_for_hours_takes_a_fifth_and_the_next_honest_person_is_let_in(bench: Bench) -> None:
    bench.store._limits = Limits(events_max=1000)
    for number in range(MINUTES * 40):
        junk(bench, number)
        bench.later(1.5)
    bench.later(61)
    found = recorded(bench)
    assert found["decision"] == 200 < MINUTES * SINGLY_A_MINUTE
    assert found["audit"] <= MINUTES + 2  # the counts of what was not recorded singly
    bench.told()
    bench.show(CARD)
    assert bench.granted()
    assert not bench.deciding.store_fails


def test_numbers_are_left_out_of_a_store_that_is_nearly_full_and_told_of_when_it_has_room_again(bench: Bench) -> None:
    for number in range(SINGLY_A_MINUTE + 5):
        junk(bench, number)
    fill(bench, 0.91)
    before = recorded(bench)
    bench.later(61)
    assert (recorded(bench), bench.deciding.store_fails) == (before, False)
    bench.store._limits = Limits()
    bench.later(1)
    assert last(bench) == {"what": "left_out", "n": 1}


def test_at_the_end_nobody_is_let_in_and_ends_of_grants_are_still_recorded(bench: Bench) -> None:
    bench.show(CARD)
    fill(bench, 0.99)
    bench.goes(PassageOutcome.TURNED)
    bench.show(CARD.replace(b"999000000001", b"999000000002"))
    assert [type(each) for each in bench.told()] == [Answer]
    assert (recorded(bench)["passage"], recorded(bench)["decision"], bench.deciding.store_fails) == (1, 1, True)


def test_whoever_leaves_is_let_out_at_a_store_that_is_full_to_the_last(bench: Bench) -> None:
    bench.deciding.adopt(replace(bench.deciding.policy, direction=Direction.EXIT), None)
    fill(bench, 1.0)
    bench.show(CARD)
    (grant,) = bench.told()
    assert isinstance(grant, Grant)
    bench.store._limits = Limits()
    bench.later(11)
    assert recorded(bench)["decision"] == 1


def test_an_alarm_fits_where_an_entry_does_not(bench: Bench) -> None:
    fill(bench, 0.99)
    bench.deciding.fact(EventType.ALARM, {"what": "forced"})
    assert last(bench) == {"what": "forced"}
    with pytest.raises(StoreError) as caught, bench.store.transaction() as writing:
        writing.append(EventType.DECISION, {"admit": True, "direction": "entry"}, subject="t", now=Instant(NOW.utc, ClockTrust.UNTRUSTED))
    assert caught.value.what.endswith("% of the store is taken, and it has no room for this (entry)")
