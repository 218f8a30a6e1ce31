"""``qrgate replay``: how many photographs does the still-picture function read, to the byte?

The truth is a JSON list of {"file", "payload", "payload_hex"}: the expected bytes are ``payload_hex`` where it is
given, else ``payload`` in UTF-8.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from device.errors import EXIT_FAULT, EXIT_OK, FrameError, HardwareError, UsageError
from device.reader import read_still

TRUTH_MAX_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Photograph:
    """One picture, and the payload it is known to hold."""

    file: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Report:
    """``missed`` were not read, with the reason where the file itself is at fault; ``wrong`` gave other bytes only.

    ``beside`` were read, and hold another code as well. Payloads are not repeated: a photograph may be a person's.
    """

    total: int
    exact: int
    missed: tuple[str, ...]
    wrong: tuple[str, ...]
    beside: tuple[str, ...]
    median_ms: float

    @property
    def share(self) -> float:
        return self.exact / self.total


def read_truth(path: Path) -> tuple[Photograph, ...]:
    """The photographs that ``path`` lists.

    Raises:
        UsageError: it is missing, too large, no such list, or empty; or a file leaves the folder.
    """
    try:
        if path.stat().st_size > TRUTH_MAX_BYTES:
            raise ValueError(f"more than {TRUTH_MAX_BYTES} bytes")  # noqa: TRY301
        photographs = tuple(_photograph(row) for row in json.loads(path.read_bytes()))
    except OSError as error:
        raise UsageError(f"no truth at {path}: {error.strerror}", hint="give the list of expected payloads as --truth") from None
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise UsageError(f"{path} is no list of expected payloads: {error!r}", hint=__doc__.splitlines()[2]) from None
    if not photographs:
        raise UsageError(f"{path} lists no photograph")
    return photographs


def _photograph(row: Any) -> Photograph:
    file, text, raw = row["file"], row["payload"], row.get("payload_hex")
    if not isinstance(file, str) or Path(file).is_absolute() or ".." in Path(file).parts:
        raise ValueError("a file outside the folder")
    return Photograph(file, bytes.fromhex(raw) if raw else text.encode())


def replay(folder: Path, truth: Sequence[Photograph], *, progress: Callable[[str], None] = lambda _: None) -> Report:
    """Read every photograph of ``truth`` in ``folder``; a broken picture is a miss.

    Raises:
        HardwareError: a decoder or Pillow is not installed.
    """
    read_luma = _picture_reader()
    exact, times_ms = 0, list[float]()
    missed, wrong, beside = list[str](), list[str](), list[str]()
    for number, photograph in enumerate(truth, 1):
        progress(f"{number}/{len(truth)} {photograph.file}")
        begun = time.perf_counter()
        try:
            payloads = {symbol.payload for symbol in read_still(read_luma(folder / photograph.file))}
        except FrameError as error:
            missed.append(f"{photograph.file} ({error.what})")
            continue
        times_ms.append((time.perf_counter() - begun) * 1000)
        if photograph.payload in payloads:
            exact += 1
            beside += [photograph.file] if len(payloads) > 1 else []
        else:
            (wrong if payloads else missed).append(photograph.file)
    median_ms = statistics.median(times_ms) if times_ms else 0.0
    return Report(len(truth), exact, tuple(missed), tuple(wrong), tuple(beside), round(median_ms, 2))


def _picture_reader() -> Callable[[Path], Any]:
    try:
        from device.reader.picture import read_luma  # noqa: PLC0415  Pillow is no part of what a gate needs
    except ImportError as error:
        raise HardwareError(f"pictures cannot be read: {error}", hint="pip install 'qrgate[provision]'") from None
    return read_luma


def run(arguments: argparse.Namespace) -> int:
    """Replay ``folder`` with ``truth`` as the command line says; 1 below the share ``at_least``, or where a payload was wrong."""
    report = replay(arguments.folder, read_truth(arguments.truth), progress=_progress())
    sys.stdout.write(_as_json(report) if arguments.json else _as_text(report))
    return EXIT_OK if report.share >= arguments.at_least and not report.wrong else EXIT_FAULT


def _progress() -> Callable[[str], None]:
    """One line that is written over on a terminal; nothing elsewhere but every fiftieth."""
    if sys.stderr.isatty():
        return lambda line: _tell(f"\r\x1b[K{line}")
    return lambda line: _tell(f"{line}\n") if line.partition("/")[0].endswith(("50", "00")) else None


def _tell(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


def _as_json(report: Report) -> str:
    return json.dumps({**asdict(report), "share": round(report.share, 4)}, ensure_ascii=False, indent=1) + "\n"


def _as_text(report: Report) -> str:
    lines = [f"exact     {report.exact} of {report.total} ({100 * report.share:.1f} %)", f"median    {report.median_ms} ms a photograph"]
    for name in ("missed", "wrong", "beside"):
        files: tuple[str, ...] = getattr(report, name)
        lines += [f"{name:<9} {len(files)}", *(f"          {file}" for file in files)]
    return "\n".join(lines) + "\n"
