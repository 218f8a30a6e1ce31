"""What arrives from the broker, judged; and what of it the recorder can confirm. No disk, clock or socket here."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter

from device.events.cloudevents import event_id
from device.events.confirmation import Confirmation, range_digest
from device.events.topics import Topics, parse_event_topic
from device.settings import ID_PATTERN

SEQUENCE_MAX = 2**63 - 1
EPOCH_PATTERN = r"[A-Za-z0-9-]{1,64}"


@dataclass(frozen=True, slots=True)
class Arrival:
    """One event as it came, exact to the byte, and where it says that it stands."""

    topics: Topics
    source: str
    id: str
    type: str
    epoch: str
    sequence: int
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Ignored:
    """Why a message is no event of this province. Says nothing of its content."""

    why: str


def read(topic: str, body: bytes, *, province: str) -> Arrival | Ignored:  # noqa: PLR0911 - one return a reason
    """The event in ``body``. Total: any bytes on any topic give an answer.

    The broker vouches for the gate in the topic (its certificate), so what the body says must agree with it.
    """
    parsed = parse_event_topic(topic)
    if parsed is None or not all(re.fullmatch(ID_PATTERN, each) for each in (parsed[0].province, parsed[0].site, parsed[0].gate)):
        return Ignored("not an event's topic")
    topics, kind = parsed
    if topics.province != province:
        return Ignored("another province")
    try:
        event = json.loads(body)
    except (ValueError, RecursionError):
        return Ignored("not JSON")
    if not isinstance(event, dict):
        return Ignored("not an event")
    if event.get("source") != f"/gates/{topics.gate}":
        return Ignored("source and topic name different gates")
    if event.get("type") != f"qrgate.{kind}":
        return Ignored("type and topic differ")
    epoch, digits = event.get("epoch"), event.get("sequence")
    if not (isinstance(epoch, str) and re.fullmatch(EPOCH_PATTERN, epoch) and isinstance(digits, str) and re.fullmatch(r"[0-9]{20}", digits)):
        return Ignored("no epoch and sequence")
    sequence = int(digits)
    if not 1 <= sequence <= SEQUENCE_MAX or event.get("id") != event_id(topics.gate, epoch, sequence):
        return Ignored("id and sequence differ")
    return Arrival(topics, event["source"], event["id"], event["type"], epoch, sequence, body)


def confirmations(stored: Iterable[Arrival]) -> Iterator[tuple[str, Confirmation]]:
    """Topic and confirmation of each unbroken run of sequences among ``stored``, whatever order they came in."""
    for (topics, epoch), lane in groupby(sorted(stored, key=_place), key=attrgetter("topics", "epoch")):
        bodies = {each.sequence: each.body for each in lane}
        # Within an unbroken run, sequence minus position is the same number.
        for _, numbered in groupby(enumerate(bodies), key=lambda pair: pair[1] - pair[0]):
            run = [sequence for _, sequence in numbered]
            digest = range_digest(bodies[sequence] for sequence in run)
            yield topics.confirmation, Confirmation(topics.gate, epoch, run[0], run[-1], digest)


def _place(arrival: Arrival) -> tuple[str, str, str, str, int]:
    return arrival.topics.province, arrival.topics.site, arrival.topics.gate, arrival.epoch, arrival.sequence
