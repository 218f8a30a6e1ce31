"""``qrgate-provision trust``: whom the province's gates believe, as one signed bundle."""

from __future__ import annotations

import argparse
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from device.bundles.envelope import Kind
from device.errors import EXIT_OK
from provisioning import files, steps
from provisioning.authority import bundles, keys, office, trust
from provisioning.commands import audience
from provisioning.telling import tell, warn

ABOUT = "sign whom gates believe"
HELP = """\
Gather keys and certificates into a trust bundle. It replaces the one before it as a whole: what is left out is no longer believed.
The office's own pass key is always in it. A bundle with --rotating holds secrets: name the gates that need them, and carry
it there by hand."""
EXAMPLES = """\
the office's own passes, and health certificates by the signers in a folder:
  qrgate-provision trust build --authority hanoi/authority --health signers/ --out trust.bundle
passes of a neighbour too, and visible seals of a country:
  qrgate-provision trust build --authority hanoi/authority --issuer 5f…c1 --seals AUS=australia.pem --out trust.bundle
rotating passes, for two gates:
  qrgate-provision trust build --authority hanoi/authority --rotating staff.toml --gate gb-01 --gate gb-02 --out staff.bundle"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=["build"])
    parser.add_argument("--authority", required=True, type=Path, metavar="DIR", help="the office's folder, as `init` made it")
    parser.add_argument("--issuer", action="append", default=[], type=_public_key, metavar="HEX", help="Ed25519 key of a further issuer of passes")
    parser.add_argument("--health", type=Path, metavar="DIR", help="certificates (DER or PEM) of signers of health certificates (HC1)")
    parser.add_argument(
        "--seals",
        action="append",
        default=[],
        type=_country,
        metavar="ICAO=FILE",
        help="a country's signing authority (VDS-NC); repeatable",
    )
    parser.add_argument(
        "--cards", action="append", default=[], type=_issuer, metavar="URL=JWKS", help="an issuer of SMART Health Cards and its key set"
    )
    parser.add_argument("--rotating", type=Path, metavar="FILE.toml", help="secrets of rotating passes (KD2): [KEY-ID], secret in hex")
    parser.add_argument("--out", required=True, type=Path, metavar="FILE", help="the bundle")
    audience.arguments(parser)


def run(options: argparse.Namespace) -> int:
    chief = office.open_office(options.authority)
    document: dict[str, Any] = {"passes": list(dict.fromkeys([keys.raw_public(chief.issuer), *options.issuer]))}
    if options.health is not None:
        document["health"] = [trust.health_entry(der) for der in trust.certificates(options.health)]
    if options.seals:
        document["seals"] = [entry for country, path in options.seals for entry in trust.seal_entries(country, path)]
    if options.cards:
        document["cards"] = [entry for issuer, path in options.cards for entry in trust.card_keys(issuer, path)]
    if options.rotating is not None:
        document["rotating"] = trust.rotating_keys(options.rotating)
        if not options.gate:
            warn("this bundle holds secrets and is for every gate: --gate names those that need them")
    bundle = bundles.sign(chief, Kind.TRUST, trust.checked(document), audience.order(options), now=datetime.now(UTC))
    files.write(options.out, bundle, mode=files.PUBLIC if options.rotating is None else files.PRIVATE)
    counts = {name: len(table) for name, table in document.items()}
    told = ", ".join(f"{count} {name}" for name, count in counts.items())
    tell(
        options,
        {"bundle": str(options.out.absolute()), **counts},
        [f"{options.out}: {len(bundle)} bytes, {told}", *steps.for_handing_over(options.out)],
    )
    return EXIT_OK


def _public_key(text: str) -> bytes:
    if not re.fullmatch(r"[0-9a-f]{64}", text):
        raise argparse.ArgumentTypeError("expected 64 hex digits")
    return bytes.fromhex(text)


def _issuer(text: str) -> tuple[str, Path]:
    issuer, equals, path = text.rpartition("=")
    if not (equals and path and issuer.startswith("https://")):
        raise argparse.ArgumentTypeError(f"expected https://…=FILE, found {text!r}")
    return issuer, Path(path)


def _country(text: str) -> tuple[str, Path]:
    country, equals, path = text.partition("=")
    if not (equals and path and re.fullmatch(r"[A-Z]{1,3}", country)):
        raise argparse.ArgumentTypeError(f"expected a country as its seals print it and a file, such as AUS=australia.pem, found {text!r}")
    return country, Path(path)
