"""What a person does next: commands to copy, word for word, after ``init`` and ``broker``."""

from __future__ import annotations

import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

from provisioning.authority.init import Layout
from provisioning.authority.office import Office
from provisioning.authority.tls_identities import BROKER, RECORDER, Identity
from provisioning.broker import description
from provisioning.broker.description import PORT, Broker
from provisioning.broker.mosquitto import CONFIGURATION
from provisioning.settings_text import value_text

SETTINGS = "/etc/qrgate"
MOSQUITTO = "/etc/mosquitto/mosquitto.conf"
"""What Debian's unit starts; ours takes its place, because mosquitto reads one file."""


def for_gate(layout: Layout) -> list[str]:
    name = shlex.quote(layout.gate.name)
    return [
        f"next, the gate: copy {layout.gate} to the Pi, then there, in a checkout of qrgate (it hands the settings over and starts the gate):",
        f"  sudo mkdir -p {SETTINGS} && sudo cp -r ../{name}/. {SETTINGS}/ && sudo make install",
    ]


def for_renewed(tls: Path) -> list[str]:
    return [
        f"next, the gate: copy {tls} to the Pi, then there:",
        f"  sudo install -o qrgate-uplink -g qrgate -m 400 tls/gate.key {SETTINGS}/tls/",
        f"  sudo install -o root -g qrgate -m 640 tls/gate.crt tls/ca.crt {SETTINGS}/tls/ && sudo systemctl restart qrgate-uplink",
    ]


def for_identity(chief: Office, out: Path, renewed: Identity) -> list[str]:
    """After a new certificate for somebody who is not the broker."""
    folder = renewed.file.parent
    if renewed.who.startswith("gates/"):
        return for_renewed(folder)
    if renewed.who != RECORDER:
        return [f"next: hand {folder} over to whoever uses it, in the place of the old one"]
    if description.load(chief.broker_description).broker.folder == out / BROKER:
        return ["next: nothing. A recorder that runs here takes it by itself within a minute, and says so in its log"]
    return [
        "next, the recorder: copy its tls/ to its machine, over the old one in the recorder's folder. A recorder that runs takes it by",
        "  itself within a minute, says so in its log, and goes on with the old one should the broker refuse it",
    ]


def for_keys() -> list[str]:
    return [
        "next, each gate: copy its pseudonym.json to the Pi, then there, in the checkout of qrgate (the gate takes the file in and erases it):",
        f"  sudo install -m 600 pseudonym.json {SETTINGS}/ && sudo make install",
    ]


def for_handing_over(path: Path) -> list[str]:
    return ["next, each gate that it is for: copy it to the Pi, then there:", f"  sudo qrgate take {shlex.quote(path.name)}"]


def for_broker(broker: Broker, made: Path) -> list[str]:
    """``made`` is the broker's folder here; where it lies in its place already, it is only started."""
    folder = shlex.quote(str(broker.folder))
    if broker.folder == made:
        return ["next, the broker, here:", f"  mosquitto -c {folder}/{CONFIGURATION}"]
    return [
        f"next, the broker: copy {made} to {broker.host}, then there, with mosquitto installed:",
        f"  sudo mkdir -p {folder} && sudo cp -r {shlex.quote(made.name)}/. {folder}/ && sudo chown -R {broker.user}: {folder}",
        f"  sudo ln -sf {folder}/{CONFIGURATION} {MOSQUITTO} && sudo systemctl restart mosquitto",
    ]


def for_recorder(layout: Layout, broker: Broker) -> list[str]:
    if broker.folder == layout.broker:
        return ["next, the recorder, here:", f"  qrgate-provision recorder --settings {shlex.quote(str(layout.recorder))}/recorder.toml"]
    folder = shlex.quote(layout.recorder.name)
    return [
        f"next, the recorder: copy {layout.recorder} to its machine, then there, with qrgate (`make venv`), as the user that runs it:",
        f'  sudo chown -R "$USER": {folder} && qrgate-provision recorder --settings {folder}/recorder.toml',
    ]


def outdated(out: Path, broker: Broker) -> Iterator[str]:
    """A line for all settings below ``out`` that name another broker than ``broker``: gates', the recorder's, those of people who order."""
    for path in (*sorted(out.glob("gates/*/site.toml")), *out.glob("recorder/recorder.toml"), *sorted(out.glob("commands/*/command.toml"))):
        named = _named(path)
        if named is None or named[0] not in broker.hosts or named[1] != broker.port:
            old = "no broker" if named is None else f"{named[0]}:{named[1]}"
            new = f"host = {value_text(broker.host)} and port = {broker.port}"
            yield f"{path} names {old}: write {new} into its [broker], and wherever it was copied to"


def _named(path: Path) -> tuple[str, int] | None:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))["broker"]
        return str(table["host"]), int(table.get("port", PORT))
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None
