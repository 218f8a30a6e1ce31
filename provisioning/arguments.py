"""The command line of ``qrgate-provision``: its commands, their options, and help that teaches by examples."""

from __future__ import annotations

import argparse
import re
from datetime import UTC, date, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, NoReturn

from device.admission.lists import ListKind
from device.domain import Direction
from device.errors import UsageError
from provisioning.authority import sites
from provisioning.commands import MODULES
from provisioning.telling import NAME

DESCRIPTION = """\
Prepare gates, their broker and their recorder, and order something at a gate. Only `recorder` and `command` need a network."""

EXAMPLES = """\
a first gate, its authority, its broker and its recorder, below ./hanoi:
  qrgate-provision init --province hn --site giap-bat --gate gb-01 --broker-host mqtt.example.vn --out hanoi
a pass for a month, as a picture:
  qrgate-provision pass --authority hanoi/authority --zone main --days 30 --out pass.png

exit codes: 0 done, 1 a check found a fault, or a gate has not done what was ordered, 2 the command line is wrong,
            3 a settings file is wrong, 4 a key or certificate is wrong, 6 no contact, 7 a file cannot be written, 130 ended by Ctrl-C"""

INIT_HELP = """\
Make keys, certificates and settings for one gate, and at the first time all that its province needs:

  OUT/authority/      stays in the province office; who has it can issue passes
  OUT/gates/GATE/     copy to /etc/qrgate on the gate
  OUT/broker/         copy to /etc/mosquitto/qrgate on the broker's machine (--broker-folder: elsewhere); where every
                      --broker-host is a loopback address, it stays where it is
  OUT/recorder/       copy to the recorder's machine: qrgate-provision recorder --settings recorder.toml
  OUT/watcher/        TLS identity that may read all events and write nothing

It ends with the commands that come next. Run it again for the next gate: everything is reused, and gates of one site
share its pseudonym keys, which cover 60 days: `keys` hands over new ones. Certificates last 395 days: `certificates`
tells which end soon, and renews them."""

INIT_EXAMPLES = """\
a gate wired as rpi4-relay-hat in hardware/wiring.md (Raspberry Pi 4, camera module) and run by systemd:
  qrgate-provision init --province hn --site giap-bat --gate gb-01 --broker-host mqtt.example.vn --out hanoi
one with a webcam and a serial relay board:
  qrgate-provision init ... --set reader.source=webcam --set reader.path=/dev/video0 \\
                            --set relay.kind=lcus --set relay.port=/dev/serial/by-id/usb-1a86_USB_Serial-if00-port0
one without a battery clock, whose machine keeps its time by other means:
  qrgate-provision init ... --set clock.source=system
one without a buzzer (an empty value leaves the key out):
  qrgate-provision init ... --set buzzer.pin=
a new TLS key and certificate for a gate that is there, its settings untouched:
  qrgate-provision init --province hn --site giap-bat --gate gb-01 --out hanoi --renew
one that a single user runs in the foreground, on a laptop with no pins:
  qrgate-provision init ... --set pins.factory=mock --set links.reader_user= --set links.uplink_user="""

ISSUE_HELP = """\
Issue a signed pass (KD1), many of them from a table, or a rotating pass (KD2) for a telephone.

A table has a first line with the names of its columns, all of which may be left out: label (printed, in no code), zone
(several with blanks between), direction, from, until, days, uses, counted_at, party, count (so many of this line). What a
cell leaves empty is taken from the options. DIR gets one picture a pass, sheet.pdf to print, and passes.csv, the office's
list of which pass is whose: keep it to revoke one.

A rotating pass changes every 30 seconds. Its secret goes to one telephone; where and when it is good is what the gates of
the site were told of the site's key."""

