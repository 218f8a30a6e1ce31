"""A RabbitMQ cluster: quorum queues, so that the loss of a machine loses no acknowledged message of a session.

Before 3.13 its MQTT is 3.1.1: it answers what is not allowed by ending the connection, and tells no reason. Its sessions are
AMQP queues and its topics AMQP's: ``/`` is a dot there and ``+`` a star, in what may be read, too. It knows no patterns of
users, so each gate is a user of its own (without a password: its certificate is its proof) and may have no session but its own.
The keys are those of 3.10, as in Debian 12.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from device.errors import UsageError
from provisioning import files
from provisioning.broker import rights
from provisioning.broker.description import SESSION_DAYS, Description
from provisioning.broker.rights import Rights

CONFIGURATION = "rabbitmq.conf"
DEFINITIONS = "definitions.json"
PLUGINS = "enabled_plugins"
FOLDER = Path("/etc/rabbitmq")

VIRTUAL_HOST, EXCHANGE = "/", "amq.topic"
ID = "[a-z0-9-]+"
NOTHING = "^$"
PREFETCH = 100
"""Events under way to the recorder: one of its batches. MQTT 3.1.1 has no Receive Maximum with which it could say so."""

HASHING = "rabbit_password_hashing_sha256"


def write(folder: Path, description: Description) -> None:
    """Raises UsageError where no gate is named: RabbitMQ lets nobody in by a pattern."""
    if not description.clients.gates:
        raise UsageError("RabbitMQ knows each gate by its name, and no gate is named", hint='write gates = ["gb-01", …] into [clients]')
    files.write(folder / CONFIGURATION, configuration(description))
    files.write(folder / DEFINITIONS, json.dumps(definitions(description), indent=1) + "\n")
    files.write(folder / PLUGINS, "[rabbitmq_mqtt,rabbitmq_auth_mechanism_ssl].\n")


def next_steps(folder: Path, description: Description) -> list[str]:
    there = description.file("")
    return [
        f"next, on each machine of the cluster: copy {folder} and the certificates to {there}, readable by user rabbitmq, then there:",
        f"  sudo cp '{there}/{CONFIGURATION}' '{there}/{PLUGINS}' {FOLDER}/",
        "  sudo systemctl restart rabbitmq-server     # one machine after the other: each must be up before the next",
        'gates and recorder: write protocol = "3.1.1" into their [broker] where RabbitMQ is older than 3.13',
    ]


def configuration(description: Description) -> str:
    """``rabbitmq.conf``: MQTT over TLS alone, no AMQP from outside."""
    broker, file = description.broker, description.file
    nodes = description.cluster.named("rabbit")
    cluster = [f"cluster_formation.classic_config.nodes.{number} = {node}" for number, node in enumerate(nodes, 1)]
    if nodes:
        cluster = [
            "cluster_formation.peer_discovery_backend = classic_config",
            *cluster,
            f"cluster_formation.target_cluster_size_hint = {len(nodes)}",
            "# The smaller part of a cluster that fell apart stops, or both would confirm to publishers.",
            "cluster_partition_handling = pause_minority",
        ]
    return "\n".join(
        [
            "# Written by `qrgate-provision broker --kind rabbitmq`; change the description it was made from and run that again.",
            f"# Files are expected in {file('')}, readable by user rabbitmq.",
            "",
            "listeners.tcp = none",
            "listeners.ssl = none",
            "mqtt.listeners.tcp = none",
            f"mqtt.listeners.ssl.1 = {_listener(description)}",
            "mqtt.tcp_listen_options.nodelay = true",
            "mqtt.tcp_listen_options.backlog = 1024",
            "",
            "# A certificate for everybody; its common name is the user.",
            "mqtt.allow_anonymous = false",
            "mqtt.ssl_cert_login = true",
            "ssl_cert_login_from = common_name",
            f"ssl_options.cacertfile = {file(broker.ca_file)}",
            f"ssl_options.certfile = {file(broker.certificate_file)}",
            f"ssl_options.keyfile = {file(broker.key_file)}",
            "ssl_options.verify = verify_peer",
            "ssl_options.fail_if_no_peer_cert = true",
            "ssl_options.versions.1 = tlsv1.3",
            "ssl_options.versions.2 = tlsv1.2",
            "",
            "# A session's queue lives on all machines. A classic one lived on one: killed with it, 500 of 500 were lost (measured).",
            "mqtt.durable_queue_type = quorum",
            f"mqtt.exchange = {EXCHANGE}",
            f"mqtt.vhost = {VIRTUAL_HOST}",
            f"mqtt.prefetch = {PREFETCH}",
            f"mqtt.subscription_ttl = {SESSION_DAYS * 24 * 3600 * 1000}",
            "",
            "# Above it publishers wait, and gates keep what they have.",
            f"vm_memory_high_watermark.absolute = {description.size.memory_mib}MiB",
            f"load_definitions = {file(DEFINITIONS)}",
            *(["", *cluster] if cluster else []),
            "",
        ]
    )


def _listener(description: Description) -> str:
    host = description.listen
    return f"[{host}]:{description.broker.port}" if ":" in host else f"{host}:{description.broker.port}"


def definitions(description: Description) -> dict[str, Any]:
    """Users, what each may do with queues and topics, and how long a queue may grow: RabbitMQ's definitions, as it exports them."""
    clients = description.clients
    allowed = {gate: _of_gate(clients.discovery_prefix) for gate in clients.gates}
    allowed |= {name: _of_people(each, clients.province, clients.discovery_prefix) for name, each in rights.people(clients).items()}
    return {
        "vhosts": [{"name": VIRTUAL_HOST}],
        "users": [{"name": name, "password_hash": "", "hashing_algorithm": HASHING, "tags": ""} for name in allowed],
        "permissions": [{"user": name, "vhost": VIRTUAL_HOST, **_own_session(name)} for name in allowed],
        "topic_permissions": [{"user": name, "vhost": VIRTUAL_HOST, "exchange": EXCHANGE, **topics} for name, topics in allowed.items()],
        "policies": [
            {
                "vhost": VIRTUAL_HOST,
                "name": "bounded",
                "pattern": r"^mqtt-subscription-",
                "apply-to": "queues",
                "priority": 0,
                "definition": {"max-length": description.size.queued_messages},
            }
        ],
    }


