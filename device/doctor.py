"""``qrgate doctor``: what is wrong with this gate, and what to do about it. Every check runs, whatever the others find."""

from __future__ import annotations

import json
import shutil
import socket
import ssl
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from cryptography import x509

from device import clock, config
from device.domain import ClockTrust
from device.errors import EXIT_FAULT, EXIT_OK, QrgateError, SettingsError
from device.settings import ClockSource, PinFactory, RelayKind, Settings

FRAME_S = 5.0
CONNECT_S = 5.0
SLOW_COMMIT_MS = 200.0
"""A decision waits for its commit; beyond this a person notices, and a grant nears its deadline."""
FREE_BYTES_MIN = 200 * 1024 * 1024
CERTIFICATE_DAYS_MIN = 30


class Result(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Check:
    """One finding: what was looked at, what was seen, and what to do."""

    id: str
    result: Result
    detail: str
    fix: str = ""


Finding = tuple[Result, str, str]


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
    busy = _gate_runs(settings)
    for name, look in (
        ("decoders", _decoders),
        ("camera", _unless(busy, "the running gate has the camera", _camera)),
        ("store", _store),
        ("pins", _unless(busy, "the running gate has the pins", _pins)),
        ("relay", _unless(busy, "the running gate has the relay", _relay)),
        ("clock", _clock),
        ("certificate", _certificate),
        ("broker", _broker),
    ):
        try:
            yield Check(name, *look(settings))
        except QrgateError as error:
            yield Check(name, Result.FAIL, error.what, error.hint)


def _unless(busy: bool, why: str, look: Callable[[Settings], Finding]) -> Callable[[Settings], Finding]:  # noqa: FBT001 - reads as a sentence
    return (lambda _settings: (Result.SKIP, why, "stop it for this check: systemctl stop qrgate.target")) if busy else look


def _gate_runs(settings: Settings) -> bool:
    """Does anybody listen at this gate's sockets? The kernel's list tells, and nobody is disturbed (man 5 proc)."""
    listed = Path("/proc/net/unix").read_text(encoding="utf-8", errors="replace")
    return f" {settings.paths.runtime / 'reader.sock'}\n" in listed


# --- checks ----------------------------------------------------------------------------------------------------


def _decoders(settings: Settings) -> Finding:
    """Opening a decoder runs its self-test: a Vietnamese card must come out byte by byte."""
    from device.reader.decoders import open_decoder  # noqa: PLC0415

    for name in settings.reader.decoders:
        open_decoder(name, thorough=True)
    return Result.OK, f"{', '.join(settings.reader.decoders)} read the test card exactly", ""


def _camera(settings: Settings) -> Finding:
    from device.reader.sources import open_source  # noqa: PLC0415

    with open_source(settings.reader) as source:
        frame = source.next(FRAME_S)
        if frame is None:
            return (
                Result.FAIL,
                f"{settings.reader.source}: no frame within {FRAME_S:.0f} s",
                "reseat the ribbon cable with the power off, then try again",
            )
        try:
            height, width = frame.luma.shape
            mean = float(frame.luma.mean())
        finally:
            frame.release()
    if mean < 10:  # of 255: a covered lens
        return (
            Result.WARN,
            f"{settings.reader.source}: {width}x{height}, nearly black (mean {mean:.0f} of 255)",
            "is the lens covered, or the place dark?",
        )
    return Result.OK, f"{settings.reader.source}: {width}x{height}, mean brightness {mean:.0f} of 255", ""


def _store(settings: Settings) -> Finding:
    from device.gate.store import probe  # noqa: PLC0415

    state = settings.paths.state
    if not state.is_dir():
        return Result.FAIL, f"{state} does not exist", f"it is made at the gate's first start; or: mkdir -m 700 {state}"
    milliseconds, free = probe(state / "events.db"), shutil.disk_usage(state).free
    if free < FREE_BYTES_MIN:
        return Result.FAIL, f"{free // 2**20} MiB free at {state}", "make room: a full disk lets nobody in"
    if milliseconds > SLOW_COMMIT_MS:
        return Result.WARN, f"a durable commit takes {milliseconds:.0f} ms", "a worn or cheap card; class A2 or an SSD is faster"
    return Result.OK, f"a durable commit takes {milliseconds:.1f} ms, {free // 2**20} MiB free", ""


def _pins(settings: Settings) -> Finding:
    from device.gate import pins  # noqa: PLC0415

    used = config.pins(settings)
    pins.factory(settings.pins)
    names = ", ".join(f"{table}.{key} {number}" for table, key, number in used) or "none in use"
    if settings.pins.factory is PinFactory.MOCK:
        return Result.WARN, f"mock pins: nothing moves ({names})", 'on a Pi: pins.factory = "lgpio"'
    return Result.OK, names, ""


def _relay(settings: Settings) -> Finding:
    """Opening the relay switches it off, which is what it should be; it is never switched on here."""
    from device.gate.outputs import open_relay  # noqa: PLC0415

    open_relay(settings).close()
    what = settings.relay.port if settings.relay.kind is RelayKind.LCUS else f"pin {settings.relay.pin}"
    return Result.OK, f"{settings.relay.kind} at {what} is there, and off", ""


def _clock(settings: Settings) -> Finding:
    now = clock.WallClock(settings.clock.source).now()
    shown = f"{now.utc.isoformat(timespec='seconds')}, {now.trust}"
    if now.trust is ClockTrust.TRUSTED:
        return Result.OK, f"{shown} ({settings.clock.source})", ""
    fix = {
        ClockSource.NONE: 'nothing vouches for the date, so passes with dates are refused; fit a DS3231 and set clock.source = "rtc"',
        ClockSource.RTC: "the battery clock is missing or differs: `hwclock --show`, then set it with `hwclock --systohc`",
        ClockSource.SYSTEM: "",
    }[settings.clock.source]
    return Result.WARN, shown, fix


def _certificate(settings: Settings) -> Finding:
    path = settings.broker.certificate_file
    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError) as error:
        return Result.FAIL, f"{path}: {error}", "`qrgate-provision init` makes it; copy it with the settings"
    left = (certificate.not_valid_after_utc - datetime.now(UTC)).days
    names = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    if [name.value for name in names] != [settings.site.gate]:
        return Result.FAIL, "the certificate is not this gate's", "its common name must be site.gate: was another gate's folder copied?"
    if left < CERTIFICATE_DAYS_MIN:
        return (Result.FAIL if left < 0 else Result.WARN), f"the certificate has {left} days left", "renew it: qrgate-provision init --force"
    return Result.OK, f"{left} days left", ""


