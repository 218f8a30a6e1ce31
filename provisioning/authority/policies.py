"""The province's policy as a document: checked here before it is signed, and by the gate's own reader before it is in force."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from device.admission import health_document, policy_document
from device.admission.policy import Policy
from device.admission.policy_doubts import doubts
from device.domain import Direction
from device.errors import SettingsError, VerificationError
from device.events.sealing import prove_recipient
from provisioning.authority.bundles import read_document

ANY_GATE = "any-gate"
"""Stands for every gate that the policy does not name."""
FILE_MAX = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Verdict:
    """``mistakes``: no gate would work by it. ``doubts``: allowed, and hardly meant."""

    mistakes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


def read(path: Path) -> dict[str, Any]:
    """The policy in ``path`` as a bundle carries it: the files of its ``[health]``, named relative to it, are in it whole.

    Raises:
        SettingsError: a file cannot be read, or is no TOML.
        VerificationError: a file of health rules is no JSON.
    """

    def fetch(name: str) -> bytes:
        try:
            with (path.parent / name).open("rb") as file:
                return file.read(FILE_MAX)
        except OSError as error:
            raise SettingsError(f"{path.parent / name} cannot be read: {error.strerror}", hint=f"names are relative to {path.name}") from None

    def names(folder: str) -> Iterable[str]:
        return (str(found.relative_to(path.parent)) for found in (path.parent / folder).glob("*.json"))

    return health_document.gathered(read_document(path), fetch, names)


def check_document(document: Mapping[str, Any], today: date | None = None) -> Verdict:
    """What each gate of the site would make of ``document``, whichever way it lets people through. ``today`` is Viet Nam's."""
    named = document.get("gates")
    gates = [ANY_GATE, *(named if isinstance(named, Mapping) else ())]
    try:
        read = {gate: [_policy(document, gate, direction) for direction in (Direction.BOTH, Direction.ENTRY)] for gate in gates}
    except (SettingsError, VerificationError) as error:
        return Verdict(mistakes=_listed(error.what))
    found = [doubt for gate, policies in read.items() for doubt in _doubts(gate, policies, today)]
    common = [doubt for gate, doubt in found if gate == ANY_GATE]
    return Verdict(doubts=tuple(common + [f"gates.{gate}: {doubt}" for gate, doubt in found if gate != ANY_GATE and doubt not in common]))


def _policy(document: Mapping[str, Any], gate: str, direction: Direction) -> Policy:
    policy = policy_document.read(document, gate=gate, site="site", zone="main", direction=direction, health_rules=health_document.read)
    if policy.sealed_identity is not None:
        prove_recipient(policy.sealed_identity.recipient)
    return policy


def _doubts(gate: str, policies: list[Policy], today: date | None) -> Iterator[tuple[str, str]]:
    both, entry = (doubts(policy, today) for policy in policies)
    yield from ((gate, doubt) for doubt in both)
    yield from ((gate, f"where it only lets people in: {doubt}") for doubt in entry if doubt not in both)


def _listed(what: str) -> tuple[str, ...]:
    """The reader tells all mistakes at once, one a line below a headline."""
    head, *lines = what.splitlines()
    return tuple(line.strip() for line in lines) or (head,)
