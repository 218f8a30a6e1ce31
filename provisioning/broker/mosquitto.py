"""A mosquitto 2.0 broker from one description: its configuration and who may read and write which topic.

The broker is a letter box, not an archive. It may lose what it acknowledged (measured, with its defaults: all of it), so
a gate keeps an event until the recorder has confirmed it, and the limits below cost repetition, never an event.
"""

from __future__ import annotations

import getpass
from dataclasses import dataclass
from pathlib import Path

from device.config import load_tables
from device.errors import UsageError
from device.events.topics import ROOT
from device.settings import key
from provisioning import files

CONFIGURATION = "mosquitto.conf"
ACCESS_LIST = "acl"
PERSISTENCE = "data"

PORT = 8883
FOLDER = Path("/etc/mosquitto/qrgate")
USER = "mosquitto"
EVERYWHERE = "0.0.0.0"  # noqa: S104 - gates come from everywhere; none comes in without a certificate
"""Of a broker on a machine of its own, a Debian with its mosquitto. One that is reached by IPv6 listens to ``::``."""

PACKET_BYTES_MAX = 68 * 1024  # a local link carries 64 KiB, and topic and properties come on top
INFLIGHT_MAX = 20
QUEUED_MESSAGES_MAX = 20_000
"""For a recorder that is away. Beyond it the broker drops what the gates still hold and will send again."""
KEEPALIVE_MAX_S = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """One broker. The file ``authority/broker.toml`` holds it."""

    host: str = key(about="name or address by which gates reach the broker, as in its certificate", pattern=r"[A-Za-z0-9.:-]{1,253}")
    port: int = key(PORT, about="TLS port", low=1, high=65535)
    more_hosts: tuple[str, ...] = key((), about="further names and addresses for its certificate")
    listen: str = key("", about="address the listener is bound to, 0.0.0.0 for all of IPv4; empty: host", pattern=r"[A-Za-z0-9.:-]{0,253}")
    folder: Path = key(about="where its files lie on the broker's machine")
    user: str = key(
        about="user that mosquitto becomes when it is started as root; must be able to read the folder and to write its data/",
        pattern=r"[a-z_][a-z0-9_-]{0,31}",
    )
    autosave_changes: int = key(
        1000,
        about="the broker writes its whole memory to disk after so many changes. 1 costs 99 % of its speed and still does not close the hole; "
        "what is lost, gates send again",
        low=1,
        high=1_000_000,
    )

    @property
    def hosts(self) -> tuple[str, ...]:
        return (self.host, *(host for host in self.more_hosts if host != self.host))


BROKER_TABLES: dict[str, type] = {"broker": Broker}


def load(path: Path) -> Broker:
    """Raises SettingsError with every mistake in ``path``."""
    broker: Broker = load_tables(path, BROKER_TABLES)["broker"]
    return broker


def recorder_id(province: str) -> str:
    """Common name of the recorder. No gate can have it: a gate's id holds no dot."""
    return f"recorder.{province}"


def watcher_id(province: str) -> str:
    """Common name of who may look and not touch: the demonstration, the operators' watch."""
    return f"watcher.{province}"


def folder_owner() -> str:
    """Who makes the broker's folder, and so the one who can read it before anybody hands it over."""
    return getpass.getuser()


def write(folder: Path, broker: Broker, *, province: str) -> None:
    """Put configuration, access list and the empty data folder into ``folder``."""
    files.make_folder(folder / PERSISTENCE)
    files.write(folder / ACCESS_LIST, access_list(province), mode=files.PRIVATE)
    files.write(folder / CONFIGURATION, configuration(broker))


def configuration(broker: Broker) -> str:
    """``mosquitto.conf``: one TLS listener, a certificate for everybody."""
    folder = broker.folder.absolute()
    if "\n" in str(folder):
        raise UsageError(f"{str(folder)!r} holds a line end", hint="mosquitto's paths are one line")
    return f"""\
# Written by `qrgate-provision broker`; change authority/broker.toml and run that again.
# Files are expected in {folder}, readable by user {broker.user}.

user {broker.user}
per_listener_settings false
allow_anonymous false
acl_file {folder}/{ACCESS_LIST}

# Kept over a restart. A broker that is killed loses up to {broker.autosave_changes} changes all the same: gates send them again.
persistence true
persistence_location {folder}/{PERSISTENCE}/
autosave_on_changes true
autosave_interval {broker.autosave_changes}
persistent_client_expiration 7d

# Everything has a bound.
max_packet_size {PACKET_BYTES_MAX}
max_inflight_messages {INFLIGHT_MAX}
max_queued_messages {QUEUED_MESSAGES_MAX}
max_keepalive {KEEPALIVE_MAX_S}

# Small packets, waited for: Nagle's delay would cost 45 ms a round (measured).
set_tcp_nodelay true

log_dest stderr
log_type error
log_type warning
log_type notice
connection_messages true

listener {broker.port} {broker.listen or broker.host}
cafile {folder}/ca.crt
certfile {folder}/server.crt
keyfile {folder}/server.key
tls_version tlsv1.2
require_certificate true
use_identity_as_username true
"""


def access_list(province: str) -> str:
    """The topics of each identity; what is not named is refused. ``%u`` is the common name of the certificate."""
    own = f"{ROOT}/+/+/%u"
    every = f"{ROOT}/{province}/+/+"
    return f"""\
# Written by `qrgate-provision broker`.

# A gate speaks for itself only, and hears only what is meant for it. It never writes its own ack or cmd.
pattern write {own}/event/+
pattern write {own}/state
pattern write {own}/health
pattern write {own}/status
pattern write {own}/report/+
pattern write {own}/reply/+
pattern read {own}/ack
pattern read {own}/cmd/#

# The recorder stores events and confirms them.
user {recorder_id(province)}
topic read {every}/event/+
topic read {every}/state
topic read {every}/health
topic write {every}/ack

# The watcher looks and touches nothing.
user {watcher_id(province)}
topic read {every}/event/+
topic read {every}/state
topic read {every}/health
topic read {every}/status
topic read {every}/ack
"""
