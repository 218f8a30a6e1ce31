"""``qrgate-provision keys``: pseudonym keys for the days that come."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path

from device.bundles.envelope import Kind
from device.bundles.keys import keys_content
from device.errors import EXIT_OK, UsageError
from device.events.pseudonyms import HeldKeys
from provisioning import files, steps
from provisioning.authority import bundles, init, office, sites
from provisioning.telling import tell, warn

ABOUT = "hand new pseudonym keys to gates"
HELP = """\
Make pseudonym.json in OUT/gates/GATE anew: the keys of its site for today and the days ahead. A gate destroys each key after its
day. One that has none left makes its own, and no other gate of the site then knows a person by the same number. More days
ahead let a gate be out of reach for longer, and tell more to whoever steals it. After a theft, delete
OUT/authority/sites/SITE.master.json first: the keys of all days are then made anew, for every gate of the site."""
EXAMPLES = """\
for every gate of a province:
  qrgate-provision keys --out hanoi
for one that nobody visits before the summer:
  qrgate-provision keys --out hanoi --gate gb-01 --days-ahead 200"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder of this province, as for `init`")
    parser.add_argument("--gate", action="append", default=[], metavar="G", help="a gate; may be repeated (default: all below OUT/gates)")
    parser.add_argument("--bundle", type=Path, metavar="FILE", help="the same keys as a signed bundle too; one site's gates only")
    parser.add_argument("--days-ahead", type=int, default=sites.DAYS_AHEAD, metavar="N", help=f"days after today (default: {sites.DAYS_AHEAD})")


def run(options: argparse.Namespace) -> int:
    out = options.out.absolute()
    handed = init.hand_keys(out, tuple(options.gate), days_ahead=options.days_ahead, now=datetime.now(UTC))
    paths = {gate: out / "gates" / gate / init.PSEUDONYM_KEYS for gate in handed}
    if options.bundle is not None:
        _sign(options, out, handed)
    document = {gate: {"file": str(paths[gate]), "site": held.site, "last_day": held.last_day.isoformat()} for gate, held in handed.items()}
    lines = [f"{gate:10} {paths[gate]}: site {held.site}, to {held.last_day}" for gate, held in handed.items()]
    tell(options, document, [*lines, *steps.for_keys()])
    return EXIT_OK


def _sign(options: argparse.Namespace, out: Path, handed: dict[str, HeldKeys]) -> None:
    sites_named = {held.site for held in handed.values()}
    if len(sites_named) != 1:
        raise UsageError(f"a bundle is for one site, and these gates are of {', '.join(sorted(sites_named))}", hint="name the gates of one: --gate")
    held = next(iter(handed.values()))
    order = bundles.Order(sites=(held.site,), gates=tuple(options.gate))
    bundle = bundles.sign(office.open_office(out / "authority"), Kind.KEYS, keys_content(held), order, now=datetime.now(UTC))
    files.write(options.bundle, bundle, mode=files.PRIVATE)
    warn(f"{options.bundle} is signed and not encrypted: carry it to the gates by hand, and delete it afterwards")
