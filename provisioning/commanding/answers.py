"""What a gate has answered, in words for whoever ordered, and what to do about it.

Answers come through the broker and are not signed: nothing of them reaches a terminal that a terminal would obey.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from device.commands.deeds import Announce, Deed, Diagnose, Drill, Erase, Open, Replay, Restart, SetMode
from device.commands.order import Order

DONE = "done"
OUTCOMES = {"refused": "does not count", "failed": "could not be carried out"}
AGAIN = "give the order again"
LOG = "its log tells more"
TEXT_MAX = 200
DEEP_MAX = 4

WHY: dict[str, tuple[str, str]] = {
    "malformed": ("it is not whole, or not of a form that this gate knows", "is the gate's version older than this one?"),
    "unknown_key": (
        "nothing is delegated to a key that has signed it, at this gate and now",
        "is it in the delegations, for this gate, and not past its `until`? has the gate taken the bundle? (`qrgate-provision delegations --help`)",
    ),
    "forged": ("a signature does not hold", "do --key and --second-key name the keys that were meant?"),
    "misdirected": ("it is for another gate", "who owns the broker?"),
    "other_boot": ("the gate's machine has started again since it was asked", AGAIN),
    "not_allowed": ("a key that has signed it has no role for this", "`qrgate-provision command --help` names the role of each order"),
    "needs_two": ("a second key must sign it", "--second-key FILE, or --out FILE for a signer on another machine"),
    "unknown_challenge": ("the gate has started again since it was asked", AGAIN),
    "replayed": ("the gate has had this order already", "an order counts once: give a new one"),
    "expired": ("its time is over", "give a new one; a second signer has ten minutes"),
    "out_of_service": ("the lane is locked, in a technician's hands, or out of order", "`qrgate-provision command diagnostics` tells which"),
    "store_failed": (
        "the gate cannot record now, and but for letting people out it does nothing that it cannot record",
        "its disk is full or broken: somebody must go there",
    ),
    "busy": (
        "the gate is busy with something of the kind, or has facts that its disk has not taken yet, which a restart would lose",
        "again in a minute; a file that was broken off is given up after ten",
    ),
    "other_epoch": ("the gate has no such epoch, or not any more", "`qrgate-provision gates` shows the epochs; the newest comes first"),
    "disk_full": ("the gate's disk has no room for the file", "`qrgate-provision command diagnostics` shows what is free"),
    "disk_failed": ("the gate cannot write the file", LOG),
    "wrong_size": ("the file came in other parts than were announced", AGAIN),
    "wrong_sha256": ("what came is not the file that was announced", "again; if it stays so: who owns the broker?"),
    "no_such_transfer": ("the gate waits for no such file: it has started again, or given it up", AGAIN),
    "silent": ("nothing more of the file came for ten minutes", AGAIN),
    "too_slow": ("the order was too long on its way", AGAIN),
    "far_ahead": ("the time in it is far ahead of what the gate knows", "is the clock of this machine right, and then that of the gate?"),
    "before_floor": ("the time in it is before what the gate has recorded", "is the clock of this machine right?"),
    "not_recorded": ("it could not be recorded", LOG),
}
"""For each word with which a gate says no: what it means, and what to do."""


def lines(told: Order, answer: Mapping[str, Any]) -> list[str]:
    """The answer to ``told``, for a person."""
    outcome = answer.get("outcome")
    if outcome == DONE:
        return [f"{told.gate}: {told.verb} is done{_done(told.deed, answer)}", *_details(told.deed, answer)]
    words = OUTCOMES.get(str(outcome), "has no known outcome")
    why = str(answer.get("why", outcome))
    meaning, hint = WHY.get(why, (f"it says {_plain(why)}", "is the gate's version newer than this one?"))
    return [f"{told.gate}: {told.verb} {words}: {meaning} ({_plain(why)})", f"  → {hint}"]


def _done(deed: Deed, answer: Mapping[str, Any]) -> str:  # noqa: PLR0911 - one return a verb
    match deed:
        case Open(direction):
            return f": one person is let through ({direction})"
        case SetMode(mode):
            return f": {mode}, until another mode is ordered"
        case Drill(minutes):
            return f": the lane is free for {minutes} minutes"
        case Announce(kind, size):
            return (
                f": the gate has the whole file ({kind}, {size} bytes), proves it, and takes it if it holds; "
                "its next events say what became of it, and `diagnostics` shows the numbers in force"
            )
        case Restart():
            return ": it is there again within seconds"
        case Replay():
            return ": it sends again what it still has of these; what was confirmed has left it"
        case Erase():
            return f": {_plain(answer.get('erased', 'no number of'))} sealed identities are erased"
        case _:
            return ""


def _details(deed: Deed, answer: Mapping[str, Any]) -> Iterator[str]:
    if isinstance(deed, Diagnose) and isinstance(found := answer.get("diagnostics"), Mapping):
        named = dict(_flat(found))
        width = max(map(len, named), default=0)
        yield from (f"  {name:{width}}  {value}" for name, value in named.items())


def _flat(table: Mapping[Any, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """``lane.service`` and its value. What lies deeper than any gate's answer is left as it is."""
    for key, value in table.items():
        name = f"{above}{_plain(key)}"
        if isinstance(value, Mapping) and value and name.count(".") < DEEP_MAX:
            yield from _flat(value, f"{name}.")
        else:
            yield name, _plain(value)


def _plain(value: object) -> str:
    match value:
        case None | False:
            return "no"
        case True:
            return "yes"
        case list():
            return ", ".join(" ".join(map(_text, each.values())) if isinstance(each, dict) else _text(each) for each in value) or "none"
        case _:
            return _text(value)


def _text(value: object) -> str:
    text = str(value)[:TEXT_MAX]
    return text if text.isprintable() else ascii(text)
