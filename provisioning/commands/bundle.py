"""``qrgate-provision bundle``: look into a bundle."""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from device.errors import EXIT_OK, UsageError
from provisioning.authority import bundles, office
from provisioning.telling import tell

ABOUT = "show what is in a bundle"
HELP = "Prove a bundle and show it: whom it is for, which one it is, and its content without secrets."
EXAMPLES = """\
by the office's own key:
  qrgate-provision bundle show trust.bundle --authority hanoi/authority
by the key in a gate's site.toml ([bundles] public_key):
  qrgate-provision bundle show trust.bundle --key 5f…c1"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=["show"])
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("--authority", type=Path, metavar="DIR", help="the office that should have signed it")
    parser.add_argument("--key", type=_public_key, metavar="HEX", help="or its public key")


def run(options: argparse.Namespace) -> int:
    if (options.authority is None) == (options.key is None):
        raise UsageError("whose signature should it be?", hint="give --authority DIR or --key HEX")
    key = options.key or office.open_office(options.authority).bundle_key().public_key()
    document = bundles.described(bundles.look(options.file, key))
    tell(options, document, [json.dumps(document, ensure_ascii=False, indent=2)])
    return EXIT_OK


def _public_key(text: str) -> Ed25519PublicKey:
    if not re.fullmatch(r"[0-9a-f]{64}", text):
        raise argparse.ArgumentTypeError("expected 64 hex digits")
    return Ed25519PublicKey.from_public_bytes(bytes.fromhex(text))
