"""``qrgate-provision``: what is done off the gate, at the bench, in the field and in the province office."""

from __future__ import annotations

import argparse
import json
import logging
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from device.credentials.kd1 import issuer_key_id
from device.domain import Direction
from device.errors import EXIT_INTERRUPTED, EXIT_OK, QrgateError, UsageError
from provisioning import files, steps
from provisioning.arguments import NAME, parser
from provisioning.authority import init, office, passes
from provisioning.authority.keys import raw_public, read_signing_key
from provisioning.broker import mosquitto
from provisioning.operations import recorder
from provisioning.operations import settings as recorder_settings


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
        force=options.force,
    )
    if options.renew:
        return _renew(options, request)
    first = not (options.out / "authority").exists()
    layout = init.lay_out(request, now=datetime.now(UTC))
    folders = {name: str(getattr(layout, name)) for name in ("authority", "gate", "broker", "recorder", "watcher")}
    lines = [*(f"{name:10} {folder}" for name, folder in folders.items()), *steps.for_gate(layout)]
    if first:
        broker = mosquitto.load(layout.authority / office.BROKER_DESCRIPTION)
        lines += [*steps.for_broker(broker, layout.broker), *steps.for_recorder(layout, broker)]
    _tell(options, {**folders, "issuer_key_id": layout.issuer_key_id}, lines)
    return EXIT_OK


def _renew(options: argparse.Namespace, request: init.Request) -> int:
    if options.set or options.force:
        raise UsageError("--renew leaves the settings as they are", hint="leave --set and --force out; --force without --renew makes the gate anew")
    layout = init.renew(request, now=datetime.now(UTC))
    _tell(options, {"gate": str(layout.gate)}, [f"gate       {layout.gate}", *steps.for_renewed(layout)])
    return EXIT_OK


def _pass(options: argparse.Namespace) -> int:
    if options.out is None and not options.text:
        raise UsageError("nothing to make", hint="give --out FILE.png for a picture, --text for the text, or both")
    now = datetime.now(UTC)
    begins, ends = _validity(options, now)
    key = read_signing_key(options.authority / office.ISSUER_KEY)
    terms = passes.Terms(
        zones=tuple(options.zone),
        direction=Direction(options.direction),
        valid_from=begins,
        valid_until=ends,
        uses=options.uses,
        counted_at=options.counted_at,
    )
    text = passes.issue(key, terms)
    if doubts := passes.doubts(terms, now):
        _warn(doubts)
    if options.out is not None:
        files.write(options.out, passes.picture(text), mode=files.PRIVATE)
    document: dict[str, Any] = {
        "key_id": issuer_key_id(raw_public(key)).hex(),
        "valid_from": begins and begins.isoformat(),
        "valid_until": ends and ends.isoformat(),
        "terms": passes.described(terms),
        "picture": options.out and str(options.out.absolute()),
    }
    made = f"{options.out or 'pass'}: {document['terms']}"
    if options.text:
        document["text"] = text
        sys.stderr.write(f"{made}\n")  # stdout holds the text alone, for a printer of one's own
    _tell(options, document, [text if options.text else made])
    return EXIT_OK


def _validity(options: argparse.Namespace, now: datetime) -> tuple[datetime | None, datetime | None]:
    if options.days is None:
        begins = passes.first_moment(options.valid_from) if options.valid_from else None
        ends = passes.last_moment(options.valid_until) if options.valid_until else None
        return begins, ends
    if options.valid_from or options.valid_until:
        raise UsageError("--days excludes --from and --until", hint="give either")
    return now, now + timedelta(days=options.days)


def _broker(options: argparse.Namespace) -> int:
    chief = office.open_office(options.out / "authority")
    folder = options.out.absolute() / "broker"
    broker = init.write_broker(chief, folder, now=datetime.now(UTC))
    for line in steps.outdated(options.out.absolute(), broker):
        _warn(line)
    document = {"broker": str(folder), "host": broker.host, "port": broker.port}
    _tell(options, document, [f"broker     {folder}", *steps.for_broker(broker, folder)])
    return EXIT_OK


def _recorder(options: argparse.Namespace) -> int:
    settings = recorder_settings.load(options.settings)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(name)s: %(message)s", datefmt="%H:%M:%S")  # as the gate's
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    return recorder.run(settings, stopping)


def _warn(what: str) -> None:
    sys.stderr.write(f"{NAME}: warning: {what}\n")


def _tell(options: argparse.Namespace, document: dict[str, Any], lines: list[str]) -> None:
    sys.stdout.write((json.dumps(document, ensure_ascii=False) if options.json else "\n".join(lines)) + "\n")


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {"init": _init, "pass": _pass, "broker": _broker, "recorder": _recorder}
