"""One file a command: ``ABOUT``, ``HELP`` and ``EXAMPLES`` for its help, ``arguments`` adds its options, ``run`` does it."""

from __future__ import annotations

from types import ModuleType

from provisioning.commands import bundle, identity, keys, policy, trust, wiring

MODULES: dict[str, ModuleType] = {"policy": policy, "trust": trust, "keys": keys, "bundle": bundle, "identity": identity, "wiring": wiring}
