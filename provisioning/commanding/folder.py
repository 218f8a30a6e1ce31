"""The folder of somebody who orders: settings, a TLS identity, and the key that signs, which is best made where it will be used."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import Any

from device.errors import UsageError
from device.settings import ID_PATTERN, ID_WORDS
from provisioning import files, settings_text
from provisioning.authority import keys, office
from provisioning.broker import description
from provisioning.commanding.settings import FILE, TABLES

FOLDER = "commands"
"""In the folder of the province."""
ORDER_KEY = "order.key"
CALLED = "command"
HEAD = """command.toml: somebody who orders. Relative paths are taken from this file's folder.
A key behind # keeps the default that is shown. A key that nobody knows is an error."""


def make_key(path: Path) -> str:
    """A new key that signs orders; its public half, hex.

    Raises:
        UsageError: there is one already.
        StoreError: it cannot be written.
    """
    if path.exists():
        raise UsageError(f"there is a key already: {path}", hint="take it away first, and out of the delegations too")
    key = keys.make_signing_key()
    files.make_folder(path.parent)
    keys.write_key(path, key)
    return keys.raw_public(key).hex()


def renew(out: Path, id_: str, *, now: datetime) -> Path:
    """A new TLS key and certificate for the holder ``id_``; settings and the key that signs stay. The folder.

    Raises:
        UsageError: there is no such folder.
        VerificationError: the office is none, or a key in it is damaged.
        StoreError: a file cannot be written.
    """
    folder = out / FOLDER / id_
    if not re.fullmatch(ID_PATTERN, id_) or not (folder / FILE).exists():
        raise UsageError(f"there is no {folder}", hint="--renew is for somebody who has a folder already")
    office.open_office(out / "authority").hand_client(folder / "tls", _name(id_), called=CALLED, now=now)
    return folder


def lay_out(out: Path, id_: str, *, now: datetime) -> tuple[Path, str]:
    """``OUT/commands/ID`` for the holder ``id_``, and the public half of its key.

    Raises:
        UsageError: the id is none, or the folder is there.
        VerificationError: the office is none, or a key in it is damaged.
        StoreError: a file cannot be written.
    """
    if not re.fullmatch(ID_PATTERN, id_):
        raise UsageError(f"{id_!r} is no id", hint=f"{ID_WORDS}; no name of a person")
    chief = office.open_office(out / "authority")
    broker = description.load(chief.broker_description).broker
    folder, name = out / FOLDER / id_, _name(id_)
    if (folder / FILE).exists():
        raise UsageError(f"{id_!r} is there already: {folder}", hint="choose another id: gates record it, so that it stands for one person")
    public = make_key(folder / ORDER_KEY)
    chief.hand_client(folder / "tls", name, called=CALLED, now=now)
    values: dict[str, dict[str, Any]] = {
        "identity": {"province": chief.root.province, "id": name, "actor": id_},
        "broker": {
            "host": broker.host,
            "port": broker.port,
            "ca_file": f"tls/{office.ROOT_CERTIFICATE}",
            "certificate_file": f"tls/{CALLED}.crt",
            "key_file": f"tls/{CALLED}.key",
        },
        "orders": {"key_file": ORDER_KEY},
    }
    files.write(folder / FILE, settings_text.render(TABLES, values, head=HEAD))
    return folder, public


def _name(id_: str) -> str:
    return f"command.{id_}"
