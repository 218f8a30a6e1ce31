"""``qrgate doctor``: what is wrong with this gate, and what to do about it. Every check runs, whatever the others find."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

from device import config
from device.doctor import machine, province
from device.doctor.finding import Check, Finding, Result
from device.errors import EXIT_FAULT, EXIT_OK, QrgateError, SettingsError
from device.links import READER_SOCKET, listens
from device.settings import Settings

__all__ = ["Check", "Result", "examine", "run"]


def run(folder: Path, *, as_json: bool = False) -> int:
    """Check the gate whose settings are in ``folder``; exit code 0 if nothing failed, 3 if the settings do."""
    try:
        settings = config.load(folder)
    except SettingsError as error:
        _report([Check("settings", Result.FAIL, error.what, error.hint)], as_json=as_json)
        return error.exit_code
    checks = list(examine(settings))
    _report(checks, as_json=as_json)
    return EXIT_FAULT if any(check.result is Result.FAIL for check in checks) else EXIT_OK


def examine(settings: Settings) -> Iterator[Check]:
    """All checks, in the order in which a technician would go."""
    yield Check("settings", Result.OK, f"gate {settings.site.gate} at {settings.site.province}/{settings.site.site}")
    busy = listens(settings.paths.runtime / READER_SOCKET)  # the gate does, as long as it runs
    for name, look in (
        ("users", machine.users),
        ("decoders", machine.decoders),
        ("camera", _unless(busy, "the running gate has the camera", machine.camera)),
        ("store", machine.store),
        ("pseudonyms", province.pseudonyms),
        ("bundles", province.bundles),
        ("lists", province.lists),
        ("identity", province.identity),
        ("pins", _unless(busy, "the running gate has the pins", machine.pins)),
        ("relay", _unless(busy, "the running gate has the relay", machine.relay)),
        ("clock", machine.wall_clock),
        ("certificate", province.certificate),
        ("broker", province.broker),
    ):
        try:
            yield Check(name, *look(settings))
        except QrgateError as error:
            yield Check(name, Result.FAIL, error.what, error.hint)


def _unless(busy: bool, why: str, look: Callable[[Settings], Finding]) -> Callable[[Settings], Finding]:  # noqa: FBT001 - reads as a sentence
    return (lambda _settings: (Result.SKIP, why, "stop it for this check: systemctl stop qrgate.target")) if busy else look


def _report(checks: list[Check], *, as_json: bool) -> None:
    if as_json:
        healthy = all(check.result is not Result.FAIL for check in checks)
        sys.stdout.write(json.dumps({"ok": healthy, "checks": [asdict(check) for check in checks]}, ensure_ascii=False, indent=2) + "\n")
        return
    for check in checks:
        sys.stdout.write(f"{check.result:<5} {check.id:<12} {check.detail}\n")
        if check.fix and check.result is not Result.OK:
            sys.stdout.write(f"{'':<18} → {check.fix}\n")
