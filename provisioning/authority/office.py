"""The province office: the folder ``authority/`` that never leaves it, and what it hands out.

ca.key  ca.crt              root of all TLS certificates
pass-issuer.key             signs passes
bundle.key                  signs bundles (policy, trust, keys) and lists
bundles.json                the number of the latest bundle of each kind
list.key                    hides names in lists; every gate holds it too (``lists.py``)
recorder.pub                hex of the key that signs confirmations; its private half lives with the recorder
broker.toml                 the description of the broker
sites/<site>.master.json    what the pseudonym keys of a site are made from (``sites.py``)
rotating/<site>.key         secret of a site's rotating passes (``rotating.py``), made when the first of them is
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from device.errors import UsageError, VerificationError
from device.events.pseudonyms import HeldKeys
from provisioning import files
from provisioning.authority import certificates, keys, sites
from provisioning.authority.certificates import Root

ROOT_KEY = "ca.key"
ROOT_CERTIFICATE = "ca.crt"
ISSUER_KEY = "pass-issuer.key"
BUNDLE_KEY = "bundle.key"
RECORDER_PUBLIC = "recorder.pub"
BROKER_DESCRIPTION = "broker.toml"
SITES = "sites"


@dataclass(frozen=True, slots=True)
class Office:
    """One province's authority, opened."""

    folder: Path
    root: Root
    issuer: Ed25519PrivateKey

    def hand_server(self, folder: Path, hosts: tuple[str, ...], *, now: datetime) -> None:
        """``ca.crt``, ``server.crt`` and ``server.key`` in ``folder``: a new certificate for the broker."""
        key = keys.make_tls_key()
        self._hand(folder, "server", key, certificates.issue_server(self.root, key.public_key(), hosts, now=now))

    def hand_client(self, folder: Path, name: str, *, called: str, now: datetime) -> None:
        """``ca.crt``, ``<called>.crt`` and ``<called>.key`` in ``folder``: the TLS identity ``name``."""
        key = keys.make_tls_key()
        self._hand(folder, called, key, certificates.issue_client(self.root, key.public_key(), name, now=now))

    def day_keys(self, site: str, today: date, days_ahead: int = sites.DAYS_AHEAD) -> HeldKeys:
        """The pseudonym keys of ``site`` for its gates: today's and those of the days ahead."""
        return sites.hand_over(self.folder / SITES, site, today, days_ahead)

    def bundle_key(self) -> Ed25519PrivateKey:
        """What signs bundles. Raises VerificationError where it is missing or damaged."""
        return keys.read_signing_key(self.folder / BUNDLE_KEY)

    @property
    def recorder_public(self) -> Path:
        return self.folder / RECORDER_PUBLIC

    @property
    def broker_description(self) -> Path:
        return self.folder / BROKER_DESCRIPTION

    def _hand(self, folder: Path, called: str, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
        """The old key and certificate stay until both new ones are on disk: one without the other opens no connection."""
        files.make_folder(folder)
        files.write_together(
            (folder / ROOT_CERTIFICATE, certificates.pem(self.root.certificate), files.PUBLIC),
            (folder / f"{called}.key", keys.pem(key), files.PRIVATE),
            (folder / f"{called}.crt", certificates.pem(certificate), files.PUBLIC),
        )


def found(folder: Path, province: str, *, seed: bytes | None, now: datetime) -> Office:
    """Open the office of ``province``, and make what it lacks: run twice, it is the same office.

    Raises:
        UsageError: the folder belongs to another province, or its pass key is not that of ``seed``.
        VerificationError: a key in it is damaged.
    """
    files.make_folder(folder)
    if not (folder / ROOT_KEY).exists():
        if (folder / ROOT_CERTIFICATE).exists():
            raise VerificationError(f"{folder} has a {ROOT_CERTIFICATE} and no {ROOT_KEY}", hint="restore the key, or start in an empty folder")
        keys.write_key(folder / ROOT_KEY, keys.make_tls_key())
    if not (folder / ROOT_CERTIFICATE).exists():
        certificate = certificates.make_root(keys.read_tls_key(folder / ROOT_KEY), province, now=now)
        files.write(folder / ROOT_CERTIFICATE, certificates.pem(certificate))
    if not (folder / ISSUER_KEY).exists():
        keys.write_key(folder / ISSUER_KEY, keys.signing_key_from_seed(seed) if seed is not None else keys.make_signing_key())
    if not (folder / BUNDLE_KEY).exists():
        keys.write_key(folder / BUNDLE_KEY, keys.make_signing_key())
    office = open_office(folder)
    if office.root.province != province:
        raise UsageError(f"{folder} belongs to province {office.root.province!r}, not {province!r}", hint="give another --out for another province")
    if seed is not None and keys.raw_public(office.issuer) != keys.raw_public(keys.signing_key_from_seed(seed)):
        raise UsageError(f"{folder} has a pass key already, not that of --issuer-seed", hint="leave the seed out, or start in an empty folder")
    return office


def open_office(folder: Path) -> Office:
    """Raises VerificationError where ``folder`` is no authority, or its key does not fit its certificate."""
    root = Root(certificates.read_certificate(folder / ROOT_CERTIFICATE), keys.read_tls_key(folder / ROOT_KEY))
    if root.certificate.public_key() != root.key.public_key():
        raise VerificationError(f"{ROOT_KEY} and {ROOT_CERTIFICATE} in {folder} do not belong together", hint="restore both from one copy")
    return Office(folder, root, keys.read_signing_key(folder / ISSUER_KEY))
