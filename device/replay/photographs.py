"""``qrgate replay`` of photographs that have nothing to do with each other: how many does the still-picture function read, to the byte?

The truth is a JSON list of {"file", "payload", "payload_hex"}: the expected bytes are ``payload_hex`` where it is
given, else ``payload`` in UTF-8. Without a truth, what is read in each picture is listed.
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
from device.reader.sources.folder import SUFFIXES
from device.replay.kinds import kind_of
from device.replay.material import is_picture

TRUTH_MAX_BYTES = 16 * 1024 * 1024
TRUTH_HINT = 'it is to be a JSON list: [{"file": "a.jpg", "payload": "text"}, {"file": "b.jpg", "payload_hex": "00ff"}]'
AT_LEAST = 0.95

MEANINGS = {
    "missed": "nothing was read",
    "wrong": "something else was read",
    "beside": "read as they should be, and another code in the same picture",
}


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
    except (ValueError, TypeError, RecursionError) as error:
        raise UsageError(f"{path} is no list of expected payloads: {error}", hint=TRUTH_HINT) from None
    if not photographs:
        raise UsageError(f"{path} lists no photograph", hint=TRUTH_HINT)
    return photographs


def _photograph(row: Any) -> Photograph:
    if not isinstance(row, dict) or not isinstance(row.get("file"), str):
        raise ValueError('an entry without its "file"')  # noqa: TRY004 - one kind of mistake to the caller
    file, text, raw = row["file"], row.get("payload"), row.get("payload_hex")
    if Path(file).is_absolute() or ".." in Path(file).parts:
        raise ValueError(f"{file} is outside the folder")
    if isinstance(raw, str) and raw:
        return Photograph(file, bytes.fromhex(raw))
    if not isinstance(text, str):
        raise ValueError(f"{file} has no payload")  # noqa: TRY004
    return Photograph(file, text.encode())


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


def wanted(options: argparse.Namespace) -> bool:
    """Does the command line speak of photographs? By a truth, by ``--stills``, or since one picture alone is no sequence."""
    return options.truth is not None or options.at_least is not None or options.stills or is_picture(options.path)


def run(arguments: argparse.Namespace) -> int:
    """Replay the folder ``path`` as the command line says.

    With a truth: 1 below the share ``at_least``, or where a payload was wrong. Without: a list of what is read.
    Raises UsageError.
    """
    for name in ("html", "keep_thumbnails", "fps", "decoders"):
        if getattr(arguments, name):
            raise UsageError(f"--{name.replace('_', '-')} is for a sequence", hint="leave out --stills and --truth, and give more than one picture")
    if arguments.truth is None:
        if arguments.at_least is not None:
            raise UsageError("--at-least compares with the truth", hint="give --truth, too")
        return _list(arguments.path, as_json=arguments.json)
    at_least = AT_LEAST if arguments.at_least is None else arguments.at_least
    if not 0 <= at_least <= 1:
        raise UsageError(f"--at-least {at_least:g} is no share", hint="0.95 means 95 of 100; it lies between 0 and 1")
    report = replay(arguments.path, read_truth(arguments.truth), progress=_progress())
    sys.stdout.write(_as_json(report) if arguments.json else _as_text(report, at_least))
    return EXIT_OK if report.share >= at_least and not report.wrong else EXIT_FAULT


# --- without a truth -------------------------------------------------------------------------------------------


def _list(folder: Path, *, as_json: bool) -> int:
    """Say of each picture how long its codes are, and of what kind: not what they say, which may be a person's."""
    read_luma = _picture_reader()
    rows = list[dict[str, Any]]()
    for path in _pictures_in(folder):
        try:
            codes = [_described(symbol.payload) for symbol in read_still(read_luma(path))]
        except FrameError as error:
            rows.append({"file": path.name, "codes": [], "broken": error.what})
            told = error.what
        else:
            rows.append({"file": path.name, "codes": codes})
            told = f"{path.name}: " + (", ".join(f"{code['kind']} of {code['bytes']} bytes" for code in codes) or "nothing")
        if not as_json:
            _say(told)
    read = sum(bool(row["codes"]) for row in rows)
    _say(json.dumps({"total": len(rows), "read": read, "pictures": rows}, ensure_ascii=False, indent=1) if as_json else f"read {read} of {len(rows)}")
    return EXIT_OK


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _pictures_in(folder: Path) -> list[Path]:
    if is_picture(folder):
        return [folder]
    try:
        pictures = sorted(path for path in folder.iterdir() if is_picture(path))
    except OSError as error:
        raise UsageError(f"no pictures at {folder}: {error.strerror}", hint="give a folder of pictures") from None
    if not pictures:
        raise UsageError(f"no pictures in {folder}", hint=f"it needs files that end in {', '.join(sorted(SUFFIXES))}")
    return pictures


def _described(payload: bytes) -> dict[str, Any]:
    return {"kind": kind_of(payload), "bytes": len(payload)}


# --- telling ---------------------------------------------------------------------------------------------------


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


def _as_text(report: Report, at_least: float) -> str:
    lines = [f"exact     {report.exact} of {report.total} ({100 * report.share:.1f} %)", f"median    {report.median_ms} ms a photograph"]
    for name, meaning in MEANINGS.items():
        files: tuple[str, ...] = getattr(report, name)
        lines += [f"{name:<9} {len(files)}   ({meaning})", *(f"          {file}" for file in files)]
    verdict = "too few" if report.share < at_least else "enough, but some are wrong" if report.wrong else "well"
    lines.append(f"{100 * report.share:.1f} % of at least {100 * at_least:g} %: {verdict}")
    return "\n".join(lines) + "\n"
