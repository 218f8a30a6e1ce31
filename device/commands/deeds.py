"""What may be ordered, and who may order it: one small value for each verb.

======== ============================= =======================================================
verb     arguments                     role
======== ============================= =======================================================
open     direction                     operator
mode     mode                          operator (two keys for free and locked)
drill    minutes                       operator, technician (two keys)
bundle   kind, size, sha256            release
replay   epoch, ranges                 recorder
diagnostics                            operator, technician
time     utc_ms                        recorder
restart                                operator, technician
erase    epoch, first, last            health officer
======== ============================= =======================================================
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

from device.admission import list_file
from device.admission.lists import ListKind
from device.bundles.delegations import Role
from device.bundles.envelope import BUNDLE_MAX, Kind
from device.bundles.fields import Fields, wrong
from device.domain import Direction
from device.errors import VerificationError
from device.events.confirmation import SEQUENCE_END

DRILL_MINUTES = range(1, 31)
RANGES_MAX = 100
SHA256_BYTES = (32,)
EPOCH = r"[0-9a-f]{1,32}"
SEQUENCES = range(1, SEQUENCE_END)
UTC_MS = range(2**42)  # to the year 2109
SENT_BUNDLES = frozenset({Kind.POLICY, Kind.TRUST, Kind.DELEGATIONS})
"""Keys of days are secret, and bundles are not encrypted: those are carried to the gate by hand."""
FILE_MAX: dict[str, int] = {**{str(kind): BUNDLE_MAX for kind in SENT_BUNDLES}, **{str(kind): list_file.FILE_MAX for kind in ListKind}}
"""Kinds of files that may be sent through the broker, and the bytes of the greatest that a gate takes."""


class Verb(StrEnum):
    OPEN = "open"
    MODE = "mode"
    DRILL = "drill"
    BUNDLE = "bundle"
    REPLAY = "replay"
    DIAGNOSTICS = "diagnostics"
    TIME = "time"
    RESTART = "restart"
    ERASE = "erase"


class LaneMode(StrEnum):
    NORMAL = "normal"
    FREE = "free"
    LOCKED = "locked"


@dataclass(frozen=True, slots=True)
class Open:
    """Let one person through, in or out."""

    direction: Direction


@dataclass(frozen=True, slots=True)
class SetMode:
    """Until another one is ordered, over restarts too. It ends a drill, and never a fire."""

    mode: LaneMode


@dataclass(frozen=True, slots=True)
class Drill:
    """The lane stands free for so many minutes, as in a fire."""

    minutes: int


@dataclass(frozen=True, slots=True)
class Announce:
    """A bundle or list will come in parts: exactly this one is taken then."""

    kind: str
    size: int
    sha256: bytes


@dataclass(frozen=True, slots=True)
class Replay:
    """Events that the recorder misses, as (first, last) of ``epoch``."""

    epoch: str
    ranges: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Diagnose:
    """Tell how the gate is."""


@dataclass(frozen=True, slots=True)
class SetTime:
    """It is ``utc_ms`` milliseconds since 1970 as this is signed."""

    utc_ms: int


@dataclass(frozen=True, slots=True)
class Restart:
    """The gate's process ends in order, and is started again."""


@dataclass(frozen=True, slots=True)
class Erase:
    """The sealed identities of events ``first`` to ``last`` of ``epoch``."""

    epoch: str
    first: int
    last: int


Deed = Open | SetMode | Drill | Announce | Replay | Diagnose | SetTime | Restart | Erase

VERBS: dict[type[Deed], Verb] = {
    Open: Verb.OPEN,
    SetMode: Verb.MODE,
    Drill: Verb.DRILL,
    Announce: Verb.BUNDLE,
    Replay: Verb.REPLAY,
    Diagnose: Verb.DIAGNOSTICS,
    SetTime: Verb.TIME,
    Restart: Verb.RESTART,
    Erase: Verb.ERASE,
}

ROLES: dict[Verb, frozenset[Role]] = {
    Verb.OPEN: frozenset({Role.OPERATOR}),
    Verb.MODE: frozenset({Role.OPERATOR}),
    Verb.DRILL: frozenset({Role.OPERATOR, Role.TECHNICIAN}),
    Verb.BUNDLE: frozenset({Role.RELEASE}),
    Verb.REPLAY: frozenset({Role.RECORDER}),
    Verb.DIAGNOSTICS: frozenset({Role.OPERATOR, Role.TECHNICIAN}),
    Verb.TIME: frozenset({Role.RECORDER}),
    Verb.RESTART: frozenset({Role.OPERATOR, Role.TECHNICIAN}),
    Verb.ERASE: frozenset({Role.HEALTH_OFFICER}),
}


def needs_two(deed: Deed) -> bool:
    """What a stolen key could do to a whole province at once needs a second one, unless the key is limited to a few gates."""
    return isinstance(deed, Drill) or (isinstance(deed, SetMode) and deed.mode is not LaneMode.NORMAL)


def verb_of(deed: Deed) -> Verb:
    return VERBS[type(deed)]


def arguments(deed: Deed) -> dict[str, Any]:
    """As they stand in an order."""
    return {each.name: _plain(getattr(deed, each.name)) for each in fields(deed)}


def read(verb: Verb, table: Any) -> Deed:
    """Raises VerificationError where ``table`` does not hold exactly the arguments of ``verb``."""
    given = Fields(f"an order {verb}", table)
    deed = READERS[verb](given)
    given.end()
    return deed


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return str(value) if isinstance(value, StrEnum) else value


def _announce(given: Fields) -> Announce:
    kind = given.text("kind", pattern="|".join(FILE_MAX))
    return Announce(kind, given.whole("size", range(1, FILE_MAX[kind] + 1)), given.octets("sha256", SHA256_BYTES))


def _replay(given: Fields) -> Replay:
    ranges = given.list("ranges", RANGES_MAX)
    if not ranges:
        raise wrong("an order replay", "names no events")
    return Replay(given.text("epoch", pattern=EPOCH), tuple(map(_range, ranges)))


def _range(ends: Any) -> tuple[int, int]:
    if type(ends) is not list or [type(end) for end in ends] != [int, int] or not SEQUENCES.start <= ends[0] <= ends[1] < SEQUENCES.stop:
        raise wrong("an order replay", "has a range that is none")
    return ends[0], ends[1]


def _erase(given: Fields) -> Erase:
    first, last = given.whole("first", SEQUENCES), given.whole("last", SEQUENCES)
    if last < first:
        raise VerificationError("an order erase ends before it begins")
    return Erase(given.text("epoch", pattern=EPOCH), first, last)


READERS: dict[Verb, Callable[[Fields], Deed]] = {
    Verb.OPEN: lambda given: Open(Direction(given.text("direction", pattern="entry|exit"))),
    Verb.MODE: lambda given: SetMode(LaneMode(given.text("mode", pattern="|".join(LaneMode)))),
    Verb.DRILL: lambda given: Drill(given.whole("minutes", DRILL_MINUTES)),
    Verb.BUNDLE: _announce,
    Verb.REPLAY: _replay,
    Verb.DIAGNOSTICS: lambda _given: Diagnose(),
    Verb.TIME: lambda given: SetTime(given.whole("utc_ms", UTC_MS)),
    Verb.RESTART: lambda _given: Restart(),
    Verb.ERASE: _erase,
}
