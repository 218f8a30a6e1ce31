"""An event as it arrives from the broker, judged. No disk, clock or socket here.

A newer gate may send kinds of events, fields and schema versions that nobody here knows. They are kept and confirmed like any
other: what the recorder must understand of an event is whose it is and where it stands, no more.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from device.events import shallow_json
from device.events.cloudevents import body_hash, event_id
from device.events.shallow_json import TooDeepError
from device.events.topics import Topics, parse_event_topic
from device.settings import ID_PATTERN

SEQUENCE_MAX = 2**63 - 1
EPOCH = re.compile(r"[A-Za-z0-9-]{1,64}")
BOOT = EPOCH
DIGITS = re.compile(r"[0-9]{20}")
HASH = re.compile(r"[0-9a-f]{64}")
KIND = re.compile(r"[a-z][a-z0-9_-]{0,63}")
VOID = "qrgate.void"
TOPICS_REMEMBERED = 16_384  # a province's gates, with two or three kinds of events each


@dataclass(frozen=True, slots=True)
class Claim:
    """What an event of type void says, before anybody has proven it: the signed envelope, and the hash that stands beside it."""

    envelope: bytes
    hash: bytes


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
    hash: bytes = field(repr=False)
    boot: str = ""
    before: bytes | None = field(default=None, repr=False)
    """The hash that it names as that of the event before it; ``None`` where it names none."""
    claim: Claim | None = field(default=None, repr=False)

    @property
    def link(self) -> bytes:
        """The hash that the next event must name. In an event's place a void hands on that of the event."""
        return self.claim.hash if self.claim and self.claim.hash else self.hash


@dataclass(frozen=True, slots=True)
class Ignored:
    """Why a message is no event of this province. Says nothing of its content."""

    why: str


def read(topic: str, body: bytes, *, province: str) -> Arrival | Ignored:  # noqa: PLR0911 - one return a reason
    """The event in ``body``. Total: any bytes on any topic give an answer.

    The broker vouches for the gate in the topic (its certificate), so what the body says must agree with it.
    """
    parsed = parse_topic(topic)
    if parsed is None:
        return Ignored("not an event's topic")
    topics, kind = parsed
    if topics.province != province:
        return Ignored("another province")
    event = read_object(body)
    if isinstance(event, Ignored):
        return event
    source = f"/gates/{topics.gate}"
    if event.get("source") != source:
        return Ignored("source and topic name different gates")
    type_ = f"qrgate.{kind}"
    if event.get("type") != type_:
        return Ignored("type and topic differ")
    epoch, digits = event.get("epoch"), event.get("sequence")
    if not (isinstance(epoch, str) and EPOCH.fullmatch(epoch) and isinstance(digits, str) and DIGITS.fullmatch(digits)):
        return Ignored("no epoch and sequence")
    sequence, id_ = int(digits), event.get("id")
    if not 1 <= sequence <= SEQUENCE_MAX or id_ != event_id(topics.gate, epoch, sequence):
        return Ignored("id and sequence differ")
    boot, claim = event.get("bootid"), _claim(event.get("data")) if type_ == VOID else None
    boot = boot if isinstance(boot, str) and BOOT.fullmatch(boot) else ""
    return Arrival(topics, source, id_, type_, epoch, sequence, body, body_hash(body), boot, _before(event.get("previoushash"), sequence), claim)


@lru_cache(TOPICS_REMEMBERED)
def parse_topic(topic: str) -> tuple[Topics, str] | None:
    """Whose event it is and of which kind, as far as every part is well spelt."""
    parsed = parse_event_topic(topic)
    return parsed if parsed and KIND.fullmatch(parsed[1]) and is_well_spelt(parsed[0]) else None


def is_well_spelt(topics: Topics) -> bool:
    """A broker that is in other hands could send a wildcard, which nobody can answer."""
    return all(re.fullmatch(ID_PATTERN, each) for each in (topics.province, topics.site, topics.gate))


def read_object(body: bytes) -> dict[str, Any] | Ignored:
    """A JSON object, whatever it holds. Total."""
    try:
        found = shallow_json.parse(body)
    except TooDeepError:
        return Ignored("nested too deep")
    except ValueError:
        return Ignored("not JSON")
    return found if isinstance(found, dict) else Ignored("not an event")


def _before(told: object, sequence: int) -> bytes | None:
    """The first event of an epoch names nothing; so does that of a gate which keeps no chain."""
    return bytes.fromhex(told) if sequence > 1 and isinstance(told, str) and HASH.fullmatch(told) else None


def claim_in(body: bytes) -> Claim | None:
    """What a stored event claims, if it is a void. Total: what recorders of before have stored is no better than what comes."""
    event = read_object(body)
    return _claim(event.get("data")) if isinstance(event, dict) and event.get("type") == VOID else None


def link_of(body: bytes) -> bytes:
    """The ``link`` of a stored event. Total."""
    claim = claim_in(body)
    return claim.hash if claim and claim.hash else body_hash(body)


def _claim(data: object) -> Claim | None:
    if not isinstance(data, Mapping):
        return None
    envelope, hash_ = data.get("signature"), data.get("hash")
    if not (isinstance(envelope, str) and isinstance(hash_, str) and (not hash_ or HASH.fullmatch(hash_))):
        return None
    try:
        return Claim(bytes.fromhex(envelope), bytes.fromhex(hash_))
    except ValueError:
        return None
