"""Tests that put messages on the wire which they make up, and which channels those are; every other message must be as the contract says.

A new entry needs a reason. A test whose messages could be real makes them with the product's own code instead.
"""

from __future__ import annotations

EVERYTHING = frozenset({"event", "state", "health", "confirmation", "note", "command", "reply", "time", "discovery", "else"})

MADE_UP: dict[str, frozenset[str]] = {
    # The uplink carries bytes as they are, so a scripted gate and recorder say what is short and easily told apart.
    "tests/device/uplink/": frozenset({"event", "health", "confirmation", "command", "reply", "time"}),
    # What counts is whether the broker lets a message through, not what is in it.
    "tests/provisioning/broker/": EVERYTHING,
    "tests/provisioning/authority/": EVERYTHING,
    # The recorder meets what is no event, or another one under the same id.
    "tests/provisioning/operations/test_recorder.py::test_what_is_no_event_of_this_gate_is_ignored_and_does_not_stop_the_next": frozenset({"event"}),
}
"""Beginning of a test's id -> channels."""


def made_up_by(test: str) -> frozenset[str]:
    """The channels on which ``test`` (as pytest names it) may say anything."""
    found = [channels for beginning, channels in MADE_UP.items() if test.startswith(beginning)]
    return frozenset().union(*found)
