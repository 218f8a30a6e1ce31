"""Kind ``delegations``: whose signature under an order counts, for what, where and until when.

    holders   [{key: Ed25519 public key, 32 bytes, roles: [texts], sites?: [ids], gates?: [ids], until?}]

No sites, or no gates, means all of them. A key may stand there several times. The whole document replaces the one before: a key
that is left out counts no more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from device.bundles.envelope import NAME, Place
from device.bundles.fields import Fields, wrong

HOLDERS_MAX = 500
PLACES_MAX = 1000
KEY_BYTES = (32,)
ALONE_MAX = 4
"""Gates of one bundle that a key may free or lock by itself. Beyond, a second key must sign too: one that is stolen frees or locks four."""


class Role(StrEnum):
    OPERATOR = "operator"  # lets somebody through, frees and locks lanes
    HEALTH_OFFICER = "health_officer"  # erases sealed identities
    RECORDER = "recorder"  # asks for events again, tells the time
    TECHNICIAN = "technician"
    RELEASE = "release"  # sends bundles and lists


@dataclass(frozen=True, slots=True)
class Delegation:
    """The holder of ``key`` (raw Ed25519) has ``roles``, at some places or all, perhaps until a moment (seconds since 1970)."""

    key: bytes
    roles: frozenset[Role]
    sites: tuple[str, ...] = ()
    gates: tuple[str, ...] = ()
    until_s: int | None = None

    def counts(self, place: Place, passed_s: int) -> bool:
        """Does it, at ``place``, now that ``passed_s`` has certainly passed?"""
        here = (not self.sites or place.site in self.sites) and (not self.gates or place.gate in self.gates)
        return here and (self.until_s is None or passed_s <= self.until_s)


def is_limited(delegations: Iterable[Delegation], *roles: Role) -> bool:
    """Do ``delegations``, all of one key, give it any of ``roles`` at so few gates, named one by one, that it may act alone?

    The gates are counted over all these roles together, and those whose time is over too: gates do not all know the same time.
    A gate knows the one bundle that was brought to it. What another bundle gives the key elsewhere, only the office can count.
    """
    named = [each.gates for each in delegations if not each.roles.isdisjoint(roles)]
    return all(named) and len({gate for gates in named for gate in gates}) <= ALONE_MAX


def read_delegations(content: Mapping[str, Any] | bytes) -> tuple[Delegation, ...]:
    """Raises VerificationError where ``content`` is no such document."""
    document = Fields("delegations", content)
    found = tuple(_delegation(f"delegations.holders[{at}]", each) for at, each in enumerate(document.list("holders", HOLDERS_MAX)))
    document.end()
    return found


def delegations_content(delegations: Iterable[Delegation]) -> dict[str, Any]:
    """The document; what is left out in a delegation is left out in it."""
    return {"holders": [_entry(each) for each in delegations]}


def _delegation(where: str, entry: Any) -> Delegation:
    fields = Fields(where, entry)
    roles = [Fields(where, {"role": role}).text("role", pattern="|".join(Role)) for role in fields.list("roles", len(Role))]
    if not roles or len(set(roles)) != len(roles):
        raise wrong(f"{where}.roles", "names no role, or one twice")
    delegation = Delegation(
        key=fields.octets("key", KEY_BYTES),
        roles=frozenset(map(Role, roles)),
        sites=_ids(f"{where}.sites", fields.list("sites", PLACES_MAX)),
        gates=_ids(f"{where}.gates", fields.list("gates", PLACES_MAX)),
        until_s=fields.seconds("until"),
    )
    fields.end()
    if [] in (entry.get("sites"), entry.get("gates")):  # it would mean all, and looks like none
        raise wrong(where, "has a list of places that is empty")
    return delegation


def _ids(where: str, ids: tuple[Any, ...]) -> tuple[str, ...]:
    if any(type(each) is not str or not NAME.fullmatch(each) for each in ids):
        raise wrong(where, "is no list of ids")
    return ids


def _entry(delegation: Delegation) -> dict[str, Any]:
    entry: dict[str, Any] = {"key": delegation.key, "roles": sorted(str(role) for role in delegation.roles)}
    entry |= {name: list(ids) for name, ids in (("sites", delegation.sites), ("gates", delegation.gates)) if ids}
    return entry if delegation.until_s is None else entry | {"until": delegation.until_s}
