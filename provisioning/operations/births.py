"""The birth message of a gate: who it says that it is, and how far it says that its chain reaches. No disk, clock or socket here."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from device.events.confirmation import SEQUENCE_END
from device.events.topics import Topics
from provisioning.operations.arrivals import BOOT, EPOCH, HASH, Ignored, is_well_spelt, read_object

READY = "ready"
COMMANDS = "commands"
"""The word of a gate that obeys orders."""
WORDS_MAX = 64
ENVELOPE_HEX = re.compile(r"(?:[0-9a-f]{2}){64,4096}")


@dataclass(frozen=True, slots=True)
class Birth:
    """One birth message. ``key``, ``head`` and ``capabilities`` are empty where an older gate told none.

    ``fresh`` is one that the gate has sent now. One that the broker had kept, or sends a second time, may be of any age: what is
    signed in it counts, its order in time does not.
    """

    topics: Topics
    boot: str
    epoch: str
    last_sequence: int
    key: bytes = b""
    head: bytes = field(default=b"", repr=False)
    fresh: bool = True
    capabilities: frozenset[str] = frozenset()


def read(topic: str, body: bytes, *, province: str, fresh: bool) -> Birth | Ignored | None:
    """The birth in ``body``, or ``None`` for a farewell. Total: any bytes on any topic give an answer."""
    topics = _topics(topic)
    if topics is None:
        return Ignored("not a state's topic")
    if topics.province != province:
        return Ignored("another province")
    told = read_object(body)
    if isinstance(told, Ignored):
        return told
    if told.get("state") != READY:
        return None
    boot, epoch, last = told.get("boot"), told.get("epoch"), told.get("last_sequence")
    spelt = isinstance(boot, str) and BOOT.fullmatch(boot) and isinstance(epoch, str) and EPOCH.fullmatch(epoch)
    if told.get("gate") != topics.gate or not spelt or type(last) is not int or not 0 <= last < SEQUENCE_END:
        return Ignored("not a birth message")
    proof = _hex(told.get("key"), HASH), _hex(told.get("head"), ENVELOPE_HEX)
    return Birth(topics, str(boot), str(epoch), last, *proof, fresh, _words(told.get("capabilities")))


def _topics(topic: str) -> Topics | None:
    match topic.split("/"):
        case ["qg", "v1", province, site, gate, "state"] if is_well_spelt(topics := Topics(province, site, gate)):
            return topics
        case _:
            return None


def _words(told: object) -> frozenset[str]:
    return frozenset(each for each in told[:WORDS_MAX] if isinstance(each, str)) if isinstance(told, list) else frozenset()


def _hex(told: object, form: re.Pattern[str]) -> bytes:
    return bytes.fromhex(told) if isinstance(told, str) and form.fullmatch(told) else b""
