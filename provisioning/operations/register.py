"""What the recorder knows of each gate beside its events: its key, its boots, its signed head, and what is in doubt about it."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import astuple, dataclass, field

from device.events.topics import Topics
from provisioning.operations.alarms import What
from provisioning.operations.database import Database

REMEMBERED = 20_000
BOOTS_KEPT = 64
CLAIMS_MAX = 1000
DOUBTFUL_MAX = 10_000
"""Conflicting events of one gate that are kept before somebody has looked at it."""


@dataclass(slots=True)
class Known:
    """One gate. ``key`` is the one that is believed: the first it named, or one that an operator has accepted since."""

    gate: str
    site: str
    key: bytes | None = None
    other_key: bytes | None = None
    boot: str = ""
    head_epoch: str = ""
    head_sequence: int = 0
    head_hash: bytes = b""
    doubtful: int = 0


@dataclass(slots=True)
class _Memory:
    known: OrderedDict[str, Known] = field(default_factory=OrderedDict)
    changed: dict[str, Known] = field(default_factory=dict)
    alarms: dict[str, dict[str, str]] = field(default_factory=dict)
    raised: set[str] = field(default_factory=set)


class Register:
    """Changed within a transaction of the archive, which calls ``write`` at its end, or ``forget`` where it fails."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.forget()

    def forget(self) -> None:
        """What is in memory was not written: read it again."""
        self._memory = _Memory()
        for gate, what, since in self._database.rows("SELECT gate, what, since FROM alarms ORDER BY gate, what"):
            self._memory.alarms.setdefault(gate, {})[what] = since

    def see_accepted(self) -> None:
        """At the start of a transaction: what an operator has decided stands in the file, and is not written over from memory."""
        if self._database.row("SELECT 1 FROM accepted LIMIT 1"):
            self.forget()

    def write(self) -> None:
        for known in self._memory.changed.values():
            self._database.execute("INSERT OR REPLACE INTO gates VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", astuple(known))
        self._memory.changed.clear()
        while len(self._memory.known) > REMEMBERED:
            self._memory.known.popitem(last=False)

    def gate(self, topics: Topics) -> Known:
        """To change it, ``change`` it as well."""
        known = self._memory.known.get(topics.gate)
        if known is None:
            row = self._database.row("SELECT * FROM gates WHERE gate = ?", (topics.gate,))
            known = self._memory.known[topics.gate] = Known(*row) if row else Known(topics.gate, "")
        if known.site != topics.site:
            known.site = topics.site
            self.change(known)
        return known

    def change(self, known: Known) -> None:
        self._memory.changed[known.gate] = known

    def site(self, gate: str) -> str:
        """Empty where none of its messages told yet."""
        row = self._database.row("SELECT site FROM gates WHERE gate = ?", (gate,))
        return row[0] if row else ""

    # --- boots -------------------------------------------------------------------------------------------------

    def has_seen(self, gate: str, boot: str) -> bool:
        return self._database.row("SELECT 1 FROM boots WHERE gate = ? AND boot = ?", (gate, boot)) is not None

    def saw(self, gate: str, boot: str, epoch: str, moment: str) -> None:
        self._database.execute("INSERT OR REPLACE INTO boots VALUES (?, ?, ?, ?)", (gate, boot, epoch, moment))
        self._database.execute(
            "DELETE FROM boots WHERE rowid IN (SELECT rowid FROM boots WHERE gate = ? ORDER BY rowid DESC LIMIT -1 OFFSET ?)", (gate, BOOTS_KEPT)
        )

    # --- voids that wait for the key ---------------------------------------------------------------------------

    def claim(self, gate: str, envelope: bytes) -> bool:
        """Remember a void that cannot be proven yet; False where that is one too many."""
        (count,) = self._database.row("SELECT count(*) FROM claims WHERE gate = ?", (gate,)) or (0,)
        if count >= CLAIMS_MAX:
            return False
        self._database.execute("INSERT OR IGNORE INTO claims VALUES (?, ?)", (gate, envelope))
        return True

    def take_claims(self, gate: str) -> list[bytes]:
        envelopes = [row[0] for row in self._database.rows("SELECT envelope FROM claims WHERE gate = ?", (gate,))]
        self._database.execute("DELETE FROM claims WHERE gate = ?", (gate,))
        return envelopes

    # --- alarms ------------------------------------------------------------------------------------------------

    def alarm(self, gate: str, what: What, moment: str) -> bool:
        """Raise one; False where it was there already."""
        alarms = self._memory.alarms.setdefault(gate, {})
        if what in alarms:
            return False
        alarms[what] = moment
        self._database.execute("INSERT INTO alarms VALUES (?, ?, ?)", (gate, what, moment))
        self._memory.raised.add(gate)
        return True

    def alarms(self, gate: str) -> list[tuple[str, str]]:
        """What and since when."""
        return sorted(self._memory.alarms.get(gate, {}).items())

    def alarmed(self) -> list[str]:
        return sorted(gate for gate, alarms in self._memory.alarms.items() if alarms)

    def take_raised(self) -> list[str]:
        """Gates with a new alarm since the last time."""
        raised, self._memory.raised = self._memory.raised, set()
        return sorted(raised)

    def take_accepted(self) -> list[str]:
        """Gates that an operator has accepted since the last time; what he decided is read again."""
        gates = [row[0] for row in self._database.rows("SELECT gate FROM accepted ORDER BY gate")]
        if gates:
            self._database.execute("DELETE FROM accepted")
            self.forget()
        return gates
