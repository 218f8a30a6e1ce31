"""What a province says of its broker, once: from this the settings of every kind of broker are made.

The broker is a letter box, not an archive. It may lose what it acknowledged (measured, with mosquitto's defaults: all of it),
so a gate keeps an event until the recorder has confirmed it, and the limits below cost repetition, never an event.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path

from device.config import load_tables
from device.errors import UsageError
from device.settings import ID_PATTERN, ID_WORDS, key

PORT = 8883
FOLDER = Path("/etc/mosquitto/qrgate")
USER = "mosquitto"
EVERYWHERE = "0.0.0.0"  # noqa: S104 - gates come from everywhere; none comes in without a certificate
"""Of a broker on a machine of its own, a Debian with its mosquitto. One that is reached by IPv6 listens to ``::``."""

HOST = r"[A-Za-z0-9.:-]{1,253}"
CLIENT = r"(?:recorder|watcher|command)(?:\.[a-z0-9-]{1,32}){1,2}"
"""A common name of whoever is no gate. The dot keeps it apart from every gate's; no sign that means something in a topic,
an access list or a pattern can be in it (CVE-2017-7650 and its like came from ids with + or #)."""

PREFIX = r"[A-Za-z0-9_-]{0,64}"

PACKET_BYTES_MAX = 68 * 1024  # a local link carries 64 KiB, and topic and properties come on top
WINDOW = 20
"""Events that one gate has under way, and so what the broker's queue must hold of every gate at the least."""
KEEPALIVE_MAX_S = 120
SESSION_DAYS = 7
"""A client that stays away for longer begins anew; what its session held, gates still hold."""
EVENT_BYTES = 2048
"""Of the memory of a broker, for one event that waits, of some 800 bytes: mosquitto takes 1,180, RabbitMQ's leader 2,020 (measured)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    host: str = key(about="name or address by which gates reach the broker, as in its certificate", pattern=HOST)
    port: int = key(PORT, about="TLS port", low=1, high=65535)
    more_hosts: tuple[str, ...] = key((), about="further names and addresses for its certificate, such as those of a cluster's machines")
    listen: str = key("", about="address the listener is bound to, 0.0.0.0 for all of IPv4; empty: host", pattern=r"[A-Za-z0-9.:-]{0,253}")
    folder: Path = key(about="where its files lie on the broker's machine")
    user: str = key(
        about="user that mosquitto becomes when it is started as root; must be able to read the folder and to write its data/",
        pattern=r"[a-z_][a-z0-9_-]{0,31}",
    )
    ca_file: str = key("ca.crt", about="who signed the certificates of all clients: a name in folder, or a path on the broker's machine")
    certificate_file: str = key("server.crt", about="the broker's certificate, likewise")
    key_file: str = key("server.key", about="the broker's TLS key, likewise")
    autosave_changes: int = key(
        0,
        about="mosquitto writes its whole memory to disk after so many changes; 0: after a hundredth of its queue. 1 costs 99 % of its speed "
        "and still does not close the hole; what is lost, gates send again",
        low=0,
        high=1_000_000,
    )

    @property
    def hosts(self) -> tuple[str, ...]:
        return (self.host, *(host for host in self.more_hosts if host != self.host))


@dataclass(frozen=True, slots=True, kw_only=True)
class Clients:
    """Who may come. Gates are a pattern: whoever has a certificate without a dot in its name is the gate of that name."""

    province: str = key("", about="id of the province; the office fills it in", pattern=rf"({ID_PATTERN})?")
    recorders: tuple[str, ...] = key((), about="names that store events and confirm them; empty: recorder.PROVINCE", pattern=CLIENT)
    watchers: tuple[str, ...] = key((), about="names that may look and touch nothing, one a person; empty: watcher.PROVINCE", pattern=CLIENT)
    commands: tuple[str, ...] = key(
        (), about="names that may send orders, command.ID, one a person; gates judge each order by its own signature", pattern=CLIENT
    )
    gates: tuple[str, ...] = key((), about="every gate by its id: for RabbitMQ only, which knows no patterns", pattern=ID_PATTERN)
    discovery_prefix: str = key("", about="where gates describe themselves to Home Assistant; empty: nowhere", pattern=PREFIX)


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """What the limits are made from: docs/brokers.md."""

    gates: int = key(100, about="gates of the province", low=1, high=100_000)
    events_a_day: int = key(2000, about="events of one gate on a busy day", low=1, high=1_000_000)
    away_days: float = key(1.0, about="days of events that the broker keeps for a recorder that is away; the gates keep the rest", low=0.01, high=30)
    memory_mib: int = key(1024, about="memory that waiting events may take at the broker", low=16, high=1_000_000)

    @property
    def queued_messages(self) -> int:
        """For one client that is away. Raises UsageError where the memory does not hold one window of each gate."""
        wanted, room, least = int(self.gates * self.events_a_day * self.away_days), self.queued_bytes // EVENT_BYTES, self.gates * WINDOW
        if least > room:
            need_mib = -(-least * EVENT_BYTES // 2**20)
            raise UsageError(f"size.memory_mib {self.memory_mib} is too little for {self.gates} gates", hint=f"they need {need_mib} at the least")
        return min(max(wanted, least), room)

    @property
    def queued_bytes(self) -> int:
        return self.memory_mib * 2**20

    @property
    def connections(self) -> int:
        """Every gate twice, because a broken line is noticed late, and room for people."""
        return 2 * self.gates + 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    nodes: tuple[str, ...] = key(
        (),
        about="machines of the cluster by their host names, three or five, or nodes as NAME@HOST; empty: one machine",
        pattern=rf"([a-z0-9_-]+@)?{HOST}",
    )

    def named(self, usual: str) -> list[str]:
        """NAME@HOST of every node; ``usual`` is the NAME that this kind of broker gives itself."""
        return [node if "@" in node else f"{usual}@{node}" for node in self.nodes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """One broker, whole. The file ``authority/broker.toml`` holds it."""

    broker: Broker
    clients: Clients = field(default_factory=Clients)
    size: Size = field(default_factory=Size)
    cluster: Cluster = field(default_factory=Cluster)

    def of_province(self, province: str) -> Description:
        """The same with all names filled in. Raises UsageError where it is another province's, or a name is none."""
        if self.clients.province not in ("", province):
            raise UsageError(f"this broker is that of province {self.clients.province!r}, not {province!r}", hint="mend [clients] province")
        clients = replace(
            self.clients,
            province=province,
            recorders=self.clients.recorders or (recorder_id(province),),
            watchers=self.clients.watchers or (watcher_id(province),),
        )
        named = Description(broker=self.broker, clients=clients, size=self.size, cluster=self.cluster)
        _check(named)
        return named

    def file(self, name: str) -> Path:
        """Where a file lies on the broker's machine. Raises UsageError where the path cannot stand in one line of settings."""
        path = self.broker.folder.absolute() / name
        if not re.fullmatch(r"[^\x00-\x1f\x7f\"\\]+", str(path)):
            raise UsageError(f"{str(path)!r} holds a line end or a quote", hint="a path is one line in a broker's settings")
        return path

    @property
    def listen(self) -> str:
        return self.broker.listen or self.broker.host


TABLES: dict[str, type] = {"broker": Broker, "clients": Clients, "size": Size, "cluster": Cluster}


def load(path: Path) -> Description:
    """Raises SettingsError with every mistake in ``path``."""
    return Description(**load_tables(path, TABLES))


def recorder_id(province: str) -> str:
    """Common name of the recorder. No gate can have it: a gate's id holds no dot."""
    return f"recorder.{province}"


def watcher_id(province: str) -> str:
    """Common name of who may look and not touch: the demonstration, the operators' watch."""
    return f"watcher.{province}"


def _check(description: Description) -> None:
    """Names once more: a description that was built and not loaded has passed no reader."""
    clients = description.clients
    if not re.fullmatch(ID_PATTERN, clients.province):
        raise UsageError(f"{clients.province!r} is no province", hint=f"write province = {ID_WORDS} into [clients]")
    for role, names in (("recorder", clients.recorders), ("watcher", clients.watchers), ("command", clients.commands)):
        for name in names:
            if not re.fullmatch(CLIENT, name) or not name.startswith(f"{role}."):
                raise UsageError(f"{name!r} is no name of a {role}", hint=f"write {role}.ID, the ID of a-z, 0-9 and -")
    if not re.fullmatch(PREFIX, clients.discovery_prefix):
        raise UsageError(f"{clients.discovery_prefix!r} is no prefix", hint="write one word of letters, digits, _ and -, such as homeassistant")
    for gate in clients.gates:
        if not re.fullmatch(ID_PATTERN, gate):
            raise UsageError(f"{gate!r} is no gate's id", hint=f"{ID_WORDS}, such as hn-001")
