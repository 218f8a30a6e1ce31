"""``qrgate-provision certificates``: which end when, and new ones before they do."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from device.errors import EXIT_FAULT, EXIT_OK
from provisioning import steps
from provisioning.authority import office, tls_identities
from provisioning.authority.certificates import DUE, LEAF_DAYS
from provisioning.authority.tls_identities import BROKER, ROOT, Found, State
from provisioning.telling import NAME, tell

ABOUT = "tell which certificates end when; renew one"
HELP = f"""\
Tell of every TLS certificate in the folder of a province when it ends: the broker's, the recorder's, those of gates and of people.
The exit code is 1 where one ends within {DUE.days} days, is over, or opens no connection: let a machine ask once a week. What has left
the office is told as absent; there, `qrgate doctor` at a gate and the recorder's log tell.

--renew makes a new TLS key and certificate, for {LEAF_DAYS} days, and touches nothing else. The old certificate is good until its own end,
so there is time to bring the new one to its place. WHO is as the list names it: recorder, watcher, gates/gb-01, commands/op-1; and
watchers/ID for each further watcher.ID in [clients] of authority/broker.toml, who gets a first one so. The broker's comes with its
settings: `qrgate-provision broker`."""
EXAMPLES = """\
what ends when:
  qrgate-provision certificates --out hanoi
new ones for the recorder and a gate; then do what it prints:
  qrgate-provision certificates --out hanoi --renew recorder --renew gates/gb-01
one for a second person who watches, after watchers = ["watcher.hn", "watcher.noc-2"] in hanoi/authority/broker.toml:
  qrgate-provision broker --out hanoi
  qrgate-provision certificates --out hanoi --renew watchers/noc-2"""

WORDS = {State.DUE: ["renew it"], State.OVER: ["IS OVER"], State.ABSENT: ["no certificate here"]}


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder of this province, as for `init`")
    parser.add_argument("--renew", action="append", default=[], metavar="WHO", help="a new key and certificate for this one; may be repeated")


def run(options: argparse.Namespace) -> int:
    out, now = options.out.absolute(), datetime.now(UTC)
    chief = office.open_office(out / "authority")
    if options.renew:
        renewed = tls_identities.renew(chief, out, tuple(options.renew), now=now)
        lines = [line for each in renewed for line in (f"{each.who:18} {each.file}", *steps.for_identity(chief, out, each))]
        tell(options, {"renewed": {each.who: str(each.file) for each in renewed}}, lines)
        return EXIT_OK
    found = tls_identities.survey(chief, out, now=now)
    bad = [each.identity.who for each in found if each.state not in (State.GOOD, State.ABSENT)]
    lines = [*(_line(each, now) for each in found), *_next(options.out, bad)]
    tell(options, {"ok": not bad, "certificates": [_row(each, now) for each in found]}, lines)
    return EXIT_FAULT if bad else EXIT_OK


def _row(found: Found, now: datetime) -> dict[str, object]:
    ends, left = (found.ends.isoformat(), (found.ends - now).days) if found.ends else (None, None)
    return {
        "who": found.identity.who,
        "file": str(found.identity.file),
        "state": found.state,
        "ends": ends,
        "days_left": left,
        "fault": found.fault,
    }


def _line(found: Found, now: datetime) -> str:
    words = [f"to {found.ends.date()}, {(found.ends - now).days} days"] if found.ends else []
    if found.identity.who == ROOT and found.state is State.DUE:
        words.append("what it signs ends with it: `init` in another folder makes a new authority, with new certificates for all")
    else:
        words += WORDS.get(found.state, [])
    return f"{found.identity.who:18} {', '.join([*words, *([f'DAMAGED: {found.fault}'] if found.fault else [])])}"


def _next(out: Path, bad: list[str]) -> Iterator[str]:
    folder, clients = shlex.quote(str(out)), [who for who in bad if who not in (ROOT, BROKER)]
    if clients or BROKER in bad:
        yield "next:"
    if clients:
        yield f"  {NAME} certificates --out {folder} {' '.join(f'--renew {shlex.quote(who)}' for who in clients)}"
    if BROKER in bad:
        yield f"  {NAME} broker --out {folder}"
