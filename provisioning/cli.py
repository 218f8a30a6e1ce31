"""``qrgate-provision``: what is done off the gate, at the bench, in the field and in the province office."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from device.domain import Direction
from device.errors import EXIT_INTERRUPTED, EXIT_OK, QrgateError, UsageError
from provisioning import issuing, listing, steps
from provisioning.arguments import parser
from provisioning.authority import init, office
from provisioning.broker import description as broker_description
from provisioning.commands import MODULES
from provisioning.operations import recorder
from provisioning.operations import settings as recorder_settings
from provisioning.telling import NAME
from provisioning.telling import tell as _tell
from provisioning.telling import warn as _warn

PROGRESS_STEP = 50
"""Pictures or pages of a batch: a line for so many. On a laptop 50 pictures take 3 s, 50 pages 30 s."""


def main(arguments: Sequence[str] | None = None) -> int:
    try:
        options = parser().parse_args(arguments)
        return COMMANDS[options.command](options)
    except QrgateError as error:
        sys.stderr.write(f"{NAME}: {error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


# --- the commands ----------------------------------------------------------------------------------------------


def _init(options: argparse.Namespace) -> int:
    if options.issuer_seed is not None:
        _warn("--issuer-seed makes a key that others can make too; for demonstrations and tests only")
    request = init.Request(
        out=options.out,
        province=options.province,
        site=options.site,
        gate=options.gate,
        zone=options.zone,
        direction=Direction(options.direction),
        broker_hosts=tuple(options.broker_host),
        broker_port=options.broker_port,
        broker_folder=options.broker_folder,
        broker_user=options.broker_user,
        broker_listen=options.broker_listen,
        options=tuple(options.set),
        issuer_seed=options.issuer_seed,
        days_ahead=options.days_ahead,
        force=options.force,
    )
    if options.renew:
        return _renew(options, request)
    first = not (options.out / "authority").exists()
    layout = init.lay_out(request, now=datetime.now(UTC))
    folders = {name: str(getattr(layout, name)) for name in ("authority", "gate", "broker", "recorder", "watcher")}
    lines = [*(f"{name:10} {folder}" for name, folder in folders.items()), *steps.for_gate(layout)]
    if first:
        broker = broker_description.load(layout.authority / office.BROKER_DESCRIPTION).broker
        lines += [*steps.for_broker(broker, layout.broker), *steps.for_recorder(layout, broker)]
    _tell(options, {**folders, "issuer_key_id": layout.issuer_key_id}, lines)
    return EXIT_OK


def _renew(options: argparse.Namespace, request: init.Request) -> int:
    if options.set or options.force:
        raise UsageError("--renew leaves the settings as they are", hint="leave --set and --force out; --force without --renew makes the gate anew")
    layout = init.renew(request, now=datetime.now(UTC))
    _tell(options, {"gate": str(layout.gate)}, [f"gate       {layout.gate}", *steps.for_renewed(layout.gate / "tls")])
    return EXIT_OK


def _pass(options: argparse.Namespace) -> int:
    issued = issuing.run(options, now=datetime.now(UTC), progress=_progress)
    for doubt in issued.doubts:
        _warn(doubt)
    if issued.aside:
        sys.stderr.write(f"{issued.aside}\n")  # stdout holds the text alone, for a printer of one's own
    _tell(options, issued.document, issued.lines)
    return EXIT_OK


def _progress(what: str, done: int, of: int) -> None:
    if of > PROGRESS_STEP and (done % PROGRESS_STEP == 0 or done == of):
        sys.stderr.write(f"{done} of {of} {what}\n")


def _recorder(options: argparse.Namespace) -> int:
    settings = recorder_settings.load(options.settings)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(name)s: %(message)s", datefmt="%H:%M:%S")  # as the gate's
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    return recorder.run(settings, stopping)


def _lists(options: argparse.Namespace) -> int:
    document, lines = listing.show(options) if options.step == "show" else listing.build(options, _say)
    _tell(options, document, lines)
    return EXIT_OK


def _say(what: str) -> None:
    sys.stderr.write(f"{NAME}: {what}\n")


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "init": _init,
    "pass": _pass,
    "recorder": _recorder,
    "lists": _lists,
    **{name: each.run for name, each in MODULES.items()},
}
