"""``command.toml``: who orders, and the broker through which (as ``device/settings.py`` for a gate)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from device.commands.order import ACTOR
from device.config import load_tables
from device.errors import SettingsError
from device.settings import ID_PATTERN, Protocol, key

FILE = "command.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    province: str = key(about="opaque id of the province", pattern=ID_PATTERN)
    id: str = key(about="common name of the certificate; the dot keeps it apart from every gate's", pattern=rf"command\.{ID_PATTERN}")
    actor: str = key(about="who orders, as gates record it: an opaque id, no name of a person", pattern=ACTOR)


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    host: str = key(about="host name or address, as in the broker's certificate", pattern=r"[A-Za-z0-9.:-]{1,253}")
    port: int = key(8883, about="TLS port", low=1, high=65535)
    ca_file: Path = key(about="certificate authority of the broker")
    certificate_file: Path = key(about="the certificate of whoever orders")
    key_file: Path = key(about="its TLS key; it opens nothing by itself")
    protocol: Protocol = key(Protocol.MQTT_5, about="3.1.1 for brokers that know no other")


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    key_file: Path = key(about="Ed25519 key that signs orders; the office has delegated roles to its public half")


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandSettings:
    """All that is needed to order, checked."""

    identity: Identity
    broker: Broker
    orders: Orders


TABLES: dict[str, type] = {"identity": Identity, "broker": Broker, "orders": Orders}


def load(path: Path) -> CommandSettings:
    """The settings in ``path``, or in its ``command.toml`` where it is a folder; relative paths are taken from there.

    Raises:
        SettingsError: with every mistake, one a line.
    """
    file = path / FILE if path.is_dir() else path
    if not file.exists():
        raise SettingsError(f"there is no {file}", hint="`qrgate-provision command-key` makes the folder of somebody who orders")
    return CommandSettings(**load_tables(file, TABLES))
