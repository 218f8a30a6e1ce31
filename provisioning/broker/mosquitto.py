"""A mosquitto 2.0: one machine, no cluster, and all that most provinces need. ``mosquitto.conf`` and an access list."""

from __future__ import annotations

from pathlib import Path

from provisioning import files
from provisioning.broker import rights
from provisioning.broker.description import KEEPALIVE_MAX_S, PACKET_BYTES_MAX, SESSION_DAYS, WINDOW, Description
from provisioning.broker.rights import Rights

CONFIGURATION = "mosquitto.conf"
ACCESS_LIST = "acl"
PERSISTENCE = "data"

AUTOSAVES_A_QUEUE = 100


def write(folder: Path, description: Description) -> None:
    """Put configuration, access list and the empty data folder into ``folder``."""
    files.make_folder(folder / PERSISTENCE)
    files.write(folder / ACCESS_LIST, access_list(description), mode=files.PRIVATE)
    files.write(folder / CONFIGURATION, configuration(description))


def next_steps(folder: Path, description: Description) -> list[str]:
    broker = description.broker
    there = description.file("")
    return [
        f"next: copy {folder} and the certificates to {there} on the broker's machine, then there:",
        f"  sudo chown -R {broker.user}: '{there}' && sudo ln -sf '{there}/{CONFIGURATION}' /etc/mosquitto/mosquitto.conf",
        "  sudo systemctl restart mosquitto",
    ]


def configuration(description: Description) -> str:
    """``mosquitto.conf``: one TLS listener, a certificate for everybody."""
    broker, size, file = description.broker, description.size, description.file
    autosave_changes = broker.autosave_changes or max(1000, size.queued_messages // AUTOSAVES_A_QUEUE)
    return f"""\
# Written by `qrgate-provision broker`; change the description it was made from and run that again.
# Files are expected in {file("")}, readable by user {broker.user}.

user {broker.user}
per_listener_settings false
allow_anonymous false
acl_file {file(ACCESS_LIST)}

# Kept over a restart. A broker that is killed loses up to {autosave_changes} changes all the same: gates send them again.
persistence true
persistence_location {file(PERSISTENCE)}/
autosave_on_changes true
autosave_interval {autosave_changes}
persistent_client_expiration {SESSION_DAYS}d

# Everything has a bound. The queue is for {size.gates} gates of {size.events_a_day} events a day, {size.away_days:g} days of a recorder
# that is away, within {size.memory_mib} MiB; beyond it the broker drops what gates still hold and will send again.
max_packet_size {PACKET_BYTES_MAX}
max_inflight_messages {WINDOW}
max_queued_messages {size.queued_messages}
max_queued_bytes {size.queued_bytes}
max_keepalive {KEEPALIVE_MAX_S}

# Small packets, waited for: Nagle's delay would cost 45 ms a round (measured).
set_tcp_nodelay true

log_dest stderr
log_type error
log_type warning
log_type notice
connection_messages true

listener {broker.port} {description.listen}
cafile {file(broker.ca_file)}
certfile {file(broker.certificate_file)}
keyfile {file(broker.key_file)}
tls_version tlsv1.2
require_certificate true
use_identity_as_username true
# One certificate, one session: nobody can end the session of another by taking its client id.
use_username_as_clientid true
max_connections {size.connections}
"""


def access_list(description: Description) -> str:
    """The topics of each identity; what is not named is refused. ``%u`` is the common name of the certificate.

    mosquitto grants nothing to a name with ``+`` or ``#`` in it. One with a ``/`` it would take for further levels, so the office
    must never sign one.
    """
    clients = description.clients
    parts = ["# Written by `qrgate-provision broker`.", "# A gate speaks for itself only, and hears only what is meant for it."]
    parts += [f"pattern write {rights.of_gate('%u', topic)}" for topic in rights.GATE.writes]
    parts += [f"pattern read {rights.of_gate('%u', topic)}" for topic in rights.GATE.reads]
    if clients.discovery_prefix:
        parts.append(f"pattern write {rights.discovery(clients.discovery_prefix, '%u')}")
    for name, allowed in rights.people(clients).items():
        parts += ["", f"user {name}", *_lines(allowed, clients.province)]
        if allowed is rights.WATCHER and clients.discovery_prefix:
            parts.append(f"topic read {rights.discovery(clients.discovery_prefix, '+')}")
    return "\n".join(parts) + "\n"


def _lines(allowed: Rights, province: str) -> list[str]:
    granted = (("write", allowed.writes), ("read", allowed.reads))
    return [f"topic {how} {rights.of_province(province, topic)}" for how, topics in granted for topic in topics]
