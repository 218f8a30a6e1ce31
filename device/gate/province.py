"""What the province has decided, as it is in force at this gate: policy and trust from signed bundles, else from ``site.toml``."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

from device import credentials
from device.admission import health_document, policy_document
from device.admission.policy import Mode, Policy
from device.bundles.delegations import Delegation, read_delegations
from device.bundles.envelope import Kind, Place, Refused
from device.bundles.keys import read_keys
from device.bundles.trust import read_trust
from device.clock import NS
from device.credentials.hc1 import signer_of
from device.credentials.kd1 import issuer_key_id
from device.credentials.trust import Trust
from device.domain import Credential, EventType, NotACredential
from device.errors import SettingsError, VerificationError
from device.events.pseudonyms import HeldKeys
from device.events.sealing import Identity, Occasion, prove_recipient, seal_identity
from device.gate.bundles import Bundles, Content, Reader, Taken
from device.gate.decision_record import Seal
from device.settings import Settings

log = logging.getLogger("qrgate.gate")

Tell = Callable[[EventType, dict[str, Any]], None]

EXPIRY_NS = 3600 * NS
"""Bundles in force are asked so often whether their time is over."""


@dataclass(slots=True)
class Province:
    """``policy`` and ``trust`` are in force now; they change only in ``take``, which belongs to the recording thread."""

    policy: Policy
    trust: Trust
    _bundles: Bundles | None
    _renew: Callable[[HeldKeys], None]
    _tell: Tell
    changed: Callable[[], None] = field(default=lambda: None)
    _asked_ns: int | None = None
    _over: set[Kind] = field(default_factory=set)

    def read(self, payload: bytes) -> Credential | NotACredential:
        return credentials.read(payload, self.trust)

    def take(self, data: bytes, *, passed_s: int) -> bool:
        """Put a bundle in force; what becomes of it is told. False where it was refused: all stays as it was then.

        Raises:
            StoreError: it cannot be kept now; it may be tried again.
        """
        if self._bundles is None:
            self._refuse("no_key", "site.toml has no bundles.public_key: nobody's bundles are taken here")
            return False
        taken = self._bundles.take(data, passed_s=passed_s)
        if isinstance(taken, Refused):
            self._refuse(taken.why.value, taken.detail)
            return False
        bundle = taken.bundle
        if bundle.kind is Kind.KEYS:
            self._renew(taken.value)
        self._adopt(taken)
        self._over.discard(bundle.kind)
        log.info("bundle %s %d is in force", bundle.kind, bundle.version.seq)
        if taken.is_new:
            self._tell(EventType.AUDIT, {"what": "bundle_in_force", "bundle": bundle.kind.value, "version": bundle.version.seq})
        return True

    def versions(self) -> dict[str, int]:
        """The number of each bundle in force."""
        current = {} if self._bundles is None else {kind: self._bundles.current(kind) for kind in Kind}
        return {str(kind): taken.bundle.version.seq for kind, taken in current.items() if taken is not None}

    def delegated(self, passed_s: int) -> tuple[Delegation, ...]:
        """Whose orders count here now. Unlike a policy this ends with its bundle's time: people pass without it."""
        taken = None if self._bundles is None else self._bundles.current(Kind.DELEGATIONS)
        return () if taken is None or taken.bundle.has_expired(passed_s) else taken.value

    def tell_expiry(self, now_ns: int, *, passed_s: Callable[[], int]) -> None:
        """A policy or trust whose time is over stays in force until another one comes: nobody is locked out or let in by a date alone."""
        if self._bundles is None or (self._asked_ns is not None and now_ns - self._asked_ns < EXPIRY_NS):
            return
        self._asked_ns, passed = now_ns, passed_s()
        for kind in (Kind.POLICY, Kind.TRUST, Kind.DELEGATIONS):
            taken = self._bundles.current(kind)
            if taken is not None and kind not in self._over and taken.bundle.has_expired(passed):
                self._over.add(kind)
                after = "no order counts" if kind is Kind.DELEGATIONS else "it stays in force"
                log.error("bundle %s %d has expired: %s until the next one", kind, taken.bundle.version.seq, after)
                self._tell(EventType.ALARM, {"what": "bundle_expired", "bundle": kind.value, "version": taken.bundle.version.seq})

    def begin(self) -> None:
        """Put in force what was before the last end, and tell what of it is lost."""
        if self._bundles is None:
            return
        for kind in (Kind.POLICY, Kind.TRUST):
            if (taken := self._bundles.current(kind)) is not None:
                self._adopt(taken)
        for damage in self._bundles.damaged:
            log.error("a bundle is damaged: %s", damage)
            self._tell(EventType.ALARM, {"what": "bundle_damaged", "file": damage.partition(":")[0]})

    def _adopt(self, taken: Taken) -> None:
        if taken.bundle.kind is Kind.POLICY:
            self.policy = taken.value
        elif taken.bundle.kind is Kind.TRUST:
            self.trust = taken.value
        self.changed()

    def _refuse(self, why: str, detail: str) -> None:
        log.error("a bundle was not taken: %s%s", why, f": {detail}" if detail else "")
        self._tell(EventType.ALARM, {"what": "bundle_refused", "why": why})