def _own_session(name: str) -> dict[str, str]:
    """The queues of the client id ``name``: under another id there is no session, so nobody takes over another's."""
    queue = rf"mqtt-subscription-{re.escape(name)}qos[01]"
    return {"configure": f"^{queue}$", "write": rf"^({queue}|amq\.topic)$", "read": rf"^({queue}|amq\.topic)$"}


def _of_gate(discovery_prefix: str) -> dict[str, str]:
    own = rf"qg\.v1\.{ID}\.{ID}\.{{username}}\."
    writes = [own + _levels(topic) for topic in rights.GATE.writes]
    if discovery_prefix:
        writes.append(rf"{re.escape(discovery_prefix)}\.device\.{{username}}\.config")
    return {"write": _one_of(writes), "read": _one_of([own + _levels(topic, subscribed=True) for topic in rights.GATE.reads])}


def _of_people(allowed: Rights, province: str, discovery_prefix: str) -> dict[str, str]:
    """What is read is a subscription, whose province may be a star: one cluster serves one province."""
    writes = [rf"qg\.v1\.{province}\.{ID}\.{ID}\." + _levels(topic) for topic in allowed.writes]
    place = rf"({ID}|\*)"
    reads = [rf"qg\.v1\.({province}|\*)\.{place}\.{place}\." + _levels(topic, subscribed=True) for topic in allowed.reads]
    if allowed is rights.WATCHER and discovery_prefix:
        reads.append(rf"{re.escape(discovery_prefix)}\.device\.{place}\.config")
    return {"write": _one_of(writes), "read": _one_of(reads)}


def _levels(topic: str, *, subscribed: bool = False) -> str:
    """``topic`` as a pattern for AMQP's routing keys; a level that may be anything may be a star where it is subscribed to."""
    anything = r"([A-Za-z0-9_-]+|\*)" if subscribed else r"[A-Za-z0-9_-]+"
    return r"\.".join(anything if level == "+" else re.escape(level) for level in topic.split("/"))


def _one_of(patterns: list[str]) -> str:
    return f"^({'|'.join(patterns)})$" if patterns else NOTHING
