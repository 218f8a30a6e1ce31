"""``make faults``: everything is killed, the power is cut and the disk fails, and nothing is lost and nobody let in without a record.

Without a word it is ``kills``, as are options alone: ``python -m tests.faults --kills 50``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Protocol

from tests.faults import disk, kills, network, power


class Command(Protocol):
    __doc__: str | None

    def add_options(self, parser: argparse.ArgumentParser) -> None: ...

    def run(self, options: argparse.Namespace) -> int:
        """The exit code: 1 where a promise was broken."""
        ...


COMMANDS: dict[str, Command] = {"kills": kills, "network": network, "power": power, "disk": disk}
DEFAULT = "kills"


def main(words: Sequence[str]) -> int:
    named = words if words[:1] and (words[0] in COMMANDS or words[0] in {"-h", "--help"}) else [DEFAULT, *words]
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, command in COMMANDS.items():
        command.add_options(commands.add_parser(name, help=(command.__doc__ or "").partition("\n")[0], description=command.__doc__))
    options = parser.parse_args(named)
    return COMMANDS[options.command].run(options)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
