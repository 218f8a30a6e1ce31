"""``qrgate-provision command-key``: what somebody needs who is to order."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path

from device.errors import EXIT_OK, UsageError
from provisioning.commanding import folder
from provisioning.telling import tell

ABOUT = "make the key and the folder of somebody who orders"
HELP = """\
Make OUT/commands/ID: settings, a TLS identity and the key that signs orders, for one person. Nothing follows from the key until the
office delegates roles to its public half, which is printed: put it into the delegations.

A key is best made on the machine where it will be used: --key FILE makes nothing but the key, there; the office then makes the
folder, and its key is thrown away."""
EXAMPLES = """\
for an operator whom gates shall record as op-1:
  qrgate-provision command-key --out hanoi --id op-1
nothing but a key, on the operator's own machine:
  qrgate-provision command-key --key order.key"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder of this province, as for `init`")
    parser.add_argument("--id", metavar="ID", help="opaque id of the person, as gates record it")
    parser.add_argument("--key", type=Path, metavar="FILE", help="make this key and nothing else")


def run(options: argparse.Namespace) -> int:
    if (options.key is None) == (options.out is None) or (options.out is None) != (options.id is None):
        raise UsageError("what is to be made?", hint="give --out DIR and --id ID together, or --key FILE alone")
    if options.key is not None:
        public = folder.make_key(options.key)
        tell(options, {"key": str(options.key.absolute()), "public_key": public}, [f"key        {options.key}", *_public(public)])
        return EXIT_OK
    made, public = folder.lay_out(options.out.absolute(), options.id, now=datetime.now(UTC))
    tell(options, {"folder": str(made), "public_key": public}, [f"folder     {made}", *_public(public), *_next(made)])
    return EXIT_OK


def _public(public: str) -> list[str]:
    return ["its public key, for the delegations:", f"  {public}"]


def _next(made: Path) -> list[str]:
    return [
        "next: let the broker know the name, in [clients] of authority/broker.toml, and write its settings anew:",
        f'  commands = [..., "command.{made.name}"]',
        "then delegate roles to the key (`qrgate-provision delegations --help`), and hand the folder over to its holder",
    ]
