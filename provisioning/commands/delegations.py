"""``qrgate-provision delegations``: who may order what, as one signed bundle."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from device.bundles.delegations import ALONE_MAX, Role
from device.bundles.envelope import Kind
from device.errors import EXIT_OK, UsageError
from provisioning import files, steps
from provisioning.authority import bundles, delegations, office
from provisioning.commands import audience
from provisioning.telling import tell, warn

KEY_DIGITS = 16
ABOUT = "check and sign who may order what"
HELP = f"""\
Check the delegations (TOML), or sign them as a bundle for gates. It replaces the one before it as a whole: a key that is left out
counts no more. One table for each holder:

  [holders.op-1]                 # an opaque id, for the office alone
  key = "5f…c1"                  # as `qrgate-provision command-key` prints it
  roles = ["operator"]           # {", ".join(Role)}
  gates = ["gb-01", "gb-02"]     # left out: all; sites likewise
  until = 2027-12-31

Free mode, locking and drills need the keys of two operators, unless an operator's gates are named one by one and are at most {ALONE_MAX}.
A gate counts in the one bundle that it has: where there is a file for each site, name the others with --beside.
The recorder of site.toml needs no delegation."""
EXAMPLES = """\
what is wrong with them, every mistake at once:
  qrgate-provision delegations check hanoi/delegations.toml
one file for each site: does a key stand in several?
  qrgate-provision delegations check north.toml --beside south.toml east.toml
for the whole province, until the end of the year:
  qrgate-provision delegations sign hanoi/delegations.toml --authority hanoi/authority --until 2027-12-31
after a key was stolen: take it out of the file, sign, and bring the bundle to the gates (`command bundle`, or by hand)"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=["check", "sign"])
    parser.add_argument("file", type=Path, metavar="FILE.toml")
    parser.add_argument(
        "--beside", type=Path, metavar="FILE.toml", nargs="+", default=[], help="what else is in force: keys are counted over all of them"
    )
    parser.add_argument("--authority", type=Path, metavar="DIR", help="the office's folder; needed to sign")
    parser.add_argument("--out", type=Path, metavar="FILE", help="the bundle (default: the file's name, ending in .bundle)")
    audience.arguments(parser)


def run(options: argparse.Namespace) -> int:
    found = delegations.read(options.file)
    delegations.must_not_add_up(options.file, found, {path: delegations.read(path) for path in options.beside})
    now = datetime.now(UTC)
    doubts = [*found.doubts, *_over(found, now)]
    for doubt in doubts:
        warn(f"{options.file}: {doubt}")
    count = len(found.content["holders"])
    holders = "1 holder" if count == 1 else f"{count} holders"
    if options.action == "check":
        tell(options, {"ok": True, "holders": count, "doubts": doubts}, [f"{options.file}: {holders}, no mistake found"])
        return EXIT_OK
    if options.authority is None:
        raise UsageError("whose signature?", hint="give --authority DIR, as `init` made it")
    order = audience.order(options)
    if order.until is not None and order.until < now:
        raise UsageError(f"{options.until} is over: no gate would take the bundle", hint="a later --until, or none")
    path = options.out or options.file.with_suffix(".bundle")
    chief = office.open_office(options.authority)
    bundle = bundles.sign(chief, Kind.DELEGATIONS, found.content, order, now=now)
    files.write(path, bundle)
    document = {"ok": True, "holders": count, "bundle": str(path.absolute())}
    tell(options, document, [f"{path}: {holders}, {len(bundle)} bytes", *steps.for_handing_over(path)])
    return EXIT_OK


def _over(found: delegations.Holders, now: datetime) -> Iterator[str]:
    """Holders whose time is over, by the beginning of the key: the ids are not in what is signed."""
    for each in found.content["holders"]:
        if each.get("until", now.timestamp()) < now.timestamp():
            yield f"the key {each['key'].hex()[:KEY_DIGITS]}… counts no more: its `until` is past"
