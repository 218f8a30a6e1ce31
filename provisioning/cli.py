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
from provisioning import files
from provisioning.arguments import NAME, parser
from provisioning.authority import init, office, passes
from provisioning.authority.keys import raw_public, read_signing_key
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
        sys.stderr.write(f"{NAME}: warning: --issuer-seed makes a key that others can make too; for demonstrations and tests only\n")
    request = init.Request(
        out=options.out,
        province=options.province,
        site=options.site,
        gate=options.gate,
        zone=options.zone,
        direction=Direction(options.direction),
        broker_hosts=tuple(options.broker_host),
        broker_port=options.broker_port,
        options=tuple(options.set),
        issuer_seed=options.issuer_seed,
        force=options.force,
    )
    layout = init.lay_out(request, now=datetime.now(UTC))
    folders = {name: str(getattr(layout, name)) for name in ("authority", "gate", "broker", "recorder", "watcher")}
    lines = [f"{name:10} {folder}" for name, folder in folders.items()]
    _tell(options, {**folders, "issuer_key_id": layout.issuer_key_id}, [*lines, f"next: copy {layout.gate} to /etc/qrgate on the gate"])
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
    if options.out is not None:
        files.write(options.out, passes.picture(text), mode=files.PRIVATE)
    document: dict[str, Any] = {
        "key_id": issuer_key_id(raw_public(key)).hex(),
        "valid_from": begins and begins.isoformat(),
        "valid_until": ends and ends.isoformat(),
        "picture": options.out and str(options.out.absolute()),
    }
    if options.text:
        document["text"] = text
    _tell(options, document, [*([text] if options.text else []), *([str(options.out)] if options.out else [])])
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
    document = {"broker": str(folder), "host": broker.host, "port": broker.port}
    _tell(options, document, [f"broker     {folder}", f"next: copy it to {broker.folder} on the broker's machine and restart mosquitto"])
    return EXIT_OK


def _recorder(options: argparse.Namespace) -> int:
    settings = recorder_settings.load(options.settings)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    return recorder.run(settings, stopping)


def _tell(options: argparse.Namespace, document: dict[str, Any], lines: list[str]) -> None:
    sys.stdout.write((json.dumps(document, ensure_ascii=False) if options.json else "\n".join(lines)) + "\n")


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {"init": _init, "pass": _pass, "broker": _broker, "recorder": _recorder}
