"""The words of the design, as frozen values.

Everything that passes between the rooms of the house is one of these. They hold no clock, disk, socket or pin,
and what could identify a person never appears in a ``repr``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

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
    """The formats that can stand for a person or a vehicle, one file each in ``credentials/``."""

    MIC = "mic"  # unified personal QR v1.1, decision 1405/QĐ-BTTTT
    CCCD = "cccd"  # citizen card, 7 fields (chip card) or 11 (Căn cước 2024)
    BHYT = "bhyt"  # health-insurance card, old and new
    HCMC = "hcmc"  # Ho Chi Minh City's health declaration, a link that stands for one person
    LUONG_XANH = "luong_xanh"  # "green lane": a vehicle of the national transport register, a link
    TKVT = "tkvt"  # a province's transport sheet: a vehicle and its trip
    HC1 = "hc1"  # EU Digital COVID Certificate, also Viet Nam's vaccine passport
    SHC = "shc"  # SMART Health Card
    VDS = "vds"  # ICAO VDS-NC: visible digital seal of a health proof
    KD1 = "kd1"  # the project's own signed pass
    KD2 = "kd2"  # the project's own rotating pass


class Proof(StrEnum):
    """What is known about a claim. Only ``PROVEN`` may be believed."""

    CLAIMED = "claimed"  # the format carries no proof: anybody can print one
    PROVEN = "proven"
    FORGED = "forged"  # it carries a signature, and the signature does not fit
    UNKNOWN_ISSUER = "unknown_issuer"
    WRONG_USE = "wrong_use"  # the signature fits, and its signer may not vouch for this kind of claim


class Direction(StrEnum):
    ENTRY = "entry"
    EXIT = "exit"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Credential:
    """A claim about a person or a vehicle, and whether it is proven.

    ``person_key`` names the bearer as exactly as the format allows and says which name it is (``cccd:…``); ``also`` are
    further names of the same bearer that the format carries, so that one person with two kinds of card is one person.
    They are turned into pseudonyms and forgotten. ``pass_key`` names the pass whose uses are counted, ``step`` is the
    time step that a rotating pass shows, ``marks`` is what a list of revoked credentials may name (pass, certificate,
    signer). ``health`` is what health rules may look at: a certificate's payload without names. Times are seconds since
    1970 UTC. ``None`` or an empty tuple means that the credential does not limit that.
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
    party: int = 1  # people that one showing lets through: a carer, and those without a code
    step: int | None = None
    also: tuple[bytes, ...] = field(default=(), repr=False)
    marks: tuple[bytes, ...] = field(default=(), repr=False)
    health: Mapping[str, Any] | None = field(default=None, repr=False)


class Misread(StrEnum):
    """What was shown instead of a credential, so that the person can be told what to show."""

    PAYMENT = "payment"
    PLACE = "place"  # the code of a place, which people scan with their phones
    APP_STORE = "app_store"
    HEALTH_LINK = "health_link"  # a health declaration's link that stands for nobody this gate could know
    WIFI = "wifi"
    CONTACT = "contact"  # a visiting card, a telephone number, a message
    LINK = "link"
    SET_UP = "set_up"  # for technicians
    PARTIAL = "partial"  # one of several symbols that belong together
    UNSUPPORTED = "unsupported"  # a credential by its form, of a version or kind this gate does not know
    MALFORMED = "malformed"  # begins like a credential and breaks that format's rules
    OTHER = "other"  # readable, and nothing this gate knows


@dataclass(frozen=True, slots=True)
class NotACredential:
    """The typed refusal of a parser. It repeats nothing of the payload."""

    what: Misread


# --- what the gate decides -------------------------------------------------------------------------------------


