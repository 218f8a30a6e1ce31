"""The options that every command has which signs a bundle: whom it is for, and until when."""

from __future__ import annotations

import argparse
from datetime import date

from provisioning.authority import passes
from provisioning.authority.bundles import Order


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--site", action="append", default=[], metavar="S", help="only for this site; may be repeated (default: all)")
    parser.add_argument("--gate", action="append", default=[], metavar="G", help="only for this gate; may be repeated (default: all)")
    parser.add_argument("--until", type=_day, metavar="YYYY-MM-DD", help="last day, to its end in Viet Nam (default: no end)")


def order(options: argparse.Namespace) -> Order:
    until = passes.last_moment(options.until) if options.until else None
    return Order(sites=tuple(options.site), gates=tuple(options.gate), until=until)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a day such as 2027-05-31, found {text!r}") from None
