"""The recorder's archive: every event once, in SQLite, on disk before anybody is told so; and what is odd about them.

Nothing that a gate sent is thrown away or stalls it. Other bytes under an id that is there are kept beside it, alarmed, and
confirmed with their own digest: a confirmation says "these very bytes are safe", so it lets nothing leave a gate that has others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from enum import Enum, auto
from pathlib import Path
from typing import Self

from device.events.topics import Topics
from provisioning.operations.alarms import What
from provisioning.operations.arrivals import VOID, Arrival
from provisioning.operations.births import Birth
from provisioning.operations.chains import Chains
from provisioning.operations.database import Database
from provisioning.operations.given_up import GivenUp
from provisioning.operations.identity import Identities
from provisioning.operations.register import DOUBTFUL_MAX, Known, Register
from provisioning.operations.repeats import Gap
from provisioning.operations.runs import Range
from provisioning.operations.schema import MIGRATIONS, SCHEMA_VERSION

INSERT = "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (source, id) DO NOTHING"

BROKEN_MAX = 10_000
"""Epochs that lack something and are looked at in one go."""


class Verdict(Enum):
    STORED = auto()
    DUPLICATE = auto()  # the same bytes are there already
    CONFLICT = auto()  # other bytes had this id: a cloned or a meddled gate; both are kept
    CROWDED = auto()  # one conflict too many: not kept, so not confirmed
    NOTED = auto()  # a birth message


SAFE = frozenset({Verdict.STORED, Verdict.DUPLICATE, Verdict.CONFLICT})
"""These very bytes are on disk."""


class Archive:
    """Owned by one thread. Close it, or use it in a ``with``."""

    def __init__(self, path: Path) -> None:
        """Open the archive at ``path`` or make an empty one; one of an older recorder is brought up to date.

        Raises:
            StoreError: it cannot be opened, is of a newer version, or does not promise durable commits.
        """
        self.database = Database(path, MIGRATIONS, called="archive")
        with self.database.told():
            self.chains = Chains(self.database)
            self.register = Register(self.database)
            self._given_up = GivenUp(self.database, self.chains, self.register)
            if 0 < self.database.came_from < SCHEMA_VERSION:
                with self.database.transaction():
                    self._given_up.recall(self.database.came_from, _written(datetime.now(UTC)))
        self._identities = Identities(self.database, self.register)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.database.close()

    def store(self, arrivals: Sequence[Arrival | Birth], *, received_at: datetime) -> list[Verdict]:
        """One verdict for each of ``arrivals``, all in one commit: when this returns, they are on disk.

        Raises:
            StoreError: nothing of them was stored.
        """
        moment = _written(received_at)
        with self.database.told():
            try:
                with self.database.transaction():
                    self.register.see_accepted()
                    verdicts = [self._note(each, moment) if isinstance(each, Birth) else self._place(each, moment) for each in arrivals]
                    self.chains.write(moment)
                    self.register.write()
            except BaseException:
                self.chains.forget()
                self.register.forget()
                raise
        return verdicts

    def take_accepted(self) -> list[str]:
        """Gates that an operator has accepted since the last time; from now on they are what he decided."""
        with self.database.told():
            if self.database.row("SELECT 1 FROM accepted LIMIT 1") is None:
                return []
            with self.database.transaction():
                return self.register.take_accepted()

    def gaps(self, province: str) -> Iterator[Gap]:
        """What is missing below the highest event of each epoch and was not given up by its gate; and originals that gates still owe."""
        with self.database.told():
            for gate, epoch in self.chains.broken(BROKEN_MAX):
                yield from self._gap(province, gate, epoch, self.chains.missing(gate, epoch))
            for gate, epoch in self._given_up.debtors(BROKEN_MAX):
                yield from self._gap(province, gate, epoch, self._given_up.owed(gate, epoch), originals=True)

    def _gap(self, province: str, gate: str, epoch: str, ranges: Sequence[Range], *, originals: bool = False) -> Iterator[Gap]:
        if ranges and (site := self.register.site(gate)):
            yield Gap(Topics(province, site, gate), epoch, tuple(ranges), originals)

    def has_original(self, each: Arrival) -> bool:
        """Is ``each`` a void whose original is stored, too?"""
        with self.database.told():
            return self._given_up.has_original(each)

    # --- events ------------------------------------------------------------------------------------------------

    def _place(self, each: Arrival, moment: str) -> Verdict:
        known = self.register.gate(each.topics)
        row = (each.source, each.epoch, each.sequence, each.id, each.type, moment, each.body)
        if self.database.execute(INSERT, row).rowcount == 0:
            return self._again(known, each, moment, row)
        gate = each.topics.gate
        if not self.chains.add(gate, each.epoch, each.sequence, before=each.before, link=each.link):
            self.register.alarm(gate, What.BROKEN_CHAIN, moment)
        if each.sequence == known.head_sequence and each.epoch == known.head_epoch and each.link != known.head_hash:
            self.register.alarm(gate, What.BROKEN_CHAIN, moment)
        if each.type == VOID:
            self._given_up.take(known, each, moment)
        return Verdict.STORED

    def _again(self, known: Known, each: Arrival, moment: str, row: tuple[object, ...]) -> Verdict:
        """An id that is there already."""
        (body,) = self.database.row("SELECT body FROM events WHERE source = ? AND id = ?", (each.source, each.id)) or (b"",)
        if body == each.body:
            return Verdict.DUPLICATE
        further = [*row, each.hash]
        if self._given_up.is_of_one_event(known, each, body, moment):
            added = self.database.execute("INSERT OR IGNORE INTO voided VALUES (?, ?, ?, ?, ?, ?, ?, ?)", further).rowcount
            self._given_up.came(each)
            return Verdict.STORED if added else Verdict.DUPLICATE
        if self.database.row("SELECT 1 FROM conflicts WHERE source = ? AND id = ? AND hash = ?", (each.source, each.id, each.hash)):
            return Verdict.DUPLICATE
        if known.doubtful >= DOUBTFUL_MAX:
            self.register.alarm(each.topics.gate, What.CROWDED, moment)
            return Verdict.CROWDED
        self.register.alarm(each.topics.gate, What.OTHER_BYTES, moment)
        known.doubtful += 1
        self.register.change(known)
        self.database.execute("INSERT INTO conflicts VALUES (?, ?, ?, ?, ?, ?, ?, ?)", further)
        self._given_up.came(each)
        return Verdict.CONFLICT

    # --- births ------------------------------------------------------------------------------------------------

    def _note(self, birth: Birth, moment: str) -> Verdict:
        known = self.register.gate(birth.topics)
        had_key = known.key is not None
        for what in self._identities.judge(birth, known, moment):
            self.register.alarm(known.gate, what, moment)
        if not had_key and known.key is not None:
            self._given_up.judge_claims(known, moment)
        return Verdict.NOTED


def _written(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")
