"""An EMQX cluster: MQTT 5 on several machines. Made by its documentation (5.8), and not run by us: there is no Debian package."""

from __future__ import annotations

import json
from pathlib import Path

from device.settings import ID_PATTERN
from provisioning import files
from provisioning.broker import rights
from provisioning.broker.description import KEEPALIVE_MAX_S, PACKET_BYTES_MAX, SESSION_DAYS, WINDOW, Description

CONFIGURATION = "qrgate.hocon"
ACCESS_LIST = "acl.conf"


def write(folder: Path, description: Description) -> None:
    files.write(folder / CONFIGURATION, configuration(description))
    files.write(folder / ACCESS_LIST, access_list(description))


def next_steps(folder: Path, description: Description) -> list[str]:
    there = description.file("")
    return [
        "not run by us: try it with one gate first, and look at its log",
        f"next, on each machine of the cluster: copy {folder} and the certificates to {there}, readable by user emqx, then there:",
        f"  echo 'include \"{there}/{CONFIGURATION}\"' | sudo tee -a /etc/emqx/emqx.conf && sudo systemctl restart emqx",
        "then log in to its dashboard, on port 18083, and change the password that every EMQX has at first",
    ]


def configuration(description: Description) -> str:
    """HOCON, to be included by ``emqx.conf``: one TLS listener, all others off, nothing allowed but by our list."""
    broker, size, file = description.broker, description.size, description.file
    nodes = ", ".join(f'"{node}"' for node in description.cluster.named("emqx"))
    cluster = f"cluster {{ name = qrgate, discovery_strategy = static, static.seeds = [{nodes}] }}\n" if nodes else ""
    return f"""\
# Written by `qrgate-provision broker --kind emqx`, by EMQX's documentation; not run by us.
{cluster}
listeners.tcp.default.enable = false
listeners.ws.default.enable = false
listeners.wss.default.enable = false
listeners.ssl.default {{
  bind = "{_listener(description)}"
  max_connections = {size.connections}
  tcp_options.nodelay = true
  ssl_options {{
    cacertfile = "{file(broker.ca_file)}"
    certfile = "{file(broker.certificate_file)}"
    keyfile = "{file(broker.key_file)}"
    versions = ["tlsv1.3", "tlsv1.2"]
    verify = verify_peer
    fail_if_no_peer_cert = true
  }}
}}

mqtt {{
  # One certificate, one session: its common name is user and client id.
  peer_cert_as_username = cn
  peer_cert_as_clientid = cn
  max_packet_size = {PACKET_BYTES_MAX // 1024}KB
  max_inflight = {WINDOW}
  max_topic_levels = 8
  server_keepalive = {KEEPALIVE_MAX_S}s
  session_expiry_interval = {SESSION_DAYS * 24}h
  # Beyond it the oldest is dropped, which gates still hold and will send again.
  max_mqueue_len = {size.queued_messages}
  mqueue_store_qos0 = false
}}

# Sessions on disk, on all machines.
durable_sessions.enable = true

authorization {{
  no_match = deny
  deny_action = ignore
  cache.enable = true
  sources = [{{ type = file, enable = true, path = "{file(ACCESS_LIST)}" }}]
}}
"""


def _listener(description: Description) -> str:
    host = description.listen
    return f"[{host}]:{description.broker.port}" if ":" in host else f"{host}:{description.broker.port}"


def access_list(description: Description) -> str:
    """Erlang terms; the first that fits decides, and the last refuses. ``${username}`` is the common name of the certificate.

    EMQX judges the filter of a subscription and not what comes by it, and a consumer's filter has ``+`` for the province:
    one cluster serves one province.
    """
    clients = description.clients
    gates = f'{{username, {{re, "^{ID_PATTERN}$"}}}}'
    writes = [rights.of_gate("${username}", topic) for topic in rights.GATE.writes]
    if clients.discovery_prefix:
        writes.append(rights.discovery(clients.discovery_prefix, "${username}"))
    parts = ["%% Written by `qrgate-provision broker --kind emqx`, by EMQX's documentation; not run by us."]
    parts += _terms(gates, writes, [rights.of_gate("${username}", topic) for topic in rights.GATE.reads])
    for name, allowed in rights.people(clients).items():
        reads = [rights.of_gate("+", topic) for topic in allowed.reads]
        if allowed is rights.WATCHER and clients.discovery_prefix:
            reads.append(rights.discovery(clients.discovery_prefix, "+"))
        parts += _terms(f'{{username, "{name}"}}', [rights.of_province(clients.province, topic) for topic in allowed.writes], reads)
    return "\n".join([*parts, "{deny, all}."]) + "\n"


def _terms(who: str, writes: list[str], reads: list[str]) -> list[str]:
    granted = (("publish", writes), ("subscribe", reads))
    return [f"{{allow, {who}, {how}, [{', '.join(json.dumps(topic) for topic in topics)}]}}." for how, topics in granted if topics]
