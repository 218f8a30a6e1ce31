"""What is asked: the payloads, whom to trust, by which policy, at what moment."""

from __future__ import annotations

import argparse
import base64
import binascii
import json
import os
import re
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from device.admission.policy import Policy
from device.credentials.text import PAYLOAD_MAX
from device.credentials.trust import Trust
from device.domain import ClockTrust, Instant
from device.errors import FrameError, UsageError
from device.explain.judged import Judged, read_judged
from device.explain.trusted import read_trust

FILE_NAME = re.compile(r"[^:|]{1,255}\.(?:png|jpe?g|webp|bmp|gif|tiff?|pgm|pdf|json|txt)", re.IGNORECASE)
"""What nobody would mean as a payload: no code that people show looks so."""
PICTURES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".pgm"})
FILE_MAX = 1 << 20
"""Bytes of a payload's or a test case's file."""


@dataclass(frozen=True, slots=True)
class Question:
    """``picture_read`` says whether a picture held a code that could be read; ``None`` where there was no picture."""

    payloads: tuple[bytes, ...] = field(repr=False)
    trust: Trust
    policy: Policy
    now: Instant
    by: str  # where policy and trust come from, for people
    picture_read: bool | None = None
    is_certificate: bool = False  # a test case is meant to be one, however its text begins


def read_question(options: argparse.Namespace) -> Question:
    """Raises UsageError, FrameError, SettingsError, VerificationError."""
    judged = read_judged(options)
    at = _moment(options.at) if options.at else datetime.now(UTC)
    shown = Path(options.shown) if _is_file(options.shown) else None
    if shown is None and FILE_NAME.fullmatch(options.shown):
        raise UsageError(f"there is no file {options.shown}", hint="is the path right? A payload of such a form can be given on stdin, with -")
    if shown is not None and (case := _test_case(shown)):
        return _question_of_case(case, judged, options)
    payloads, picture_read = _payloads(options, shown)
    trust = read_trust(judged.trust, options.trust, cards=options.cards, seals=options.seals)
    return Question(payloads, trust, judged.policy, Instant(at, _clock_trust(options)), judged.by, picture_read)


def _clock_trust(options: argparse.Namespace) -> ClockTrust:
    return ClockTrust.UNTRUSTED if options.untrusted_clock else ClockTrust.TRUSTED


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is no moment", hint="such as 2021-07-01T06:30:00+07:00, or 2021-07-01") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


# --- what was shown --------------------------------------------------------------------------------------------


def _is_file(text: str) -> bool:
    try:
        return text != "-" and Path(text).is_file()
    except (OSError, ValueError):  # a payload may be longer than any name, or hold a zero byte
        return False


def _payloads(options: argparse.Namespace, shown: Path | None) -> tuple[tuple[bytes, ...], bool | None]:
    if shown is not None and shown.suffix.lower() in PICTURES:
        return _in_picture(shown), True
    if shown is not None:
        return (_from_file(shown),), None
    if options.shown == "-":
        return (_without_line_end(sys.stdin.buffer.read(FILE_MAX)),), None
    return (_from_hex(options.shown) if options.hex else os.fsencode(options.shown),), None


def _in_picture(path: Path) -> tuple[bytes, ...]:
    """Every code in the picture. Raises FrameError where there is none that can be read."""
    from device.reader import still  # noqa: PLC0415 - decoders are needed for pictures only
    from device.reader.picture import read_luma  # noqa: PLC0415

    payloads = tuple(symbol.payload for symbol in still.read_still(read_luma(path)))
    if not payloads:
        raise FrameError(f"no code was read in {path}", hint="a sharper or larger picture, the code flat and without glare; or give its text")
    return payloads


def _from_file(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return _without_line_end(file.read(FILE_MAX))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", hint="give a picture, a file with the payload, or the payload itself") from None


def _without_line_end(data: bytes) -> bytes:
    """An editor or ``echo`` ends a text with a line end that no code has. What is longer than a code stays too long."""
    return data.removesuffix(b"\n").removesuffix(b"\r")[: PAYLOAD_MAX + 1]


def _from_hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise UsageError("--hex needs pairs of hex digits", hint="such as 48433A31") from None


# --- the EU's published test cases -----------------------------------------------------------------------------


def _test_case(path: Path) -> dict[str, Any] | None:
    """A file of the EU's dgc-testdata: a payload with its own certificate and clock."""
    if path.suffix.lower() != ".json" or path.stat().st_size > FILE_MAX:
        return None
    try:
        case = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return case if isinstance(case, dict) and isinstance(case.get("TESTCTX"), dict) and isinstance(case.get("PREFIX"), str) else None


def _question_of_case(case: dict[str, Any], judged: Judged, options: argparse.Namespace) -> Question:
    """The case's own certificate is the only one that is trusted, and its clock is the time, unless others are given."""
    context = case["TESTCTX"]
    certificate = context.get("CERTIFICATE") or ""
    at = options.at or context.get("VALIDATIONCLOCK")
    if not at:
        raise UsageError("the test case says no time", hint="give one with --at")
    try:
        ders = [base64.b64decode(certificate, validate=True)] if certificate else []
    except (binascii.Error, ValueError):
        raise UsageError("the test case's certificate is no base64", hint="give one with --trust") from None
    trust = read_trust(Trust(), options.trust, ders)
    payload = case["PREFIX"].encode()
    now, reads = Instant(_moment(at), _clock_trust(options)), _reads_as(case.get("2DCODE"), payload)
    return Question((payload,), trust, judged.policy, now, judged.by, reads, is_certificate=True)


def _reads_as(picture: object, payload: bytes) -> bool | None:
    """Does the case's picture hold exactly its payload?"""
    if not isinstance(picture, str):
        return None
    import tempfile  # noqa: PLC0415

    try:
        png = base64.b64decode(picture, validate=True)
    except (binascii.Error, ValueError):
        return False
    with tempfile.NamedTemporaryFile(suffix=".png") as file:
        file.write(png)
        file.flush()
        try:
            return payload in _in_picture(Path(file.name))
        except FrameError:
            return False
