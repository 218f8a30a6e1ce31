"""Who may write and read which topic: one table, in MQTT's own words, from which every broker's access list is made.

What is not here is refused. Topics are below ``qg/v1/PROVINCE/SITE/GATE/``; ``+`` is one level (MQTT 5, section 4.7).
"""

from __future__ import annotations

from dataclasses import dataclass

from device.events.topics import ROOT
from provisioning.broker.description import Clients


@dataclass(frozen=True, slots=True)
class Rights:
    writes: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()


GATE = Rights(
    writes=("event/+", "state", "health", "reply/+", "request/+"),
    reads=("ack", "cmd/+"),
)
"""Below its own prefix. A gate never writes its own ack or cmd, and never hears what another says or is told."""

RECORDER = Rights(
    writes=("ack", "recorder", "cmd/challenge", "cmd/replay", "cmd/time"),
    reads=("event/+", "state", "health", "request/time", "reply/+"),
)
"""Below every prefix of its province. It asks for repeats and tells the time, as signed orders, and opens nothing."""

WATCHER = Rights(reads=("event/+", "state", "health", "recorder", "ack"))
COMMAND = Rights(writes=("cmd/+",), reads=("reply/+", "state"))
"""Whoever sends orders; whether one counts, the gate judges by its signature. The state says whether the gate is there."""


def people(clients: Clients) -> dict[str, Rights]:
    """Name -> rights, of all who are no gates."""
    roles = ((clients.recorders, RECORDER), (clients.watchers, WATCHER), (clients.commands, COMMAND))
    return {name: rights for names, rights in roles for name in names}


def of_gate(gate: str, topic: str) -> str:
    """``topic`` of one gate. With a prefix of any province and site: a gate's id is unique in the whole country."""
    return f"{ROOT}/+/+/{gate}/{topic}"


def of_province(province: str, topic: str) -> str:
    return f"{ROOT}/{province}/+/+/{topic}"


def discovery(prefix: str, gate: str) -> str:
    """Where one gate describes itself to Home Assistant."""
    return f"{prefix}/device/{gate}/config"