def _broker(settings: Settings) -> Finding:
    """A TLS connection as the uplink makes it; the broker's answer to MQTT itself shows when the gate runs."""
    from device.uplink import tls  # noqa: PLC0415

    broker = settings.broker
    context = tls.context(broker)
    try:
        with (
            socket.create_connection((broker.host, broker.port), timeout=CONNECT_S) as plain,
            context.wrap_socket(plain, server_hostname=broker.host) as secure,
        ):
            return Result.OK, f"{broker.host}:{broker.port} answers with {secure.version()}", ""
    except (OSError, ValueError) as error:
        told = tls.explained(error, broker)
        if isinstance(error, ssl.SSLCertVerificationError):
            return Result.FAIL, told.what, told.hint
        return Result.WARN, told.what, f"the gate works without; {told.hint}"


# --- report ----------------------------------------------------------------------------------------------------


def _report(checks: list[Check], *, as_json: bool) -> None:
    if as_json:
        healthy = all(check.result is not Result.FAIL for check in checks)
        sys.stdout.write(json.dumps({"ok": healthy, "checks": [asdict(check) for check in checks]}, ensure_ascii=False, indent=2) + "\n")
        return
    for check in checks:
        sys.stdout.write(f"{check.result:<5} {check.id:<12} {check.detail}\n")
        if check.fix and check.result is not Result.OK:
            sys.stdout.write(f"{'':<18} → {check.fix}\n")
