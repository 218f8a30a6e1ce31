"""Settings and access lists for the broker of a province, one file a kind: ``write(folder, description)`` and ``next_steps``."""

from __future__ import annotations

KINDS: dict[str, str] = {
    "mosquitto": "provisioning.broker.mosquitto",
    "rabbitmq": "provisioning.broker.rabbitmq",
    "emqx": "provisioning.broker.emqx",
}
"""Kind -> module, resolved when it is chosen."""
