"""The runs of every gate and epoch, in memory as far as they are in use and in the archive's file for good."""

from __future__ import annotations

from collections import OrderedDict

from provisioning.operations.database import Database
from provisioning.operations.runs import Range, Run, Runs

REMEMBERED = 20_000
"""Epochs in memory: every gate of a large province, several times over."""


class Chains:
    """Changed within a transaction of the archive, which calls ``write`` at its end, or ``forget`` where it fails."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._chains: OrderedDict[tuple[str, str], Runs] = OrderedDict()
        self._touched: dict[tuple[str, str], Runs] = {}

    def of(self, gate: str, epoch: str) -> Runs:
        key = (gate, epoch)
        found = self._chains.get(key)
        if found is None:
            rows = self._database.rows("SELECT first, last, before, link FROM runs WHERE gate = ? AND epoch = ?", key)
            found = self._chains[key] = Runs(Run(*row) for row in rows)
        self._chains.move_to_end(key)
        return found

    def add(self, gate: str, epoch: str, sequence: int, *, before: bytes | None, link: bytes) -> bool:
        """See ``Runs.add``."""
        runs = self.of(gate, epoch)
        self._touched[gate, epoch] = runs
        return runs.add(sequence, before=before, link=link)

    def write(self, moment: str) -> None:
        for (gate, epoch), runs in self._touched.items():
            for first in runs.removed:
                self._database.execute("DELETE FROM runs WHERE gate = ? AND epoch = ? AND first = ?", (gate, epoch, first))
            for run in runs.changed.values():
                row = (gate, epoch, run.first, run.last, run.before, run.link, moment)
                self._database.execute("INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?, ?, ?, ?)", row)
            runs.removed.clear()
            runs.changed.clear()
        self._touched.clear()
        while len(self._chains) > REMEMBERED:
            self._chains.popitem(last=False)

    def forget(self) -> None:
        """What is in memory was not written: read it again."""
        self._chains.clear()
        self._touched.clear()

    def settle(self, gate: str, epoch: str, lost: Range, why: str) -> None:
        """Nobody need wait any more for what is missing in this range."""
        self._database.execute("INSERT OR IGNORE INTO settled VALUES (?, ?, ?, ?, ?)", (gate, epoch, *lost, why))

    def missing(self, gate: str, epoch: str) -> list[Range]:
        """The ranges below the highest sequence that neither came nor were given up."""
        settled = self._database.rows("SELECT first, last FROM settled WHERE gate = ? AND epoch = ?", (gate, epoch))
        return list(self.of(gate, epoch).missing(settled))

    def broken(self, limit: int) -> list[tuple[str, str]]:
        """Gate and epoch of chains that do not reach from their beginning to their end in one run, at most ``limit``."""
        sql = "SELECT gate, epoch FROM runs GROUP BY gate, epoch HAVING count(*) > 1 OR min(first) > 1 ORDER BY max(changed_at) DESC LIMIT ?"
        return self._database.rows(sql, (limit,))
