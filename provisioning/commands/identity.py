"""``qrgate-provision identity``: the health department's own tool."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from device.errors import EXIT_OK, UsageError, VerificationError
from provisioning.authority import department, keys
from provisioning.telling import NAME, tell

ABOUT = "the health department's key, and what it opens"
HELP = """\
make FOLDER: a key pair for sealed identities. Run it on the department's own machine: identity.key never leaves it, and only the
public key that is printed goes to the province office. open FILE: what was sealed for that key, one row a line."""
EXAMPLES = """\
once, at the department:
  qrgate-provision identity make department
what people showed at the events of a file:
  qrgate-provision identity open rows.jsonl --key department/identity.key"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=["make", "open"])
    parser.add_argument("path", type=Path, metavar="PATH", help="make: the folder of the new key; open: the file of sealed identities")
    parser.add_argument("--key", type=Path, metavar="FILE", help="open: the department's identity.key")


def run(options: argparse.Namespace) -> int:
    if options.action == "make":
        public = department.make(options.path)
        told = ["its public key, for the province's policy:", f"  {public}"]
        tell(options, {"folder": str(options.path.absolute()), "public_key": public}, [f"key        {options.path / department.PRIVATE}", *told])
        return EXIT_OK
    if options.key is None:
        raise UsageError("which key?", hint="give --key FILE, the department's identity.key")
    return _open(options)


def _open(options: argparse.Namespace) -> int:
    """Every row that opens is told, whatever the others do; the exit code tells whether all did."""
    key, code = keys.read_sealing_key(options.key), EXIT_OK
    rows: list[dict[str, Any]] = []
    for row in department.read(options.path):
        told: dict[str, Any] = {"gate": row.occasion.gate, "epoch": row.occasion.epoch, "sequence": row.occasion.sequence}
        try:
            identity = department.open_row(row, key)
            rows.append(told | {"kind": str(identity.kind), "payload": identity.payload.decode("utf-8", "backslashreplace")})
        except VerificationError as error:
            rows.append(told | {"refused": error.what})
            sys.stderr.write(f"{NAME}: {row.occasion.gate} {row.occasion.sequence}: {error}\n")
            code = error.exit_code
    lines = [f"{each['gate']} {each['sequence']} {each['kind']} {each['payload']!r}" for each in rows if "kind" in each]
    tell(options, {"rows": rows}, lines)
    return code
