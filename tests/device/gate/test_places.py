"""The sums that follow each change against the tables added up: they never differ."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import pytest

from device.admission.presence import Moment
from device.domain import Direction
from device.gate.memory import Memory, OpenGrant
from device.gate.schema import MIGRATIONS
from device.gate.store import Store
from tests.device.gate.test_memory import BINH, RESET_MINUTE, at, comes_in

STEPS = 400
PERSONS = tuple(b"person-%d" % number for number in range(8))
ALL = (
    "SELECT coalesce((SELECT sum(most) FROM (SELECT max(people) AS most FROM "
    "(SELECT person, people FROM inside UNION ALL SELECT coalesce(person, id), people FROM open_grant WHERE direction='entry') GROUP BY person)), 0) "
    "+ coalesce((SELECT sum(people) FROM counted), 0)"
)


class GivenUpError(Exception):
    """In the middle of a transaction."""


class Day:
    """People come and go, by chance."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._open: list[OpenGrant] = []
        self._number = 0

    def step(self, memory: Memory, now: Moment) -> None:
        choose = self._chance.random()
        if choose < 0.4:
            self._begin(memory, now)
        elif choose < 0.8 and self._open:
            one = self._open.pop(self._chance.randrange(len(self._open)))
            memory.end_grant(one, passed=self._chance.randint(0, one.people))
        elif choose < 0.9:
            memory.count(self._chance.randint(-3, 3), now)
        elif choose < 0.99:
            person, other = self._chance.sample(PERSONS, 2)
            memory.know(person, (person, other), now)
        else:
            memory.forget(now, RESET_MINUTE)

    def _begin(self, memory: Memory, now: Moment) -> None:
        self._number += 1
        way = self._chance.choice((Direction.ENTRY, Direction.ENTRY, Direction.EXIT))
        one = OpenGrant(f"g{self._number}", "p", None, self._chance.choice((*PERSONS, None)), way, self._chance.randint(1, 4))
        memory.open_grant(one, now)
        self._open.append(one)


@pytest.mark.parametrize("seed", range(5))
def test_the_places_that_are_taken_are_those_of_the_tables_whatever_happens_and_is_given_up(tmp_path: Path, seed: int) -> None:
    day, chance = Day(seed), random.Random(-seed)
    seen = set()
    with closing(Store(tmp_path / "events.db", gate="g", boot="boot-1", reserve=0)) as store:
        store._db.execute("PRAGMA synchronous=OFF")
        for number in range(STEPS):
            open_before = list(day._open)
            with suppress(GivenUpError), store.transaction() as writing:
                day.step(writing.memory, at(number * 300))
                writing.memory.occupied()
                if chance.random() < 0.1:
                    day._open = open_before
                    raise GivenUpError
            (truly,) = store._db.execute(ALL).fetchone()
            with store.recalling() as memory:
                assert memory.occupied() == max(truly, 0)
            seen.add(truly)
    assert len(seen) > 5, "the day was too quiet to prove anything"


def test_a_decision_asks_no_more_of_the_disk_when_thousands_are_inside(tmp_path: Path) -> None:
    """Steps of SQLite's machine for one question, with a thousand persons inside and with two."""
    took = []
    for people in (2, 1_000):
        with closing(sqlite3.connect(tmp_path / f"{people}.db", isolation_level=None)) as database:
            database.executescript("".join(MIGRATIONS))
            memory = Memory(database)
            for number in range(people):
                comes_in(memory, b"person-%d" % number, number)
            steps = [0]
            database.set_progress_handler(lambda: steps.__setitem__(0, steps[0] + 1), 1)  # noqa: B023 - asked at once
            assert memory.occupied((BINH,)) == people
            took.append(steps[0])
    assert took[0] == took[1]
