"""What the machine has: users, decoders, eyes, store, pins, relay, clock."""

from __future__ import annotations

import os
import pwd
import shutil

from device import clock, config, failsafe
from device.doctor.finding import Finding, Result
from device.domain import ClockTrust
from device.errors import HardwareError
from device.settings import ClockSource, PinFactory, RelayKind, ScannerModel, Settings, SourceKind

FRAME_S = 5.0
SLOW_COMMIT_MS = 200.0
"""A decision waits for its commit; beyond this a person notices, and a grant nears its deadline."""
FREE_BYTES_MIN = 200 * 1024 * 1024
DATES_REFUSED = "every pass with a date is refused, and pseudonyms do not turn at midnight: a person stays the same number"


def users(settings: Settings) -> Finding:
    """The gate admits reader and uplink by their users, and does not start where one is not there."""
    wanted = {"reader_user": settings.links.reader_user, "uplink_user": settings.links.uplink_user}
    missing = [f"links.{key} {user!r}" for key, user in wanted.items() if user and not _is_user(user)]
    if missing:
        return (
            Result.FAIL,
            f"no such user: {', '.join(missing)}",
            "`sudo make install` makes them; where one user runs the whole gate, leave them empty",
        )
    return Result.OK, ", ".join(f"{key} {user}" for key, user in wanted.items() if user) or "one user runs the whole gate", ""


def _is_user(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def decoders(settings: Settings) -> Finding:
    """Opening a decoder runs its self-test: a Vietnamese card must come out byte by byte."""
    if settings.reader.source is SourceKind.SCANNER:
        return Result.SKIP, "the scan module decodes by itself", "see camera"
    from device.reader.decoders import open_decoder  # noqa: PLC0415

    for name in settings.reader.decoders:
        open_decoder(name, thorough=True)
    return Result.OK, f"{', '.join(settings.reader.decoders)} read the test card exactly", ""


def camera(settings: Settings) -> Finding:
    if settings.reader.source is SourceKind.SCANNER:
        return _scanner(settings)
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


def _scanner(settings: Settings) -> Finding:
    """Sets the module up as the reader does at its start, and reads back what it took."""
    from device.reader.scanners.session import prove  # noqa: PLC0415

    told = prove(settings.scanner, within_s=FRAME_S)
    if settings.scanner.model is ScannerModel.GM65:
        return Result.OK, told, ""
    return Result.WARN, told, "show it the printed codes of its manual: none may change it (hardware/scan-modules.md)"


def store(settings: Settings) -> Finding:
    from device.gate.database import probe  # noqa: PLC0415

    state = settings.paths.state
    if not state.is_dir():
        if not state.exists() and state.parent.is_dir() and os.access(state.parent, os.W_OK):
            return Result.WARN, f"{state} does not exist yet", "it is made at the gate's first start"
        return (
            Result.FAIL,
            f"{state} is no folder, and cannot be made one in {state.parent}",
            "`sudo make install` makes it; or mend paths.state",
        )
    milliseconds, free = probe(state / "events.db"), shutil.disk_usage(state).free
    if free < FREE_BYTES_MIN:
        return Result.FAIL, f"{free // 2**20} MiB free at {state}", "make room: a full disk lets nobody in"
    if milliseconds > SLOW_COMMIT_MS:
        return Result.WARN, f"a durable commit takes {milliseconds:.0f} ms", "a worn or cheap card; class A2 or an SSD is faster"
    return Result.OK, f"a durable commit takes {milliseconds:.1f} ms, {free // 2**20} MiB free", ""


def pins(settings: Settings) -> Finding:
    from device.gate import pins  # noqa: PLC0415

    used = config.pins(settings)
    pins.factory(settings.pins, settings.board.model)
    names = ", ".join(f"{table}.{key} {number}" for table, key, number in used) or "none in use"
    if settings.pins.factory is PinFactory.MOCK:
        return Result.WARN, f"mock pins: nothing moves ({names})", 'on a Pi: pins.factory = "lgpio"'
    return Result.OK, names, ""


def relay(settings: Settings) -> Finding:
    """Opening the relays switches them off, which is what they should be; none is ever switched on here."""
    from device.gate import pins  # noqa: PLC0415
    from device.gate.outputs import open_relays  # noqa: PLC0415

    gpio = settings.relay.kind is RelayKind.GPIO
    what = f"{settings.relay.kind} at {f'pin {settings.relay.pin}' if gpio else settings.relay.port}"
    if failsafe.must_be_free(settings.paths.state, settings.paths.runtime):
        return Result.SKIP, f"{what} was not looked at: the lane stands free", "end that first (key switch at reset, or the order), then ask again"
    if gpio:
        if settings.pins.factory is PinFactory.MOCK:
            return Result.SKIP, f"{what} is a mock: nothing moves", "see pins"
        try:
            pins.factory(settings.pins, settings.board.model)
        except HardwareError:
            return Result.SKIP, f"{what} was not looked at", "see pins"
    relays = open_relays(settings)
    relays.close()
    return Result.OK, f"{what} is there, and off", ""


def wall_clock(settings: Settings) -> Finding:
    now = clock.WallClock(settings.clock.source).now()
    shown = f"{now.utc.isoformat(timespec='seconds')}, {now.trust}"
    if now.trust is ClockTrust.TRUSTED:
        return Result.OK, f"{shown} ({settings.clock.source})", ""
    otherwise = 'where this machine keeps time by other means, set clock.source = "system"'
    if settings.clock.source is ClockSource.NONE:
        return Result.WARN, f"{shown}: {DATES_REFUSED}", f'fit a DS3231 (hardware/wiring.md) and set clock.source = "rtc"; {otherwise}'
    if clock.RTC.exists():
        return (
            Result.FAIL,
            f"{shown}: the battery clock differs, so {DATES_REFUSED}",
            f"compare `sudo hwclock --show` with `date`; set it from a right date: sudo hwclock --systohc; {otherwise}",
        )
    return (
        Result.FAIL,
        f"{shown}: there is no battery clock, so {DATES_REFUSED}",
        f"fit a DS3231 (hardware/wiring.md): dtoverlay=i2c-rtc,ds3231 in /boot/firmware/config.txt; {otherwise}",
    )
