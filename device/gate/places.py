"""How many places of the site are taken: by who is inside, by who holds an open grant, and by who was only counted.

Every decision asks, and a stadium's gate has thousands inside. So the two sums that grow with the day are kept beside the tables
and follow each change; what is added up anew are the grants that are open, which are few.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from device.admission.presence import Moment
from device.gate.moments import columns


class Places:
    """On the store's connection; whoever calls ``count`` and ``level`` has opened the store's transaction. Raises sqlite3.Error."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._db = database
        self._inside: int | None = None
        self._counted: int | None = None

    def add_up(self) -> None:
        """What was kept beside the tables may differ from them: a transaction was undone, or many rows were changed. They are added up again."""
        self._inside = self._counted = None

    def inside_changed(self, by: int) -> None:
        """``by`` more people are in the table ``inside``."""
        if self._inside is not None:
            self._inside += by

    def occupied(self, without: Iterable[bytes]) -> int:
        """Places that are taken or reserved, not counting those of the persons in ``without``.

        Who went in or out without a grant counts too, and is kept apart: nobody knows whose place that was.
        """
        return max(self._balance() - sum(map(self._of, set(without))), 0)

    def count(self, people: int, now: Moment) -> None:
        """So many went in without a grant, or out (below zero); never more than there are inside."""
        self.level(now)
        self._add_counted(max(people, -self.occupied(())), now)

    def level(self, now: Moment) -> None:
        """Whoever comes in now takes a place for certain: nobody is owed one by those who were counted out too often."""
        self._add_counted(max(-self._balance(), 0), now)

    def _add_counted(self, people: int, now: Moment) -> None:
        if people:
            self._db.execute("INSERT INTO counted (people, utc, trust, boot, at_ns) VALUES (?, ?, ?, ?, ?)", (people, *columns(now)))
            if self._counted is not None:
                self._counted += people

    def _balance(self) -> int:
        """Below zero where more were counted out than are known to be inside now: some of those were identified, and left by a code."""
        if self._inside is None:
            self._inside = self._sum("SELECT sum(people) FROM inside")
        if self._counted is None:
            self._counted = self._sum("SELECT sum(people) FROM counted")
        return self._inside + self._counted + self._reserved()

    def _reserved(self) -> int:
        """Places of open grants beyond those that their bearers take already: of a party inside and a larger one on its way the larger counts."""
        return self._sum(
            "SELECT sum(max(most - coalesce(inside.people, 0), 0)) FROM "
            "(SELECT coalesce(person, id) AS bearer, max(people) AS most FROM open_grant WHERE direction='entry' GROUP BY bearer) "
            "LEFT JOIN inside ON inside.person = bearer"
        )

    def _of(self, person: bytes) -> int:
        return self._sum(
            "SELECT max(people) FROM (SELECT people FROM inside WHERE person=? "
            "UNION ALL SELECT people FROM open_grant WHERE person=? AND direction='entry')",
            person,
            person,
        )

    def _sum(self, question: str, *values: bytes) -> int:
        (people,) = self._db.execute(question, values).fetchone()
        return int(people or 0)
