"""A description for tests of what is made from it."""

from __future__ import annotations

from pathlib import Path

from provisioning.broker.description import Broker, Clients, Cluster, Description, Size

PROVINCE = "p-999"


def described(*, clients: Clients | None = None, size: Size | None = None, nodes: tuple[str, ...] = (), **broker: object) -> Description:
    """Of province p-999; ``broker`` are keys of [broker]."""
    made = Broker(**({"host": "127.0.0.1", "folder": Path("/b"), "user": "mosquitto"} | broker))  # type: ignore[arg-type]
    whole = Description(broker=made, clients=clients or Clients(), size=size or Size(), cluster=Cluster(nodes=nodes))
    return whole.of_province(PROVINCE)
