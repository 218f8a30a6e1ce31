"""What the demo shows to the gate, and what the gate must answer: the table of presentations.

One line, one person holding up one thing (or two). The table is read top to bottom, in playing order.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from device.domain import Decision, Reason

if TYPE_CHECKING:
    from collections.abc import Mapping

FRAMES_PER_S = 20


class Held(StrEnum):
    """What is held up to the camera."""

    PHONE = "phone"
    DARK_PHONE = "dark phone"  # dark mode: light modules on a dark screen, which a plain zbar cannot read
    PAPER = "paper"
    CARD = "card"


@dataclass(frozen=True, slots=True)
class Look:
    """How a presentation looks.

    ``held`` has one entry for each payload, from left to right. ``person`` chooses one of the silhouettes, so that the
    same number is the same person.
    """

    held: tuple[Held, ...]
    person: int
    yaw_deg: float = 0.0
    roll_deg: float = 0.0
    glare: bool = False
    dim: bool = False
    hurried: bool = False


@dataclass(frozen=True, slots=True)
class Presentation:
    """One person, what is held up, for how long, and the one decision that must follow.

    ``hold_s`` is the whole time in view, approach and leaving included; ``gap_s`` is the empty scene before it.
    Where two payloads are shown, the first is the one that the decision is about.
    """

    name: str
    payloads: tuple[bytes, ...] = field(repr=False)
    look: Look
    hold_s: float
    expected: Decision
    gap_s: float = 0.0


ADMITTED_S = 0.6
REFUSED_S = 0.9  # what is no credential is refused only after ``policy.settle_s`` (0.5 s), so it is held longer
GAP_S = 0.25
CLOSING_GAP_S = 0.2
"""The empty scene after the last person."""

# name | roles | look | time in view | expected | empty scene before
_TABLE: tuple[tuple[str, tuple[str, ...], Look, float, Reason, float], ...] = (
    ("phone", ("pass_a",), Look((Held.PHONE,), 0), ADMITTED_S, Reason.OK, GAP_S),
    ("paper", ("pass_b",), Look((Held.PAPER,), 1, roll_deg=-3), ADMITTED_S, Reason.OK, 0),
    ("tilted phone", ("pass_c",), Look((Held.PHONE,), 2, yaw_deg=25, roll_deg=6), ADMITTED_S, Reason.OK, 0),
    ("hurried, blurred by motion", ("pass_d",), Look((Held.PHONE,), 3, hurried=True), 0.65, Reason.OK, GAP_S),
    ("glare on the phone", ("pass_e",), Look((Held.PHONE,), 4, roll_deg=2, glare=True), ADMITTED_S, Reason.OK, 0),
    ("dark mode", ("pass_f",), Look((Held.DARK_PHONE,), 5), ADMITTED_S, Reason.OK, 0),
    ("low light, paper", ("pass_g",), Look((Held.PAPER,), 6, dim=True), ADMITTED_S, Reason.OK, GAP_S),
    ("the first person again", ("pass_a",), Look((Held.PHONE,), 0, roll_deg=-4), ADMITTED_S, Reason.OK, GAP_S),
    ("held for seconds", ("pass_h",), Look((Held.PHONE,), 7), 2.55, Reason.OK, 0),
    ("forged pass", ("forged",), Look((Held.PHONE,), 8), REFUSED_S, Reason.FORGED, GAP_S),
    ("expired pass", ("expired",), Look((Held.PAPER,), 9, roll_deg=2), REFUSED_S, Reason.EXPIRED, 0),
    ("pass of an unknown issuer", ("unknown_issuer",), Look((Held.PHONE,), 10), REFUSED_S, Reason.UNKNOWN_ISSUER, 0),
    ("single-use pass", ("single_use",), Look((Held.PAPER,), 11), ADMITTED_S, Reason.OK, 0),
    ("payment code beside a pass", ("pass_i", "payment"), Look((Held.PHONE, Held.PAPER), 1), ADMITTED_S, Reason.OK, 0),
    ("two passes at once", ("pass_j", "pass_k"), Look((Held.PHONE, Held.PHONE), 2), REFUSED_S, Reason.ONE_AT_A_TIME, 0),
    ("single-use pass again", ("single_use",), Look((Held.PAPER,), 11, roll_deg=3), REFUSED_S, Reason.USED_UP, 0),
    ("payment code", ("payment",), Look((Held.PHONE,), 3), REFUSED_S, Reason.PAYMENT_CODE, 0),
    ("citizen card", ("cccd7",), Look((Held.CARD,), 4), REFUSED_S, Reason.NOT_PROVEN, 0),
    ("unified code", ("mic",), Look((Held.PHONE,), 5), REFUSED_S, Reason.NOT_PROVEN, 0),
    ("refused: expired pass", ("expired",), Look((Held.PHONE,), 9), REFUSED_S, Reason.EXPIRED, GAP_S),
    ("the same person, another card", ("pass_l",), Look((Held.CARD,), 9, roll_deg=-2), ADMITTED_S, Reason.OK, 0),
)

ROLES: tuple[str, ...] = tuple(sorted({role for _, roles, *_ in _TABLE for role in roles}))
"""Every role that ``presentations`` needs a payload for. ``pass_*`` are valid passes of different persons."""


def presentations(payloads: Mapping[str, bytes]) -> tuple[Presentation, ...]:
    """The table with its payloads filled in. Raises KeyError for a role without a payload."""
    return tuple(
        Presentation(name, tuple(payloads[role] for role in roles), look, hold_s, Decision(reason is Reason.OK, reason), gap_s)
        for name, roles, look, hold_s, reason, gap_s in _TABLE
    )
