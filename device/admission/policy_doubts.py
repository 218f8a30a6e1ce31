"""What a policy may say and hardly means: the province is asked once more before it signs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta

from device.admission.lists import ListKind
from device.admission.policy import Mode, Outcome, Place, Policy, Site
from device.domain import CredentialKind, Direction
from device.events.pseudonyms import VIET_NAM

WITHOUT_PROOF = frozenset(
    {CredentialKind.MIC, CredentialKind.CCCD, CredentialKind.BHYT, CredentialKind.HCMC, CredentialKind.LUONG_XANH, CredentialKind.TKVT}
)
"""Formats that carry no signature: anybody can print them, and no gate can prove them."""

HEALTH_PROOFS = frozenset({CredentialKind.HC1, CredentialKind.SHC, CredentialKind.VDS})
A_MONDAY = datetime(2026, 11, 16, tzinfo=VIET_NAM)

Doubt = tuple[Callable[[Policy], bool], str]


def doubts(policy: Policy, today: date | None = None) -> tuple[str, ...]:
    """Questions about ``policy`` as one gate has it, and about its shadow; ``today`` (Viet Nam) where a clock is at hand."""
    found = [question for holds, question in _DOUBTS if holds(policy)]
    if today is not None and policy.last_day is not None and policy.last_day < today:
        found.append(f"last_day {policy.last_day} is over: this gate lets nobody in")
    if policy.shadow is not None:
        if replace(policy, shadow=None) == policy.shadow:
            found.append("[shadow] changes nothing: it would count what this policy refuses anyway")
        found += [f"shadow: {question}" for question in doubts(policy.shadow, today) if question not in found]
    return tuple(found)


def _sees_no_exits(policy: Policy) -> bool:
    return policy.direction is Direction.ENTRY


def _is_open_at_reset(policy: Policy) -> bool:
    moments = [A_MONDAY + timedelta(days=day, minutes=policy.reset_minute) for day in range(7)]
    return not policy.hours or any(opening.holds(moment) for opening in policy.hours for moment in moments)


def _is_deaf(policy: Policy) -> bool:
    return policy.declaration is not None and {policy.declaration.not_declared, policy.declaration.unknown} == {Outcome.ADMIT}


_DOUBTS: tuple[Doubt, ...] = (
    # who
    (
        lambda policy: policy.mode is Mode.LIST and ListKind.ALLOW not in policy.lists,
        "mode = list without lists.allow: where the list is missing, everybody is told not to be on it",
    ),
    (lambda policy: policy.list_needs_proof and policy.mode is not Mode.LIST, "list_needs_proof says nothing unless mode = list"),
    (
        lambda policy: policy.mode is Mode.RECORD and ListKind.DENY not in policy.lists,
        "mode = record without lists.deny: a gate that has no such list, or an old one, lets in whoever is on it",
    ),
    (
        lambda policy: policy.mode is Mode.VERIFY and bool(policy.kinds & WITHOUT_PROOF),
        "mode = verify accepts kinds that carry no proof: they will always be refused",
    ),
    (
        lambda policy: policy.mode is Mode.VERIFY and policy.health is None and bool(policy.kinds & HEALTH_PROOFS),
        "health certificates are accepted without [health]: an old test or a first dose opens the gate like any other",
    ),
    (
        lambda policy: policy.health is not None and not policy.kinds & HEALTH_PROOFS,
        "[health] says nothing where no health certificate is accepted",
    ),
    # lists
    (
        lambda policy: policy.declaration is not None and ListKind.DECLARED not in policy.lists,
        "[declaration] without lists.declared: whether that list is there is left to chance",
    ),
    (lambda policy: ListKind.DECLARED in policy.lists and policy.declaration is None, "lists.declared says nothing without [declaration]"),
    (_is_deaf, "[declaration] admits everybody and reminds nobody"),
    (
        lambda policy: bool(policy.roll_call) and ListKind.EXPECTED not in policy.lists,
        "roll_call without lists.expected: nobody is expected, so nobody is missed",
    ),
    (lambda policy: ListKind.EXPECTED in policy.lists and not policy.roll_call, "lists.expected says nothing without roll_call"),
    (lambda policy: policy.place is Place.QUARANTINE and not policy.roll_call, "a quarantine site without roll_call"),
    # coming and going
    (
        lambda policy: not policy.reentry and _sees_no_exits(policy),
        "reentry = false at a gate that sees no exits: who went out another way comes in again only after reset_at",
    ),
    (
        lambda policy: policy.capacity is not None and _sees_no_exits(policy),
        "capacity at a gate that sees no exits: places become free only at reset_at",
    ),
    (
        lambda policy: policy.capacity is not None and _is_open_at_reset(policy),
        "capacity at a site that is open at reset_at: whoever is inside then is not counted any more",
    ),
    (
        lambda policy: policy.capacity is not None and policy.party_max > policy.capacity,
        "party_max is more than capacity: so large a party is never let in",
    ),
    (
        lambda policy: policy.direction is Direction.BOTH and policy.again_after_s == 0,
        "again_after_s = 0 at a gate for both ways: a code that is held up twice goes in and out again",
    ),
    # the site
    (lambda policy: bool(policy.trip) and policy.site_kind is not Site.MOBILE, "trip says nothing unless site_kind = mobile"),
    (lambda policy: policy.place is Place.VEHICLE and policy.site_kind is not Site.MOBILE, "a vehicle that does not move: site_kind is not mobile"),
)
