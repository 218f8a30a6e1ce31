"""By which policy and whom a gate trusts: out of files, or as it stands at a gate."""

from __future__ import annotations

import argparse
import sys
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from device.admission import health_document, policy_document
from device.admission.policy import HealthRules, Mode, Policy
from device.credentials.trust import Trust
from device.domain import CredentialKind, Direction
from device.errors import QrgateError, UsageError

FILE_MAX = 16 << 20
ANY_GATE = "any-gate"
EVERY_KIND = frozenset(CredentialKind)
"""Where no policy is named: whatever is proven, of any kind."""
COUNTRY = "VN"
"""Whose rules a list of rules holds that does not say it."""


@dataclass(frozen=True, slots=True)
class Judged:
    """``by`` tells a person where policy and trust come from."""

    policy: Policy
    trust: Trust
    by: str


def read_judged(options: argparse.Namespace) -> Judged:
    """Raises UsageError, SettingsError, VerificationError."""
    judged = _at_gate(options.settings) if options.settings is not None else _nowhere(options)
    if options.policy is not None:
        judged = replace(
            judged, policy=_from_file(options.policy, options.gate or judged.policy.gate or ANY_GATE, judged.policy), by=str(options.policy)
        )
    elif options.gate is not None:
        raise UsageError("--gate says which gate of a policy", hint="give --policy FILE.toml with it")
    if options.rules is not None:
        judged = replace(judged, policy=replace(judged.policy, health=_rules(options.rules)), by=f"{judged.by}, rules of {options.rules}")
    return judged


def _nowhere(options: argparse.Namespace) -> Judged:
    mode = Mode(options.mode)
    return Judged(Policy("", "", Direction.ENTRY, mode=mode, accepts=EVERY_KIND), Trust(), f"mode {mode} alone")


def _at_gate(folder: Path) -> Judged:
    """What is in force at the gate, where that may be read; else what its settings say, and that is told."""
    from device import config  # noqa: PLC0415 - only for a gate's own settings
    from device.gate.standing import Standing  # noqa: PLC0415

    settings = config.load(folder)
    site = settings.site
    policy = Policy(site.gate, site.zone, site.direction, site=site.site, mode=settings.policy.mode or Mode.VERIFY)
    issuers = {bytes.fromhex(name): Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)) for name, key in settings.issuers.items()}
    judged = Judged(policy, Trust(passes=issuers), f"{folder}")
    if not settings.bundles.public_key:
        return judged
    try:
        standing = Standing(settings)
        in_force, trust = standing.policy(), standing.trust()
    except QrgateError as error:
        sys.stderr.write(f"qrgate explain: what the province sent to this gate is left out: {error}\n")
        return judged
    named = [name for name, found in (("policy", in_force), ("trust", trust)) if found is not None]
    by = f"{folder}, with the {' and '.join(named)} in force there" if named else judged.by
    return Judged(in_force or policy, trust or judged.trust, by)


# --- files -----------------------------------------------------------------------------------------------------


def _from_file(path: Path, gate: str, here: Policy) -> Policy:
    """A policy that is not yet signed, as ``gate`` would have it. Raises SettingsError with every mistake."""
    try:
        document: dict[str, Any] = tomllib.loads(_content(path).decode())
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is no TOML: {error}", hint="give a policy, as docs/policy.md explains it") from None
    return policy_document.read(
        _gathered(document, path.parent), gate=gate, site=here.site, zone=here.zone, direction=here.direction, health_rules=health_document.read
    )


def _rules(path: Path) -> HealthRules:
    """Rules alone, as their authors publish them: a list, or a table with ``country``, ``rules`` and ``value_sets``."""
    country = {"country": COUNTRY} if _content(path).lstrip().startswith(b"[") else {}
    return health_document.read(_gathered({"health": {**country, "rules_file": path.name}}, path.parent)["health"])


def _gathered(document: dict[str, Any], folder: Path) -> dict[str, Any]:
    def names(name: str) -> Iterable[str]:
        return (str(found.relative_to(folder)) for found in (folder / name).glob("*.json"))

    return health_document.gathered(document, lambda name: _content(folder / name), names)


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(FILE_MAX)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", hint="is the name right?") from None
