"""How ``qrgate-provision`` speaks: one JSON document or lines for people on stdout, warnings on stderr."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

NAME = "qrgate-provision"


def tell(options: argparse.Namespace, document: dict[str, Any], lines: list[str]) -> None:
    sys.stdout.write((json.dumps(document, ensure_ascii=False) if options.json else "\n".join(lines)) + "\n")


def warn(what: str) -> None:
    sys.stderr.write(f"{NAME}: warning: {what}\n")
