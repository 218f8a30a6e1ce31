"""``qrgate doctor``: what is wrong with this gate, and what to do about it. Every check runs, whatever the others find."""

from __future__ import annotations

import hashlib
import json
import os
import pwd
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
from device.admission.policy import Unsure
from device.bundles.envelope import Kind
from device.domain import ClockTrust
from device.errors import EXIT_FAULT, EXIT_OK, HardwareError, QrgateError, SettingsError
from device.events.pseudonyms import VIET_NAM, HeldKeys, day_in_viet_nam, from_json
from device.links import READER_SOCKET, listens
from device.settings import ClockSource, PinFactory, RelayKind, ScannerModel, Settings, SourceKind

PSEUDONYM_DAYS_MIN = 7
"""As the gate's own alarm (``gate/keys.py``): somebody must travel to a gate that is out of reach."""
FRAME_S = 5.0
CONNECT_S = 5.0
SLOW_COMMIT_MS = 200.0
"""A decision waits for its commit; beyond this a person notices, and a grant nears its deadline."""
FREE_BYTES_MIN = 200 * 1024 * 1024
CERTIFICATE_DAYS_MIN = 30
DAY_MAX_S = 250_000_000_000
"""In the year 9892: what a bundle may say beyond that is no day."""
DATES_REFUSED = "every pass with a date is refused, and pseudonyms do not turn at midnight: a person stays the same number"


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
    busy = listens(settings.paths.runtime / READER_SOCKET)  # the gate does, as long as it runs
    for name, look in (
        ("users", _users),
        ("decoders", _decoders),
        ("camera", _unless(busy, "the running gate has the camera", _camera)),
        ("store", _store),
        ("pseudonyms", _pseudonyms),
        ("bundles", _bundles),
        ("lists", _lists),
        ("identity", _identity),
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


# --- checks ----------------------------------------------------------------------------------------------------


def _users(settings: Settings) -> Finding:
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


def _decoders(settings: Settings) -> Finding:
    """Opening a decoder runs its self-test: a Vietnamese card must come out byte by byte."""
    if settings.reader.source is SourceKind.SCANNER:
        return Result.SKIP, "the scan module decodes by itself", "see camera"
    from device.reader.decoders import open_decoder  # noqa: PLC0415

    for name in settings.reader.decoders:
        open_decoder(name, thorough=True)
    return Result.OK, f"{', '.join(settings.reader.decoders)} read the test card exactly", ""


def _camera(settings: Settings) -> Finding:
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


def _store(settings: Settings) -> Finding:
    from device.gate.store import probe  # noqa: PLC0415

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


def _pseudonyms(settings: Settings) -> Finding:
    """In use the keys are in the state folder; before the gate's first start they wait among the settings."""
    kept, first = settings.paths.state / "pseudonym.json", settings.pseudonyms.key_file
    fix = f"in the office: qrgate-provision keys --gate {settings.site.gate}; copy its pseudonym.json to {first}, then here: sudo make install"
    try:
        held, waiting = _held_keys(kept), _held_keys(first)
    except OSError as error:
        return Result.FAIL, f"{error.filename}: {error.strerror}", "run it as root: sudo qrgate doctor"
    except ValueError as error:
        return Result.FAIL, f"{error} holds no pseudonym key", f"delete it, and {fix}"
    if held and waiting:
        return (
            Result.WARN,
            f"in use since {held.in_use.day}, and others lie at {first}",
            "start the gate, which takes them in; if they still lie there, delete them",
        )
    found = held or waiting
    if found is None:
        return Result.FAIL, f"there is no pseudonym key, neither {kept} nor {first}: the gate does not start", fix
    return _days_left(
        found, settings, "the keys wait for the gate's first start" if waiting else f"the key in use is that of {found.in_use.day}", fix
    )


def _days_left(held: HeldKeys, settings: Settings, where: str, fix: str) -> Finding:
    if held.site != settings.site.site:
        return Result.FAIL, f"the pseudonym keys are those of site {held.site}, not of {settings.site.site}", fix
    now = clock.WallClock(settings.clock.source).now()
    today = day_in_viet_nam(now) if now.trust is ClockTrust.TRUSTED else held.in_use.day
    left = (held.last_day - today).days
    if held.in_use.own or left < 0:
        return Result.WARN, f"{where}; the office's keys have run out, and no other gate of the site knows a person by the same number", fix
    return (Result.WARN if left < PSEUDONYM_DAYS_MIN else Result.OK), f"{where}; {left} more days are held, to {held.last_day}", fix


def _held_keys(path: Path) -> HeldKeys | None:
    """The keys in ``path``; ``None`` where there is no file. Raises OSError, and ValueError where it holds none."""
    try:
        return from_json(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError:
        raise ValueError(path) from None


def _bundles(settings: Settings) -> Finding:
    """Whether the province's decisions have reached this gate, and still hold."""
    from device.gate.standing import Standing  # noqa: PLC0415

    if not settings.bundles.public_key:
        return Result.WARN, "this gate takes no bundles: site.toml names no key for them", "`qrgate-provision init` writes it: [bundles] public_key"
    standing = Standing(settings)
    found = {kind: standing.bundle(kind) for kind in (Kind.POLICY, Kind.TRUST)}
    standing.policy()
    told = ", ".join(f"{kind} {bundle.version.seq} of {_day(bundle.issued_s)}" if bundle else f"no {kind}" for kind, bundle in found.items())
    now = clock.WallClock(settings.clock.source).now()
    passed_s = int(now.utc.timestamp()) if now.trust is ClockTrust.TRUSTED else 0
    if over := [str(kind) for kind, bundle in found.items() if bundle and bundle.has_expired(passed_s)]:
        return (
            Result.WARN,
            f"{told}; the time of {' and '.join(over)} is over, and it still holds",
            "sign it anew; here: sudo qrgate take",
        )
    if found[Kind.POLICY] is None:
        return (
            Result.WARN,
            f"{told}: the gate goes by site.toml, mode {settings.policy.mode or 'verify'}",
            "in the office: qrgate-provision policy sign; here: sudo qrgate take",
        )
    return Result.OK, told, ""


def _lists(settings: Settings) -> Finding:
    """Every list that is here, and those that the policy needs and that are missing or old."""
    from device.gate.standing import Standing  # noqa: PLC0415

    if not settings.bundles.public_key:
        return Result.SKIP, "whose lists to take is not said", "see bundles"
    standing = Standing(settings)
    if not standing.has_list_key:
        return (
            Result.WARN,
            "there is no list key: this gate can look nobody up",
            f"copy list.key of the office to {settings.folder}, and start the gate",
        )
    lists, policy = standing.lists(), standing.policy()
    now = clock.WallClock(settings.clock.source).now()
    seconds = int(now.utc.timestamp()) if now.trust is ClockTrust.TRUSTED else None
    old = {kind for kind, each in lists.items() if seconds is not None and seconds - each.issued_s > each.valid_for_s}
    words = [f"{kind} {each.version} ({each.entries}) of {_day(each.issued_s)}{', too old' if kind in old else ''}" for kind, each in lists.items()]
    needed = {} if policy is None else policy.lists
    missing = [kind for kind in needed if kind not in lists]
    told = "; ".join([*words, *(f"{kind} is missing" for kind in missing)]) or "none, and none is needed"
    if bad := [kind for kind in needed if kind in old or kind not in lists]:
        nobody = any(needed[kind] is Unsure.REFUSE for kind in bad)
        return (
            Result.FAIL if nobody else Result.WARN,
            told + ("; nobody is let in until it is here" if nobody else ""),
            "in the office: qrgate-provision lists build; here: sudo qrgate take",
        )
    return Result.OK, told, ""


def _identity(settings: Settings) -> Finding:
    """Said plainly, so that nobody finds out later what was kept."""
    from device.gate.standing import Standing  # noqa: PLC0415

    policy = Standing(settings).policy() if settings.bundles.public_key else None
    if policy is None or policy.sealed_identity is None:
        return Result.OK, "off: who somebody was is not kept", ""
    sealed = policy.sealed_identity
    opener = hashlib.sha256(sealed.recipient).hexdigest()[:16]
    return Result.OK, f"ON: who passed is kept for {sealed.retention_days} days, sealed to the health department's key {opener}", ""


def _day(seconds: int) -> str:
    return datetime.fromtimestamp(min(seconds, DAY_MAX_S), VIET_NAM).date().isoformat()


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
    from device.gate import pins  # noqa: PLC0415
    from device.gate.outputs import open_relay  # noqa: PLC0415

    if settings.relay.kind is RelayKind.GPIO:
        if settings.pins.factory is PinFactory.MOCK:
            return Result.SKIP, f"gpio at pin {settings.relay.pin} is a mock: nothing moves", "see pins"
        try:
            pins.factory(settings.pins)
        except HardwareError:
            return Result.SKIP, f"gpio at pin {settings.relay.pin} was not looked at", "see pins"
    open_relay(settings).close()
    what = settings.relay.port if settings.relay.kind is RelayKind.LCUS else f"pin {settings.relay.pin}"
    return Result.OK, f"{settings.relay.kind} at {what} is there, and off", ""


def _clock(settings: Settings) -> Finding:
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
        return (
            (Result.FAIL if left < 0 else Result.WARN),
            f"the certificate has {left} days left",
            "in the office: qrgate-provision init … --renew; then copy the gate's tls/ here",
        )
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
