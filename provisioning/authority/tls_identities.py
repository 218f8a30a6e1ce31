"""The TLS identities in the folder of a province: whose certificate ends when, and new ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from device.errors import UsageError, VerificationError
from provisioning.authority import keys
from provisioning.authority.certificates import DUE, LEAF_DAYS, read_certificate
from provisioning.authority.office import ROOT_CERTIFICATE, Office
from provisioning.broker import description
from provisioning.broker.description import recorder_id, watcher_id

ROOT, BROKER, RECORDER = "authority", "broker", "recorder"


class State(StrEnum):
    GOOD = "good"
    DUE = "due"  # ends within 30 days; the authority: before what it signs now
    OVER = "over"
    DAMAGED = "damaged"  # opens no connection: torn, of another authority or name, or not that of the key beside it
    ABSENT = "absent"  # was never made, or its folder has left the office


@dataclass(frozen=True, slots=True)
class Identity:
    """``who`` is its place in the province's folder: authority, broker, recorder, watcher, watchers/ID, gates/GATE, commands/ID."""

    who: str
    file: Path  # the certificate; the key lies beside it
    name: str  # the common name; empty where any will do


@dataclass(frozen=True, slots=True)
class Found:
    """What became of ``identity``: ``ends`` where that can be read, ``fault`` where it is damaged."""

    identity: Identity
    state: State
    ends: datetime | None = None
    fault: str = ""


def survey(chief: Office, out: Path, *, now: datetime) -> list[Found]:
    """Every identity that the folder ``out`` of the province has, or should have.

    Raises:
        SettingsError, UsageError: the description of the broker, which names those who watch, is wrong.
    """
    return [_found(chief, identity, now) for identity in _identities(chief, out)]


def renew(chief: Office, out: Path, whos: tuple[str, ...], *, now: datetime) -> list[Identity]:
    """A new key and certificate for each of ``whos``, or for none of them. The old ones lie there until the new ones are whole.

    Raises:
        UsageError: one of them is not there.
        SettingsError: the description of the broker is wrong.
        StoreError: a file cannot be written.
    """
    there = {identity.who: identity for identity in _identities(chief, out) if identity.who not in (ROOT, BROKER)}
    for who in whos:
        if who == BROKER:
            raise UsageError("the broker's certificate comes with its settings", hint="`qrgate-provision broker` makes both anew")
        if who not in there:
            raise UsageError(f"there is no {who!r} in {out}", hint="`qrgate-provision certificates --out DIR` lists them")
    chosen = [there[who] for who in dict.fromkeys(whos)]
    for identity in chosen:
        chief.hand_client(identity.file.parent, identity.name, called=identity.file.stem, now=now)
    return chosen


def _identities(chief: Office, out: Path) -> Iterator[Identity]:
    province = chief.root.province
    yield Identity(ROOT, chief.folder / ROOT_CERTIFICATE, "")
    yield Identity(BROKER, out / "broker" / "server.crt", "")
    yield Identity(RECORDER, out / "recorder" / "tls" / "recorder.crt", recorder_id(province))
    yield Identity("watcher", out / "watcher" / "watcher.crt", watcher_id(province))
    for name in description.load(chief.broker_description).of_province(province).clients.watchers:
        if name != watcher_id(province):
            who = f"watchers/{name.removeprefix('watcher.')}"
            yield Identity(who, out / who / "watcher.crt", name)
    for kind, called, prefix in (("gates", "gate", ""), ("commands", "command", "command.")):
        for folder in sorted(out.glob(f"{kind}/[!.]*/tls")):
            yield Identity(f"{kind}/{folder.parent.name}", folder / f"{called}.crt", f"{prefix}{folder.parent.name}")


def _found(chief: Office, identity: Identity, now: datetime) -> Found:
    if not identity.file.exists():
        return Found(identity, State.ABSENT)
    try:
        certificate = read_certificate(identity.file)
        _prove(certificate, identity, chief.root.certificate)
    except VerificationError as error:
        return Found(identity, State.DAMAGED, fault=error.what)
    ends = certificate.not_valid_after_utc
    due = timedelta(days=LEAF_DAYS) if identity.who == ROOT else DUE
    return Found(identity, State.OVER if ends <= now else State.DUE if ends - now < due else State.GOOD, ends)


def _prove(certificate: x509.Certificate, identity: Identity, root: x509.Certificate) -> None:
    file, key_file = identity.file, identity.file.with_suffix(".key")
    try:
        certificate.verify_directly_issued_by(root)
    except (ValueError, TypeError, InvalidSignature):
        raise VerificationError(f"{file} was signed by another authority", hint="renew it") from None
    names = [name.value for name in certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)]
    if identity.name and names != [identity.name]:
        raise VerificationError(f"{file} is not that of {identity.name}", hint="renew it")
    if key_file.exists() and keys.read_tls_key(key_file).public_key() != certificate.public_key():
        raise VerificationError(f"{file} does not belong to the key beside it", hint="renew it")
