"""``qrgate-provision simulate``: a fleet of gates against a real broker and a real recorder."""

from __future__ import annotations

import argparse
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from device.errors import EXIT_FAULT, EXIT_OK, UsageError
from provisioning import files
from provisioning.simulation import fleet, plot, province
from provisioning.simulation.count import count
from provisioning.simulation.course import Course, Plan
from provisioning.simulation.fleet import Fleet
from provisioning.simulation.province import Province
from provisioning.simulation.servers import Mosquitto, Recorder, Server
from provisioning.telling import NAME, tell

ABOUT = "try a broker with thousands of gates"
HELP = """\
Play many gates against a real broker and a real recorder, and count at the end what has arrived: with the real uplink of a gate, real
TLS, real events and signed confirmations, but without cameras, lanes and disks.

All gates connect at once; then people come for --seconds; then the broker is killed, is away for 10 seconds, and everybody comes back.
It has held where nothing is lost and each storm is over within 120 seconds; else the exit code is 1.

By itself it starts a mosquitto and a recorder on this machine, with the settings that `init` would make for so many gates. The gates
take processor time, too, which in a province they bring themselves: the figures are those of this machine, and on the safe side.

With --settings the broker is another: the one that DIR, a folder made by `init`, describes. It must run, and is not killed; the recorder
of DIR must not run, for it is started here. Its archive keeps what the played gates say: take a province that is made for trials."""
EXAMPLES = """\
2,000 gates on an ordinary day, with a picture:
  qrgate-provision simulate --gates 2000 --plot fleet.svg
how many events a second this machine can take from them, and certificates kept for the next time:
  qrgate-provision simulate --gates 2000 --find-rate --cache fleet
another broker, at 100 events a second for 5 minutes:
  qrgate-provision simulate --gates 500 --rate 100 --seconds 300 --settings trial"""

EVENTS_A_DAY, SECONDS, AWAY_S = 2000, 30.0, 10.0
DAY_S = 86_400
GATES_MAX = 20_000
NUMBER_END = 1_000_000
FOUND_PER_S = 2000
"""The broker's queue is made for a rate that is still to be found as if it were this."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--gates", type=_count, required=True, metavar="N", help="how many gates")
    rate = parser.add_mutually_exclusive_group()
    rate.add_argument(
        "--events-per-day", type=_number, default=EVENTS_A_DAY, metavar="N", help=f"events of each gate in a day (default: {EVENTS_A_DAY})"
    )
    rate.add_argument("--rate", type=_number, metavar="R", help="events a second of all gates together")
    parser.add_argument("--find-rate", action="store_true", help="find the greatest rate with which 99 of 100 events are confirmed within 5 s")
    parser.add_argument("--seconds", type=_number, default=SECONDS, metavar="S", help=f"how long people come (default: {SECONDS:.0f})")
    parser.add_argument(
        "--outage", type=_outage, metavar="AT,FOR", help=f"seconds after which the broker is killed, and for how long (default: S,{AWAY_S:.0f})"
    )
    parser.add_argument("--processes", type=_count, metavar="N", help="processes that play the gates (default: one for each 180)")
    folder = parser.add_mutually_exclusive_group()
    folder.add_argument("--cache", type=Path, metavar="DIR", help="where certificates and archive are kept; those that are there are used again")
    folder.add_argument("--settings", type=Path, metavar="DIR", help="a province's folder as `init` made it, whose broker runs")
    parser.add_argument("--plot", type=Path, metavar="FILE.svg", help="draw the run over time")


def run(options: argparse.Namespace) -> int:
    if options.settings and options.outage:
        raise UsageError("--settings names a broker that is not ours to kill", hint="leave --outage out, and restart the broker yourself")
    rate_per_s = options.rate or options.events_per_day * options.gates / DAY_S
    processes = fleet.processes_for(options.gates, options.processes)
    fleet.allow_descriptors(options.gates)
    with ExitStack() as stack:
        if options.settings:
            place = province.of_others(options.settings.absolute(), options.gates, _say)
        else:
            folder = options.cache or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="qrgate-fleet-")))
            busiest_per_s = max(rate_per_s, FOUND_PER_S if options.find_rate else 0)
            place = province.own(folder.absolute(), options.gates, int(busiest_per_s * DAY_S / options.gates) + 1, _say)
        return _run(options, place, rate_per_s, processes)


def _run(options: argparse.Namespace, place: Province, rate_per_s: float, processes: int) -> int:
    at_s, away_s = options.outage or (options.seconds, AWAY_S)
    plan = Plan(
        gates=options.gates,
        events_per_s=rate_per_s,
        load_s=options.seconds,
        outage_at_s=None if options.settings else at_s,
        outage_s=away_s,
        find_rate=options.find_rate,
    )
    with ExitStack() as stack:
        servers: dict[str, Server] = {}
        if not options.settings:
            address = place.gates[0].broker
            servers["broker"] = stack.enter_context(Mosquitto(place.broker, address.host, address.port, place.broker_log))
        servers["recorder"] = stack.enter_context(Recorder(place.recorder, place.recorder_log))
        gates = stack.enter_context(Fleet(place.parts(processes)))
        course = Course(plan, gates, servers.get("broker"), _say)
        report = course.run()
        made = gates.leave()
        costs = {name: server.cost for name, server in servers.items()}
    counted = count(place.archive, made)
    if options.plot:
        files.write(options.plot, plot.drawing(course.moments, f"{options.gates} gates, {rate_per_s:.0f} events a second"))
    tell(options, report.document(counted, costs), list(report.lines(counted, costs)))
    return EXIT_OK if report.held(counted) else EXIT_FAULT


def _say(what: str) -> None:
    sys.stderr.write(f"{NAME}: {what}\n")


def _count(text: str) -> int:
    number = int(text) if text.isdecimal() else 0
    if not 1 <= number <= GATES_MAX:
        raise argparse.ArgumentTypeError(f"{text!r} is not from 1 to {GATES_MAX}")
    return number


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < NUMBER_END:
        raise argparse.ArgumentTypeError(f"{text!r} is not above 0 and below {NUMBER_END}")
    return number


def _outage(text: str) -> tuple[float, float]:
    at, _, away = text.partition(",")
    return _number(at), _number(away)
