"""The words of the design, as frozen values.

Everything that passes between the rooms of the house is one of these. They hold no clock, disk, socket or pin,
and what could identify a person never appears in a ``repr``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

# --- time ------------------------------------------------------------------------------------------------------


class ClockTrust(StrEnum):
    """May a rule that depends on the date rely on the wall clock?"""

    TRUSTED = "trusted"
    UNTRUSTED = "untrusted"


@dataclass(frozen=True, slots=True)
class Instant:
    """A moment of wall time, with the right to believe it.

    A Raspberry Pi without a battery clock wakes up in the past, so no rule may take a date for granted.
    Durations never use this: they are nanoseconds of the monotonic clock (names that end in ``_ns``).
    """

    utc: datetime
    trust: ClockTrust


# --- what the reader sees --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Corners:
    """The four corners of a symbol in pixels of the frame, clockwise from the top left."""

    points: tuple[tuple[float, float], tuple[float, float], tuple[float, float], tuple[float, float]]

    @property
    def centre(self) -> tuple[float, float]:
        return sum(x for x, _ in self.points) / 4, sum(y for _, y in self.points) / 4

    def hold_centre_of(self, other: Corners) -> bool:
        """Is it the same place? Two codes side by side are further apart, however they are turned."""
        (x, y), xs, ys = other.centre, [x for x, _ in self.points], [y for _, y in self.points]
        return min(xs) <= x <= max(xs) and min(ys) <= y <= max(ys)

    def scaled(self, scale: float, left: float = 0.0, top: float = 0.0) -> Corners:
        """The same corners in another picture: enlarged ``scale`` times, then moved by ``left`` and ``top``."""
        (ax, ay), (bx, by), (cx, cy), (dx, dy) = self.points
        return Corners(
            (
                (ax * scale + left, ay * scale + top),
                (bx * scale + left, by * scale + top),
                (cx * scale + left, cy * scale + top),
                (dx * scale + left, dy * scale + top),
            )
        )


class TrackState(StrEnum):
    """One code, followed from its appearing to its leaving."""

    APPEARED = "appeared"
    STILL = "still"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class Track:
    """One code as the reader follows it. Times are monotonic nanoseconds.

    ``frame`` and ``frame_ns`` belong to the frame in which the code was first read: the number its source gave it
    and the moment it was taken; ``decoded_ns`` is when that read was complete.
    """

    id: str
    state: TrackState
    payload: bytes = field(repr=False)
    frame: int
    frame_ns: int
    decoded_ns: int
    last_seen_ns: int
    stage: str


# --- what a code claims ----------------------------------------------------------------------------------------


class CredentialKind(StrEnum):
    """The formats that can stand for a person, one file each in ``credentials/``."""

    MIC = "mic"  # unified personal QR v1.1, decision 1405/QĐ-BTTTT
    CCCD = "cccd"  # citizen card, 7 fields (chip card) or 11 (Căn cước 2024)
    KD1 = "kd1"  # the project's own signed pass


class Proof(StrEnum):
    """What is known about a claim. Only ``PROVEN`` may be believed."""

    CLAIMED = "claimed"  # the format carries no proof: anybody can print one
    PROVEN = "proven"
    FORGED = "forged"  # it carries a signature, and the signature does not fit
    UNKNOWN_ISSUER = "unknown_issuer"


class Direction(StrEnum):
    ENTRY = "entry"
    EXIT = "exit"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Credential:
    """A claim about a person, and whether it is proven.

    ``person_key`` names the person as exactly as the format allows; it is turned into a pseudonym and forgotten.
    ``pass_key`` names the pass whose uses are counted. Times are seconds since 1970 UTC. ``None`` or an empty tuple
    means that the credential does not limit that.
    """

    kind: CredentialKind
    proof: Proof
    person_key: bytes = field(repr=False)
    pass_key: bytes | None = field(default=None, repr=False)
    valid_from_s: int | None = None
    valid_until_s: int | None = None
    zones: tuple[str, ...] = ()
    direction: Direction = Direction.BOTH
    uses: int | None = None
    counted_at: str | None = None  # the one gate or site that counts the uses


class Misread(StrEnum):
    """What was shown instead of a credential, so that the person can be told what to show."""

    PAYMENT = "payment"
    LINK = "link"
    OTHER = "other"  # readable, and nothing this gate knows
    MALFORMED = "malformed"  # begins like a credential and breaks that format's rules


@dataclass(frozen=True, slots=True)
class NotACredential:
    """The typed refusal of a parser. It repeats nothing of the payload."""

    what: Misread


# --- what the gate decides -------------------------------------------------------------------------------------


class Reason(StrEnum):
    """The closed list of reasons. Every one of them can be told to the person (``turnstile/signals.py``)."""

    OK = "ok"
    RECORDED = "recorded"  # mode *record*: an unproven claim passes, knowingly
    NOT_PROVEN = "not_proven"
    FORGED = "forged"
    UNKNOWN_ISSUER = "unknown_issuer"
    EXPIRED = "expired"
    NOT_YET = "not_yet"
    WRONG_ZONE = "wrong_zone"
    WRONG_DIRECTION = "wrong_direction"
    USED_UP = "used_up"
    CLOCK_UNTRUSTED = "clock_untrusted"
    ONE_AT_A_TIME = "one_at_a_time"
    PAYMENT_CODE = "payment_code"
    LINK = "link"
    NOT_A_PASS = "not_a_pass"  # noqa: S105 - a word, no secret
    MALFORMED = "malformed"


@dataclass(frozen=True, slots=True)
class Decision:
    """Admit or refuse, with one reason."""

    admit: bool
    reason: Reason

    @classmethod
    def admitted(cls, reason: Reason = Reason.OK) -> Decision:
        return cls(admit=True, reason=reason)

    @classmethod
    def refused(cls, reason: Reason) -> Decision:
        return cls(admit=False, reason=reason)


# --- what the turnstile does -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Grant:
    """Permission for one person to pass, worthless after ``deadline_ns`` (monotonic)."""

    id: str  # the id of the decision's event
    deadline_ns: int


class PassageOutcome(StrEnum):
    TURNED = "turned"  # the sensor saw the person pass
    ASSUMED = "assumed"  # no sensor is fitted: the lane was open for its full time
    UNUSED = "unused"  # the sensor saw nobody
    TOO_LATE = "too_late"  # the grant was older than its deadline: the lane never opened
    UNKNOWN = "unknown"  # the gate died while the grant was open


@dataclass(frozen=True, slots=True)
class Passage:
    """How one grant ended. ``opened_ns`` is ``None`` where the lane never opened."""

    grant_id: str
    outcome: PassageOutcome
    opened_ns: int | None
    ended_ns: int


# --- what is remembered ----------------------------------------------------------------------------------------


class EventType(StrEnum):
    DECISION = "decision"
    PASSAGE = "passage"
    ALARM = "alarm"
    COMMAND = "command"
    AUDIT = "audit"
    VOID = "void"


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """One recorded fact, exactly as it is published."""

    sequence: int
    type: EventType
    body: bytes = field(repr=False)
