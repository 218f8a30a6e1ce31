"""Who may still write while the store fills: less and less, and to the end what people at the lane need.

Events that nobody has confirmed are never dropped for room, so room is kept by not writing. Numbers of a machine at work go
first, then records of refusals, then nobody is let in any more; ends of grants, exits and alarms have the last hundredth.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from device.domain import Direction, EventType

MIB = 1024 * 1024


class Rank(Enum):
    """What an event is to the store, the least first."""

    TELEMETRY = "telemetry"
    REFUSAL = "refusal"
    ENTRY = "entry"
    NEEDED = "needed"


UP_TO = {Rank.TELEMETRY: 0.90, Rank.REFUSAL: 0.95, Rank.ENTRY: 0.99, Rank.NEEDED: 1.0}
"""The share of the store that may be taken before an event of this rank is refused."""

REFUSALS_MAX = 0.2
"""Refusals take no more of the store than this, whatever else is in it: junk that is held up for a month fills no gate."""

TELEMETRY = frozenset({"shadow_policy", "refusals_folded", "commands_folded", "left_out"})
"""Audit facts that are numbers only."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How large the store may become. Defaults as in the settings."""

    bytes_max: int = 1024 * MIB
    events_max: int = 1_000_000

    def fill(self, events: int, refusals: int, taken_bytes: int) -> Fill:
        """``refusals`` are among the ``events``. One is as large as another: an event of either kind is a decision's or a passage's."""
        share = taken_bytes / self.bytes_max
        return Fill(events / self.events_max, share, max(refusals / self.events_max, share * refusals / max(events, 1)))


DEFAULT_LIMITS = Limits()
NO_LIMITS = Limits(bytes_max=2**62, events_max=2**62)
"""For what must be written whatever there is: the rescue of a store that is full."""


@dataclass(frozen=True, slots=True)
class Fill:
    """What is taken: ``events`` and ``bytes`` are shares of their limits, ``refusals`` is what refusals take of the limit that they are nearer to."""

    events: float
    bytes: float
    refusals: float = 0.0

    @property
    def share(self) -> float:
        """0 is empty, 1 full."""
        return max(self.events, self.bytes)

    def takes(self, rank: Rank) -> bool:
        """May an event of ``rank`` still be written?"""
        return self.share < UP_TO[rank] and (rank is not Rank.REFUSAL or self.refusals < REFUSALS_MAX)


def rank_of(kind: EventType, data: Mapping[str, Any]) -> Rank:
    """``data`` is what the event says. A refusal that an officer must see is no refusal like others; an order that does not count is."""
    if kind is EventType.COMMAND and data.get("outcome") == "refused":
        return Rank.REFUSAL
    if kind is EventType.DECISION and not data.get("admit"):
        return Rank.ENTRY if data.get("alert") else Rank.REFUSAL
    if kind is EventType.DECISION and data.get("direction") != Direction.EXIT:
        return Rank.ENTRY
    return Rank.TELEMETRY if kind is EventType.AUDIT and data.get("what") in TELEMETRY else Rank.NEEDED
