"""``qrgate replay`` of a video, a recording, or pictures in the order they were taken."""

from __future__ import annotations

import argparse
import os
import sys
import threading
from pathlib import Path

from device.errors import EXIT_FAULT, EXIT_INTERRUPTED, EXIT_OK, HardwareError, StoreError, UsageError
from device.reader.decoders import DECODERS
from device.replay import page, report
from device.replay.findings import Findings
from device.replay.material import Material, open_material
from device.replay.player import AS_DELIVERED, Progress, play
from device.replay.watch import Watch


def run(options: argparse.Namespace, stopping: threading.Event) -> int:
    """Replay ``options.path``, tell what was found, and write the page if one is asked for.

    0 if every symbol that was found was read, 1 if one was not, 5 if the material broke off, 130 if ``stopping`` was set.

    Raises:
        UsageError: an option does not fit.
        HardwareError: the material or a decoder is missing or broken.
        StoreError: the page cannot be written.
    """
    _check(options)
    html: Path | None = options.html
    material = open_material(options.path, frames_per_s=options.fps)
    findings = play(material, options.decoders or AS_DELIVERED.decoders, stopping, thumbnails=options.keep_thumbnails, progress=_progress(material))
    sys.stdout.write(report.as_json(findings) if options.json else report.as_text(findings))
    sys.stdout.flush()
    if html is not None:
        _write(html, page.page(findings, thumbnails=options.keep_thumbnails), private=options.keep_thumbnails)
    return _exit_code(findings)


def _exit_code(findings: Findings) -> int:
    if findings.interrupted:
        return EXIT_INTERRUPTED
    if findings.broke_off:
        sys.stderr.write(f"qrgate replay: {findings.broke_off}\n  → what is told goes up to there\n")
        return HardwareError.exit_code
    return EXIT_FAULT if findings.unread else EXIT_OK


def _check(options: argparse.Namespace) -> None:
    if options.html is not None:
        _check_writable(options.html)
    elif options.keep_thumbnails:
        raise UsageError("--keep-thumbnails is for the page", hint="give --html FILE, too")
    if options.fps is not None and not 0.1 <= options.fps <= 240:
        raise UsageError(f"--fps {options.fps:g} is out of range", hint="pictures a second, 0.1 to 240")
    for name in options.decoders or ():
        if name not in DECODERS:
            raise UsageError(f"no decoder is called {name!r}", hint=f"--decoders takes some of {', '.join(DECODERS)}, with a comma between them")


def _check_writable(path: Path) -> None:
    """Before the replay, which may take long."""
    if path.is_dir() or not path.absolute().parent.is_dir() or not os.access(path if path.exists() else path.absolute().parent, os.W_OK):
        raise UsageError(f"no page can be written at {path}", hint="--html FILE, in a folder that is there and is yours")


def _write(path: Path, text: str, *, private: bool) -> None:
    """A page with pictures of what people held up is for its owner only."""
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600 if private else 0o666), "w", encoding="utf-8") as file:
            if private:
                os.fchmod(file.fileno(), 0o600)
            file.write(text)
    except OSError as error:
        raise StoreError(f"the page cannot be written to {path}: {error.strerror}", hint="the report itself is above") from None


def _progress(material: Material) -> Progress:
    """One line that is written over on a terminal; elsewhere one for each minute of material."""
    step_s, end = (1.0, "") if sys.stderr.isatty() else (60.0, "\n")
    begin = "\r\x1b[K" if sys.stderr.isatty() else ""
    of = f" of {material.frames}" if material.frames else ""
    next_s = step_s

    def tell(watch: Watch) -> None:
        nonlocal next_s
        if watch.seconds >= next_s:
            next_s = watch.seconds + step_s
            sys.stderr.write(f"{begin}{report.clock(watch.seconds)}, frame {watch.frames}{of}, {watch.looks} looks{end}")
            sys.stderr.flush()

    return tell
