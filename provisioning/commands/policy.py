"""``qrgate-provision policy``: check and sign what the province's gates go by."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from device.bundles.envelope import Kind
from device.errors import EXIT_FAULT, EXIT_OK, UsageError
from device.events.pseudonyms import VIET_NAM
from provisioning import files, steps
from provisioning.authority import bundles, office, policies
from provisioning.commands import audience
from provisioning.telling import tell, warn

ABOUT = "check and sign a policy"
HELP = "Check a policy (TOML), or sign it as a bundle for gates, which is checked first."
EXAMPLES = """\
what is wrong with it:
  qrgate-provision policy check hanoi/policy.toml
for the whole province, until the end of the year:
  qrgate-provision policy sign hanoi/policy.toml --authority hanoi/authority --until 2027-12-31
for one site, which then goes by this one until a later one names it:
  qrgate-provision policy sign hanoi/market.toml --authority hanoi/authority --site cho-hom"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=["check", "sign"])
    parser.add_argument("file", type=Path, metavar="FILE.toml")
    parser.add_argument("--authority", type=Path, metavar="DIR", help="the office's folder; needed to sign")
    parser.add_argument("--out", type=Path, metavar="FILE", help="the bundle (default: the policy's name, ending in .bundle)")
    audience.arguments(parser)


def run(options: argparse.Namespace) -> int:
    document = policies.read(options.file)
    now = datetime.now(UTC)
    verdict = policies.check_document(document, now.astimezone(VIET_NAM).date())
    for doubt in verdict.doubts:
        warn(f"{options.file}: {doubt}")
    if verdict.mistakes:
        sys.stderr.write("".join(f"{options.file}: {mistake}\n" for mistake in verdict.mistakes))
        tell(options, {"ok": False, "mistakes": verdict.mistakes}, [f"mistakes: {len(verdict.mistakes)}"])
        return EXIT_FAULT
    if options.action == "check":
        told = {"ok": True, "mistakes": [], "doubts": verdict.doubts}
        tell(options, told, [f"{options.file}: no mistake found{', doubts: ' + str(len(verdict.doubts)) if verdict.doubts else ''}"])
        return EXIT_OK
    if options.authority is None:
        raise UsageError("whose signature?", hint="give --authority DIR, as `init` made it")
    path = options.out or options.file.with_suffix(".bundle")
    bundle = bundles.sign(office.open_office(options.authority), Kind.POLICY, document, audience.order(options), now=now)
    files.write(path, bundle)
    tell(options, {"ok": True, "bundle": str(path.absolute())}, [f"{path}: {len(bundle)} bytes", *steps.for_handing_over(path)])
    return EXIT_OK
