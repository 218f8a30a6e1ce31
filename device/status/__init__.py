"""``qrgate status``: how the gate on this machine is, for somebody who stands beside it. Nobody is asked: the gate writes it down every second."""

from __future__ import annotations

import argparse
import json
import sys
import threading

from device import config
from device.clock import boot_id, monotonic_ns
from device.errors import EXIT_FAULT, EXIT_OK, ContactError
from device.links import READER_SOCKET, listens
from device.settings import Settings
from device.status.found import Found, Life, look
from device.status.lines import lines

EVERY_S = 1.0
"""As often as the gate writes."""

TO_THE_TOP = "\x1b[H\x1b[2J"


def run(options: argparse.Namespace, stopping: threading.Event) -> int:
    """0 if the gate runs and all is well, 1 if something is wrong with it, 6 if it does not run or does not tell.

    With ``options.watch`` again and again until ``stopping``, which leaves the exit code of the last.

    Raises:
        SettingsError: the settings are missing or wrong, or may not be read.
    """
    settings = config.load(options.settings)
    while True:
        found = look(settings.paths.runtime, boot_id(), monotonic_ns(), listens=listens(settings.paths.runtime / READER_SOCKET))
        _show(found, settings, as_json=options.json, over=options.watch and sys.stdout.isatty())
        if not options.watch or stopping.wait(EVERY_S):
            return exit_code(found)
        if not (options.json or sys.stdout.isatty()):
            sys.stdout.write("\n")


def exit_code(found: Found) -> int:
    if found.life is not Life.RUNS:
        return ContactError.exit_code
    return EXIT_OK if found.is_well else EXIT_FAULT


def _show(found: Found, settings: Settings, *, as_json: bool, over: bool) -> None:
    """``over``: on a terminal that shows the one before."""
    if as_json:
        told = {"ok": found.is_well, "life": found.life, "what": found.what, "hint": found.hint, "age_s": found.age_s, "gate": found.gate}
        sys.stdout.write(json.dumps(told) + "\n")
    else:
        name = f"gate {settings.site.gate} ({settings.site.province}/{settings.site.site})"
        sys.stdout.write((TO_THE_TOP if over else "") + "\n".join(lines(name, found)) + "\n")
    sys.stdout.flush()