def open_province(settings: Settings, state: Path, *, renew: Callable[[HeldKeys], None], tell: Tell) -> Province:
    """What is in force at the start. ``renew`` takes new pseudonym keys.

    Raises:
        SettingsError: ``site.toml`` and the bundle in force say two things.
        StoreError: the bundles' folder cannot be used.
    """
    site = settings.site
    policy = Policy(site.gate, site.zone, site.direction, site=site.site, mode=settings.policy.mode or Mode.VERIFY)
    province = Province(policy, Trust(passes=_issuers(settings)), _open_bundles(settings, state), renew, tell)
    province.begin()
    return province


def sealing(policy: Policy, gate: str, epoch: str) -> Seal | None:
    """How this gate seals who passed; ``None`` where the province chose not to know."""
    if policy.sealed_identity is None:
        return None
    recipient = X25519PublicKey.from_public_bytes(policy.sealed_identity.recipient)

    def seal(credential: Credential, payload: bytes, sequence: int) -> bytes:
        return seal_identity(Identity(credential.kind, payload), recipient, Occasion(gate, epoch, sequence))

    return seal


def _open_bundles(settings: Settings, state: Path) -> Bundles | None:
    """Raises SettingsError, StoreError."""
    if not settings.bundles.public_key:
        return None
    if settings.policy.mode is not None and (state / "bundles" / f"{Kind.POLICY}.bundle").exists():
        raise SettingsError("site.toml says policy.mode, and a policy bundle is in force", hint="take policy.mode out: the province's bundle says it")
    return Bundles(state, Ed25519PublicKey.from_public_bytes(bytes.fromhex(settings.bundles.public_key)), place(settings), readers=readers(settings))


def place(settings: Settings) -> Place:
    return Place(settings.site.province, settings.site.site, settings.site.gate)


def readers(settings: Settings) -> dict[Kind, Reader]:
    """What this gate makes of each kind of bundle."""
    return {
        Kind.POLICY: partial(_read_policy, settings=settings),
        Kind.TRUST: partial(read_trust, read_signer=signer_of),
        Kind.KEYS: partial(read_keys, site=settings.site.site),
        Kind.DELEGATIONS: read_delegations,
    }


def _read_policy(content: Content, settings: Settings) -> Policy:
    """Raises VerificationError, SettingsError."""
    if not isinstance(content, Mapping):
        raise VerificationError("a policy is a table")
    if settings.policy.mode is not None:
        raise VerificationError("site.toml says policy.mode too: a key stands in one place only")
    site = settings.site
    policy = policy_document.read(
        content, gate=site.gate, site=site.site, zone=site.zone, direction=site.direction, health_rules=health_document.read
    )
    if policy.sealed_identity is not None:  # a key to which nothing can be sealed would end the gate at its first admission
        prove_recipient(policy.sealed_identity.recipient)
    return policy


def _issuers(settings: Settings) -> dict[bytes, Ed25519PublicKey]:
    """Whose passes this gate believes until a bundle says it.

    Raises:
        SettingsError: an id is not its key's. A typo would refuse every pass.
    """
    for key_id, key in settings.issuers.items():
        if issuer_key_id(bytes.fromhex(key)).hex() != key_id:
            raise SettingsError(f"site.toml: issuers.{key_id} is not the id of that key", hint="copy both as `qrgate-provision init` wrote them")
    return {bytes.fromhex(key_id): Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)) for key_id, key in settings.issuers.items()}
