"""``recorder.toml``: every key of the recorder, its bounds and what it is for (as ``device/settings.py`` for a gate)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from device.config import load_tables
from device.settings import ID_PATTERN, Protocol, key

FILE = "recorder.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    province: str = key(about="opaque id of the province; events of any other are not stored", pattern=ID_PATTERN)
    id: str = key(about="common name of the recorder's certificate; the dot keeps it apart from every gate's", pattern=rf"recorder\.{ID_PATTERN}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    host: str = key(about="host name or address, as in the broker's certificate", pattern=r"[A-Za-z0-9.:-]{1,253}")
    port: int = key(8883, about="TLS port", low=1, high=65535)
    ca_file: Path = key(about="certificate authority of the broker")
    certificate_file: Path = key(about="the recorder's certificate")
    key_file: Path = key(about="the recorder's TLS key")
    protocol: Protocol = key(Protocol.MQTT_5, about="3.1.1 for brokers that know no other, such as RabbitMQ before 3.13")


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    file: Path = key(about="SQLite file of all events; keep it on a disk that is backed up")


@dataclass(frozen=True, slots=True, kw_only=True)
class Replica:
    file: Path | None = key(
        None,
        about="a second SQLite file, on another disk: nothing is confirmed before it is there too. It may be new: what it lacks is copied first. "
        "While it cannot be written, nothing is confirmed and gates keep what they have",
    )
    same_disk: bool = key(
        False,  # noqa: FBT003
        about="true: it may lie on the archive's own disk, and then is lost with it. For a test or a laptop",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmations:
    key_file: Path = key(about="Ed25519 key that signs confirmations; gates know its public half")


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    trusted: bool = key(
        False,  # noqa: FBT003
        about="true: gates that ask get this machine's time, signed, and believe it more than their own clocks. Only for a machine whose time is "
        "kept right and proven: NTS, a receiver, or chrony with several servers",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RecorderSettings:
    """Everything the recorder needs to know, checked."""

    identity: Identity
    broker: Broker
    storage: Storage
    replica: Replica
    confirmations: Confirmations
    clock: Clock


RECORDER_TABLES: dict[str, type] = {
    "identity": Identity,
    "broker": Broker,
    "storage": Storage,
    "replica": Replica,
    "confirmations": Confirmations,
    "clock": Clock,
}


def load(path: Path) -> RecorderSettings:
    """The settings in ``path``, or in its ``recorder.toml`` where it is a folder; relative paths are taken from there.

    Raises:
        SettingsError: with every mistake, one a line.
    """
    return RecorderSettings(**load_tables(path / FILE if path.is_dir() else path, RECORDER_TABLES))
