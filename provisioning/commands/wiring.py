"""``qrgate-provision wiring``: what a gate's settings say of its wires, as a drawing."""

from __future__ import annotations

import argparse
from pathlib import Path

from device.errors import EXIT_OK, UsageError
from provisioning import files
from provisioning.technician import wiring
from provisioning.telling import tell

ABOUT = "draw the wiring of a gate"
HELP = """\
Draw the header of the computer, what hangs on each of its pins, and how the lock's supply is cut without it: a page of A4 to print,
from gate.toml or from one of the board files of hardware/boards. A file with mistakes is not drawn; they are told."""
EXAMPLES = """\
a gate as `init` made it:
  qrgate-provision wiring hanoi/gates/gb-01/gate.toml --out gb-01.svg
every board file, each beside the others:
  qrgate-provision wiring hardware/boards/*.toml --all hardware/drawings"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE.toml", help="gate.toml, or a board file")
    parser.add_argument("--out", type=_svg, metavar="FILE.svg", help="the drawing of one file")
    parser.add_argument("--all", type=Path, metavar="DIR", help="the folder for a drawing of each file, by its name")


def run(options: argparse.Namespace) -> int:
    if (options.out is None) == (options.all is None):
        raise UsageError("where should it be drawn?", hint="give --out FILE.svg for one file, or --all DIR")
    if options.out and len(options.files) > 1:
        raise UsageError(f"{len(options.files)} files do not go into one drawing", hint="give --all DIR")
    paths = [options.out or options.all / f"{file.stem}.svg" for file in options.files]
    drawings = [wiring.draw(file) for file in options.files]
    if options.all:
        files.make_folder(options.all)
    for path, drawing in zip(paths, drawings, strict=True):
        files.write(path, drawing)
    tell(options, {"drawings": [str(path.absolute()) for path in paths]}, [str(path) for path in paths])
    return EXIT_OK


def _svg(text: str) -> Path:
    if not text.lower().endswith(".svg"):
        raise argparse.ArgumentTypeError(f"the drawing is an SVG: expected a name that ends in .svg, found {text!r}")
    return Path(text)
