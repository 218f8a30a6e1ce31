"""``qrgate-provision broker``: the broker's settings and access lists, from one description."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

from device.errors import EXIT_OK, UsageError
from provisioning import files, steps
from provisioning.authority import init, office
from provisioning.broker import KINDS, description
from provisioning.telling import tell, warn

ABOUT = "write the broker's settings and access lists"
HELP = """\
Without a file: write OUT/broker again from OUT/authority/broker.toml, as `init` did, with a new server certificate.

With a file, a description as that one: write the settings of the chosen kind of broker into OUT, and no certificate.

  mosquitto   one machine: what `init` makes, and enough for most provinces
  rabbitmq    a cluster that outlives the loss of a machine; its gates need broker.protocol = "3.1.1" before RabbitMQ 3.13
  emqx        a cluster with MQTT 5; made by EMQX's documentation, and not run by us

[size] says how many gates, events and days away; the limits are made from it. docs/brokers.md tells which broker when."""
EXAMPLES = """\
after a change in hanoi/authority/broker.toml, or before the certificate ends:
  qrgate-provision broker --out hanoi
for a cluster of three, after [cluster] nodes and [clients] gates are filled in:
  qrgate-provision broker hanoi/authority/broker.toml --kind rabbitmq --out rabbitmq
then do what it prints. Settings of gates, recorder and people that still name another host or port are warned of."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("description", nargs="?", type=Path, metavar="FILE.toml", help="what is said of the broker, as in authority/broker.toml")
    parser.add_argument("--kind", choices=KINDS, help="with a file: which broker (default: mosquitto)")
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder of this province, as for `init`; with a file: of the settings")


def run(options: argparse.Namespace) -> int:
    return _of_office(options) if options.description is None else _of_file(options)


def _of_office(options: argparse.Namespace) -> int:
    if options.kind not in (None, "mosquitto"):
        raise UsageError(
            f"the office's own broker is a mosquitto, not {options.kind}",
            hint=f"name its description: {options.out}/authority/{office.BROKER_DESCRIPTION}",
        )
    chief = office.open_office(options.out / "authority")
    folder = options.out.absolute() / "broker"
    broker = init.write_broker(chief, folder, now=datetime.now(UTC))
    for line in steps.outdated(options.out.absolute(), broker):
        warn(line)
    document = {"broker": str(folder), "host": broker.host, "port": broker.port}
    again = ["a broker that runs already must be ended first: it reads settings at its start"] if broker.folder == folder else []
    tell(options, document, [f"broker     {folder}", *steps.for_broker(broker, folder), *again])
    return EXIT_OK


def _of_file(options: argparse.Namespace) -> int:
    loaded = description.load(options.description)
    described = loaded.of_province(loaded.clients.province)
    kind = import_module(KINDS[options.kind or "mosquitto"])
    folder = options.out.absolute()
    files.make_folder(folder)
    kind.write(folder, described)
    document = {"settings": str(folder), "host": described.broker.host, "port": described.broker.port}
    tell(options, document, [f"settings   {folder}", *kind.next_steps(folder, described)])
    return EXIT_OK
