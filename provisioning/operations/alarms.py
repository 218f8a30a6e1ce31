"""What the recorder notices about a gate, in words that last until an operator has looked: one alarm a gate and kind."""

from __future__ import annotations

import json
from collections.abc import Iterable
from enum import StrEnum


class What(StrEnum):
    OTHER_BYTES = "other_bytes"
    """Two different events under one id."""
    BROKEN_CHAIN = "broken_chain"
    """An event does not name the one before it, or the gate's signed head is not the event that is stored there."""
    TWO_BOOTS = "two_boots"
    """A boot that another one had followed was there again, and again: two devices take turns."""
    ROLLED_BACK = "rolled_back"
    """A boot began behind what an earlier one had sent: the card is an older copy."""
    OTHER_KEY = "other_key"
    """It signs with another key than at first. That one is not believed before an operator has accepted it."""
    UNSIGNED_VOID = "unsigned_void"
    """It gives up an event, and its key has not signed for that."""
    UNDELIVERED = "undelivered"
    """The broker refused events of it for good: voids stand in their places, and the originals lie in the gate until they have come."""
    STILL_MISSING = "still_missing"
    """Events have been missing for a day, and asking the gate for them has not brought them."""
    CROWDED = "crowded"
    """So much is in doubt about it that no more is kept and confirmed: what comes on top waits in the gate."""


ADVICE = {
    What.OTHER_BYTES: "is there a second device with this card?",
    What.BROKEN_CHAIN: "is there a second device with this card, or has somebody meddled with its store?",
    What.TWO_BOOTS: "two devices run with one identity: find the copy",
    What.ROLLED_BACK: "was an older copy of its card put in?",
    What.OTHER_KEY: "was it set up anew? then accept it, else find the copy",
    What.UNSIGNED_VOID: "whoever sends for this gate has not its key",
    What.UNDELIVERED: "why does the broker refuse its events: access list, size limit? they wait in the gate, and are asked for until they come",
    What.STILL_MISSING: "has the gate lost them, or the archive? see docs/brokers.md; `--accept` says that nobody need wait",
    What.CROWDED: "look at the other alarms; `--accept` makes room",
}


def note(gate: str, alarms: Iterable[tuple[str, str]]) -> bytes:
    """What stands at the broker for ``gate``: each alarm and since when. An empty list where all are cleared."""
    told = [{"what": what, "since": since} for what, since in alarms]
    return json.dumps({"gate": gate, "alarms": told}, separators=(",", ":")).encode()
