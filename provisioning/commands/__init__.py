"""One file a command: ``ABOUT``, ``HELP`` and ``EXAMPLES`` for its help, ``arguments`` adds its options, ``run`` does it."""

from __future__ import annotations

from types import ModuleType

from provisioning.commands import (
    broker,
    bundle,
    certificates,
    command,
    command_key,
    delegations,
    gates,
    identity,
    keys,
    policy,
    simulate,
    trust,
    wiring,
)

MODULES: dict[str, ModuleType] = {
    "broker": broker,
    "certificates": certificates,
    "policy": policy,
    "trust": trust,
    "keys": keys,
    "bundle": bundle,
    "identity": identity,
    "delegations": delegations,
    "command-key": command_key,
    "command": command,
    "gates": gates,
    "wiring": wiring,
    "simulate": simulate,
}
