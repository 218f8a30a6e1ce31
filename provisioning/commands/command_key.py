"""``qrgate-provision command-key``: what somebody needs who is to order."""

from __future__ import annotations

import argparse
import shlex
from datetime import UTC, datetime
from pathlib import Path

from device.errors import EXIT_OK, UsageError
from provisioning.authority import office
from provisioning.broker import description
from provisioning.commanding import folder
from provisioning.settings_text import value_text
from provisioning.telling import tell

ABOUT = "make the key and the folder of somebody who orders"
HELP = """\
Make OUT/commands/ID: settings, a TLS identity and the key that signs orders, for one person. Nothing follows from the key until the
office delegates roles to its public half, which is printed: put it into the delegations.

A key is best made on the machine where it will be used: --key FILE makes nothing but the key, there. The office then makes the
folder; its holder puts his own key in the place of the folder's order.key.

The TLS identity lasts 395 days: --renew makes a new one, and leaves settings and key as they are."""
EXAMPLES = """\
for an operator whom gates shall record as op-1:
  qrgate-provision command-key --out hanoi --id op-1
nothing but a key, on the operator's own machine:
  qrgate-provision command-key --key order.key
a new TLS identity, a year later:
  qrgate-provision command-key --out hanoi --id op-1 --renew"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder of this province, as for `init`")
    parser.add_argument("--id", metavar="ID", help="opaque id of the person, as gates record it")
    parser.add_argument("--key", type=Path, metavar="FILE", help="make this key and nothing else")
    parser.add_argument("--renew", action="store_true", help="only a new TLS identity for somebody who has a folder")


def run(options: argparse.Namespace) -> int:
    if (options.key is None) == (options.out is None) or (options.out is None) != (options.id is None) or (options.renew and options.out is None):
        raise UsageError("what is to be made?", hint="give --out DIR and --id ID together, or --key FILE alone")
    if options.key is not None:
        public = folder.make_key(options.key)
        lines = [
            f"key        {options.key}",
            *_public(public),
            "next: give the office the public key, and put this file into your folder, as order.key",
        ]
        tell(options, {"key": str(options.key.absolute()), "public_key": public}, lines)
        return EXIT_OK
    out = options.out.absolute()
    if options.renew:
        made = folder.renew(out, options.id, now=datetime.now(UTC))
        tell(options, {"folder": str(made)}, [f"folder     {made}", "next: hand its tls/ over to its holder, in the place of the old one"])
        return EXIT_OK
    made, public = folder.lay_out(out, options.id, now=datetime.now(UTC))
    tell(options, {"folder": str(made), "public_key": public}, [f"folder     {made}", *_public(public), *_next(out, made)])
    return EXIT_OK


def _public(public: str) -> list[str]:
    return ["its public key, for the delegations:", f"  {public}"]


def _next(out: Path, made: Path) -> list[str]:
    """The access list as it must become: what stands there goes on to count."""
    file = out / "authority" / office.BROKER_DESCRIPTION
    known, name = description.load(file).clients.commands, f"command.{made.name}"
    named = [
        f"next, the broker: write this into [clients] of {file}, in the place of the line commands (which may begin with #),",
        f"  commands = {value_text([*known, name])}",
    ]
    return [
        *([] if name in known else named),
        f"{'next, the broker:' if name in known else 'and'} make its settings anew, then do what that prints:",
        f"  qrgate-provision broker --out {shlex.quote(str(out))}",
        "then delegate roles to the key (`qrgate-provision delegations --help`), and hand the folder over to its holder",
    ]
