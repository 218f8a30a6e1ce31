"""What the province gave: pseudonym keys, bundles, lists, identities, the certificate, the way to the broker."""

from __future__ import annotations

import hashlib
import socket
import ssl
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from device import clock
from device.admission.policy import Unsure
from device.bundles.envelope import Kind
from device.doctor.finding import Finding, Result
from device.domain import ClockTrust
from device.events.pseudonyms import VIET_NAM, HeldKeys, day_in_viet_nam, from_json
from device.settings import Settings

PSEUDONYM_DAYS_MIN = 7
"""As the gate's own alarm (``gate/keys.py``): somebody must travel to a gate that is out of reach."""
CONNECT_S = 5.0
CERTIFICATE_DAYS_MIN = 30
DAY_MAX_S = 250_000_000_000
"""In the year 9892: what a bundle may say beyond that is no day."""


def pseudonyms(settings: Settings) -> Finding:
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


def bundles(settings: Settings) -> Finding:
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


def lists(settings: Settings) -> Finding:
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


def identity(settings: Settings) -> Finding:
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


def certificate(settings: Settings) -> Finding:
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


def broker(settings: Settings) -> Finding:
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
