"""``qrgate-provision gates``: what the recorder's archive knows of each gate, and the operator's word that one is in order."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from device.errors import EXIT_OK
from provisioning.operations import settings, survey
from provisioning.operations.alarms import ADVICE, What
from provisioning.operations.survey import Gate
from provisioning.telling import tell

ABOUT = "what the recorder knows of each gate"
HELP = """\
Look into the recorder's archive, on its machine; the recorder may run or not. For each gate: its last event and sequence, what is
missing, what it has given up (voids), what is in doubt, and the key with which it signs. An epoch is one life of a gate's store;
the one that was heard last comes first.

An alarm stays until somebody has looked at it: a second device with the same card, an older copy of a card, another key. --accept
says that the gate is in order. The alarms are cleared, and the key that it names now is believed. Do so only where you know why: a
card that was set up anew has a new key, and so has a stranger's device. Where events are still missing after a day of asking, --accept
ends the asking; they go on being shown as missing."""
EXAMPLES = """\
all gates:
  qrgate-provision gates --settings hanoi/recorder/recorder.toml
for a program:
  qrgate-provision gates --settings hanoi/recorder/recorder.toml --json
after gate gb-01 was set up anew on a new card:
  qrgate-provision gates --settings hanoi/recorder/recorder.toml --accept gb-01"""

KEY_DIGITS = 16


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--settings", required=True, type=Path, metavar="FILE", help="recorder.toml, as `init` made it, or its folder")
    parser.add_argument("--accept", metavar="GATE", help="this gate is in order: clear its alarms, believe its key")


def run(options: argparse.Namespace) -> int:
    archive = settings.load(options.settings).storage.file
    if options.accept is not None:
        new_key = survey.accept(archive, options.accept)
        told = "its new key is believed from now on" if new_key else "its key stays"
        tell(options, {"accepted": options.accept, "new_key": new_key}, [f"{options.accept}  accepted; {told}"])
        return EXIT_OK
    gates = survey.gates(archive)
    tell(options, {"gates": [asdict(each) for each in gates]}, [line for each in gates for line in _lines(each)] or ["no gate has sent anything yet"])
    return EXIT_OK


def _lines(gate: Gate) -> Iterator[str]:
    key = f"key {gate.key[:KEY_DIGITS]}…" if gate.key else "no key yet"
    counts = [_count(gate.boots, "boot"), _count(gate.voids, "void"), _count(gate.conflicts, "conflict")]
    yield f"{gate.gate}  site {gate.site or 'not known yet'}, {key}, {', '.join(counts)}"
    for epoch in gate.epochs:
        yield f"  epoch {epoch.epoch}: last sequence {epoch.last_sequence}, last stored {epoch.changed_at}"
        if epoch.missing:
            ranges = ", ".join(f"{first}" if first == last else f"{first} to {last}" for first, last in epoch.gaps)
            yield f"    {epoch.missing} missing: {ranges}"
    for what, since in gate.alarms:
        yield f"  ALARM {what} since {since}: {ADVICE[What(what)]}"
    if gate.other_key:
        yield f"  it names another key, {gate.other_key[:KEY_DIGITS]}…, which is not believed"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