class Reason(StrEnum):
    """The closed list of reasons. Every one of them can be told to the person (``turnstile/signals.py``)."""

    OK = "ok"
    RECORDED = "recorded"  # mode *record*: an unproven claim passes, knowingly
    EXIT_FREE = "exit_free"  # whoever leaves may leave, whatever the credential says
    # the proof
    NOT_PROVEN = "not_proven"
    FORGED = "forged"
    UNKNOWN_ISSUER = "unknown_issuer"
    WRONG_USE = "wrong_use"
    REVOKED = "revoked"
    REPLAYED = "replayed"  # a rotating pass showed a code that was shown before
    # the policy
    NOT_ACCEPTED = "not_accepted"  # this door asks for another kind of credential
    EXPIRED = "expired"
    NOT_YET = "not_yet"
    WRONG_ZONE = "wrong_zone"
    WRONG_DIRECTION = "wrong_direction"
    CLOSED = "closed"  # outside the hours or the dates of this site
    HEALTH_RULE = "health_rule"
    NOT_DECLARED = "not_declared"
    DECLARATION_UNKNOWN = "declaration_unknown"
    DENIED = "denied"  # at the lane it looks like any refusal
    NOT_LISTED = "not_listed"
    LIST_STALE = "list_stale"
    CLOCK_UNTRUSTED = "clock_untrusted"
    # what was before
    USED_UP = "used_up"
    JUST_SHOWN = "just_shown"  # let in a moment ago
    ALREADY_INSIDE = "already_inside"
    FULL = "full"
    TOO_MANY = "too_many"  # grants a minute
    ONE_AT_A_TIME = "one_at_a_time"
    # the lane
    LANE_BUSY = "lane_busy"  # somebody was passing all the time that one may wait
    OUT_OF_SERVICE = "out_of_service"  # locked, or in a technician's hands
    # no credential
    PAYMENT_CODE = "payment_code"
    PLACE_CODE = "place_code"
    APP_STORE = "app_store"
    HEALTH_LINK = "health_link"
    WIFI = "wifi"
    CONTACT = "contact"
    LINK = "link"
    SET_UP_CODE = "set_up_code"
    PARTIAL = "partial"
    UNSUPPORTED = "unsupported"
    NOT_A_PASS = "not_a_pass"  # noqa: S105 - a word, no secret
    MALFORMED = "malformed"


class Alert(StrEnum):
    """What an officer is told at once; the lane shows nothing of it."""

    DENIED_PERSON = "denied_person"
    LEFT_WITHOUT_RELEASE = "left_without_release"


@dataclass(frozen=True, slots=True)
class Decision:
    """Admit or refuse, with one reason.

    ``direction`` is the way that was asked for, entry or exit; ``people`` is how many may pass. ``rules`` are the ids of
    health rules that did not hold. ``hint`` is a reason that does not refuse and should still be told, such as a missing
    declaration where the province only reminds.
    """

    admit: bool
    reason: Reason
    direction: Direction = Direction.ENTRY
    people: int = 1
    alert: Alert | None = None
    hint: Reason | None = None
    rules: tuple[str, ...] = ()

    @classmethod
    def admitted(
        cls,
        reason: Reason = Reason.OK,
        *,
        direction: Direction = Direction.ENTRY,
        people: int = 1,
        alert: Alert | None = None,
        hint: Reason | None = None,
    ) -> Decision:
        return cls(admit=True, reason=reason, direction=direction, people=people, alert=alert, hint=hint)

    @classmethod
    def refused(cls, reason: Reason, *, direction: Direction = Direction.ENTRY, alert: Alert | None = None, rules: tuple[str, ...] = ()) -> Decision:
        return cls(admit=False, reason=reason, direction=direction, alert=alert, rules=rules)


# --- what the turnstile does -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Grant:
    """Permission for ``people`` to pass one after another, worthless after ``deadline_ns`` (monotonic)."""

    id: str  # the id of the decision's event
    deadline_ns: int
    people: int = 1
    direction: Direction = Direction.ENTRY  # entry or exit
    hint: Reason | None = None  # what to tell the person beside "go", such as a missing declaration


class PassageOutcome(StrEnum):
    TURNED = "turned"  # the sensor saw the person pass
    ASSUMED = "assumed"  # no sensor is fitted: the lane was open for its full time
    FREE = "free"  # the lane stood free, by fire, key or order: nothing was opened for this one, who will have gone
    UNUSED = "unused"  # the sensor saw nobody
    TOO_LATE = "too_late"  # the grant was older than its deadline: the lane never opened
    OUT_OF_SERVICE = "out_of_service"  # the lane was locked, or in a technician's hands: it never opened
    FAULT = "fault"  # the relay could not be reached: the lane never opened
    UNKNOWN = "unknown"  # the gate died while the grant was open


@dataclass(frozen=True, slots=True)
class Passage:
    """How one grant ended. ``opened_ns`` is ``None`` where the lane never opened; ``people`` is how many have passed."""

    grant_id: str
    outcome: PassageOutcome
    opened_ns: int | None
    ended_ns: int
    people: int = 1


class CrossingKind(StrEnum):
    """Somebody went through for whom no grant was open."""

    FORCED = "forced"  # against a closed lane
    TAILGATED = "tailgated"  # behind somebody who was let through
    UNIDENTIFIED = "unidentified"  # close behind somebody: a child, a trolley, or a person; two beams cannot tell, so nobody is accused
    COUNTED = "counted"  # where one may: out by the button or by the lane's own mechanics, or through a lane that stands free


@dataclass(frozen=True, slots=True)
class Crossing:
    """Passages without a grant. ``direction`` is ``None`` where no sensor tells; ``at_ns`` is when it was seen."""

    kind: CrossingKind
    direction: Direction | None
    at_ns: int
    people: int = 1


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