ISSUE_EXAMPLES = """\
good for 30 days in zone main:
  qrgate-provision pass --authority hanoi/authority --zone main --days 30 --out pass.png
one entry, in May, counted at gate gb-01:
  qrgate-provision pass --authority hanoi/authority --zone main --direction entry --from 2027-05-01 --until 2027-05-31 \\
                        --uses 1 --counted-at gb-01 --out pass.png
only the text, for a printer of one's own:
  qrgate-provision pass --authority hanoi/authority --days 1 --text
a coach party of 12, on a sheet to print:
  qrgate-provision pass --authority hanoi/authority --zone main --days 1 --party 12 --sheet pass.pdf
everybody in staff.csv, in zone main until the end of the year:
  qrgate-provision pass --authority hanoi/authority --zone main --until 2027-12-31 --batch staff.csv --folder staff
a rotating pass for a telephone, and what it shows now:
  qrgate-provision pass --authority hanoi/authority --rotating giap-bat --out enrol.png
  qrgate-provision pass --authority hanoi/authority --rotating giap-bat --show-at now"""

RECORDER_HELP = """\
Store every event of the province once, and confirm it to the gate that sent it. The broker is waited for, however long it is away. A
renewed certificate is taken while it runs. docs/brokers.md tells how it is run as a service, what the [replica] is for, and what to do
where the archive is lost; `qrgate-provision gates` what it knows of each gate."""

RECORDER_EXAMPLES = """\
in the foreground, until Ctrl-C or SIGTERM:
  qrgate-provision recorder --settings hanoi/recorder/recorder.toml"""

LISTS_HELP = """\
Build the lists that gates look people and credentials up in, from a CSV file whose first line names its columns:

  type,value          who or what: cccd, cmnd, bhxh, passport, qid, uvci, certificate, card, pass, kd2, key, signer, vehicle
  type,value,state    for the kind declared: declared or not; for the kind expected: stay or released

No name leaves the office: a list holds keyed hashes."""

LISTS_EXAMPLES = """\
whom every gate of the province must not let in:
  qrgate-provision lists build --kind deny --from persons.csv --version 7 --authority hanoi/authority --out deny-7.list
only what changed since the list before, for gates that have it:
  qrgate-provision lists build --kind deny --from persons.csv --version 7 --authority hanoi/authority \\
                               --delta-from deny-6.list --out deny-6-to-7.list
what a list says of itself:
  qrgate-provision lists show deny-7.list --authority hanoi/authority"""


class Parser(argparse.ArgumentParser):
    """Errors of the command line are told as all others are: once, with a hint."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message, hint=f"`{self.prog} --help` shows examples")


def parser() -> Parser:
    """What it parses names its command in ``command``."""
    top = Parser(prog=NAME, description=DESCRIPTION, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
    top.add_argument("--version", action="version", version=f"{NAME} {_version()}")
    commands = top.add_subparsers(dest="command", title="commands", metavar="COMMAND", required=True)
    _add_init(commands)
    _add_pass(commands)
    _add_recorder(commands)
    for name, module in MODULES.items():
        module.arguments(_add(commands, name, about=module.ABOUT, description=module.HELP, examples=module.EXAMPLES))
    _add_lists(commands)
    return top


def _version() -> str:
    try:
        return metadata.version("qrgate")
    except metadata.PackageNotFoundError:  # run from a checkout
        return "(not installed)"


def _add(commands: Any, name: str, *, about: str, description: str, examples: str, machine: bool = True) -> Parser:
    parser: Parser = commands.add_parser(
        name, help=about, description=description, epilog=f"examples:\n{examples}", formatter_class=argparse.RawDescriptionHelpFormatter
    )
    if machine:
        parser.add_argument("--json", action="store_true", help="print one JSON document")
    return parser


def _add_init(commands: Any) -> None:
    parser = _add(commands, "init", about="make all that one gate needs", description=INIT_HELP, examples=INIT_EXAMPLES)
    parser.add_argument("--province", required=True, metavar="P", help="id of the province")
    parser.add_argument("--site", required=True, metavar="S", help="id of the registered check-point")
    parser.add_argument("--gate", required=True, metavar="G", help="id of the gate, unique in the whole country")
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder of this province")
    parser.add_argument("--zone", default="main", metavar="Z", help="zone that the gate leads into (default: main)")
    parser.add_argument("--direction", default="entry", choices=[each.value for each in Direction], help="which way people pass it (default: entry)")
    parser.add_argument(
        "--broker-host",
        action="append",
        default=[],
        metavar="H",
        help="name or address of the broker (default: 127.0.0.1); more than one go into its certificate",
    )
    parser.add_argument("--broker-port", "--port", type=_port, metavar="N", help="its TLS port (default: 8883)")
    parser.add_argument("--broker-folder", type=_absolute, metavar="DIR", help="where its files lie on its machine (default: /etc/mosquitto/qrgate)")
    parser.add_argument("--broker-user", metavar="USER", help="user that its mosquitto runs as (default: mosquitto)")
    parser.add_argument("--broker-listen", metavar="ADDRESS", help="address that it listens on (default: 0.0.0.0)")
    parser.add_argument("--set", action="append", default=[], metavar="TABLE.KEY=VALUE", help="any key of gate.toml or site.toml; may be repeated")
    parser.add_argument(
        "--days-ahead", type=int, default=sites.DAYS_AHEAD, metavar="N", help=f"days for which it gets pseudonym keys (default: {sites.DAYS_AHEAD})"
    )
    parser.add_argument("--force", action="store_true", help="replace a gate that is there: new settings, new TLS key")
    parser.add_argument("--renew", action="store_true", help="only a new TLS key and certificate for a gate that is there")
    parser.add_argument("--issuer-seed", type=_seed, metavar="HEX", help="64 hex digits that give the pass key; for demonstrations and tests only")


def _add_pass(commands: Any) -> None:
    parser = _add(commands, "pass", about="issue passes (KD1, KD2)", description=ISSUE_HELP, examples=ISSUE_EXAMPLES)
    parser.add_argument("--authority", required=True, type=Path, metavar="DIR", help="the office's folder, as `init` made it")
    parser.add_argument("--zone", action="append", default=[], metavar="Z", help="where it is good; may be repeated (default: everywhere)")
    parser.add_argument("--direction", default="both", choices=[each.value for each in Direction], help="which way (default: both)")
    parser.add_argument("--days", type=_count, metavar="N", help="good from now on for N days")
    parser.add_argument("--from", dest="valid_from", type=_day, metavar="YYYY-MM-DD", help="first day, from midnight in Viet Nam")
    parser.add_argument("--until", dest="valid_until", type=_day, metavar="YYYY-MM-DD", help="last day, to its end in Viet Nam")
    parser.add_argument("--uses", type=_count, metavar="N", help="how often it may be used; needs --counted-at")
    parser.add_argument("--counted-at", metavar="ID", help="the one gate or site that counts the uses")
    parser.add_argument("--party", type=_party, metavar="N", help="people that one showing lets through, 1 to 50 (default: 1)")
    parser.add_argument("--out", type=_png, metavar="FILE.png", help="picture of the QR symbol")
    parser.add_argument("--text", action="store_true", help="print the pass as text")
    parser.add_argument("--sheet", type=_pdf, metavar="FILE.pdf", help="page to print and cut apart, with symbol, terms and number")
    parser.add_argument("--batch", type=Path, metavar="FILE.csv", help="one pass a line; needs --folder")
    parser.add_argument("--folder", type=Path, metavar="DIR", help="where a batch puts its pictures, its sheet and its list")
    parser.add_argument("--rotating", metavar="SITE", help="a rotating pass (KD2) of this site, for a telephone; --out and --text give its secret")
    parser.add_argument("--pass-id", metavar="ID", help="with --rotating: that pass once more, for another telephone")
    parser.add_argument(
        "--show-at", type=_moment, metavar="TIME", help="with --rotating: the code of that moment, such as 2027-05-31T08:00+07:00 or now"
    )


def _add_recorder(commands: Any) -> None:
    parser = _add(commands, "recorder", about="run the recorder", description=RECORDER_HELP, examples=RECORDER_EXAMPLES, machine=False)
    parser.add_argument("--settings", required=True, type=Path, metavar="FILE", help="recorder.toml, as `init` made it, or its folder")


def _add_lists(commands: Any) -> None:
    group = _add(commands, "lists", about="build and show lists", description=LISTS_HELP, examples=LISTS_EXAMPLES, machine=False)
    steps = group.add_subparsers(dest="step", title="steps", metavar="STEP", required=True)
    build = _add(steps, "build", about="build a list from a CSV file", description=LISTS_HELP, examples=LISTS_EXAMPLES)
    build.add_argument("--kind", required=True, choices=[each.value for each in ListKind], help="what the list says of whom it names")
    build.add_argument("--from", dest="table", required=True, type=Path, metavar="FILE.csv", help="whom it names")
    build.add_argument("--version", dest="list_version", required=True, type=_version_number, metavar="N", help="higher than the one before")
    build.add_argument("--authority", required=True, type=Path, metavar="DIR", help="the office's folder, as `init` made it")
    build.add_argument("--out", required=True, type=Path, metavar="FILE", help="the list")
    build.add_argument("--site", action="append", default=[], metavar="S", help="only for this site; may be repeated (default: the whole province)")
    build.add_argument("--valid-hours", type=_count, default=48, metavar="N", help="after N hours gates hold it for stale (default: 48)")
    build.add_argument("--delta-from", type=Path, metavar="FILE", help="write only what differs from this earlier, whole list")
    show = _add(steps, "show", about="tell what a list says of itself", description="Tell what a list says of itself.", examples=LISTS_EXAMPLES)
    show.add_argument("file", type=Path, metavar="FILE", help="a list")
    show.add_argument("--authority", type=Path, metavar="DIR", help="the office's folder, to prove the signature")


def _version_number(text: str) -> int:
    if not (text.isdecimal() and len(text) < 19 and int(text) >= 1):
        raise argparse.ArgumentTypeError(f"expected a number from 1 on, found {text!r}")
    return int(text)


def _seed(text: str) -> bytes:
    if not re.fullmatch(r"[0-9a-f]{64}", text):
        raise argparse.ArgumentTypeError("expected 64 hex digits")
    return bytes.fromhex(text)


def _png(text: str) -> Path:
    if not text.lower().endswith(".png"):
        raise argparse.ArgumentTypeError(f"the picture is a PNG: expected a name that ends in .png, found {text!r}")
    return Path(text)


def _pdf(text: str) -> Path:
    if not text.lower().endswith(".pdf"):
        raise argparse.ArgumentTypeError(f"the sheet is a PDF: expected a name that ends in .pdf, found {text!r}")
    return Path(text)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.now(UTC) if text == "now" else datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise argparse.ArgumentTypeError(f"expected a time with its zone, such as 2027-05-31T08:00+07:00, found {text!r}")
    return moment


def _absolute(text: str) -> Path:
    if not text.startswith("/"):
        raise argparse.ArgumentTypeError(f"expected a path from / on, found {text!r}")
    return Path(text)


def _port(text: str) -> int:
    if not (text.isdecimal() and 1 <= int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"expected 1 to 65535, found {text!r}")
    return int(text)


def _count(text: str) -> int:
    if not (text.isdecimal() and 1 <= int(text) <= 10_000):
        raise argparse.ArgumentTypeError(f"expected 1 to 10000, found {text!r}")
    return int(text)


def _party(text: str) -> int:
    if not (text.isdecimal() and 1 <= int(text) <= 50):
        raise argparse.ArgumentTypeError(f"expected 1 to 50, found {text!r}")
    return int(text)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a day such as 2027-05-31, found {text!r}") from None
