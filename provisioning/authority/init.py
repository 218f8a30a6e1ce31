"""Lay out everything one gate and its province need: the authority, the gate's folder, the broker's and the recorder's.

    authority/        stays in the province office (``office.py``)
    gates/<gate>/     is copied to /etc/qrgate on the gate
    broker/           is copied to the broker's machine
    recorder/         is copied to the recorder's machine
    watcher/          TLS identity of who may look and not touch

Running it again, for the next gate, reuses all that is there.
"""

from __future__ import annotations

import getpass
import re
import shutil
import tempfile
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from device import config
from device.credentials.kd1 import issuer_key_id
from device.domain import Direction
from device.errors import SettingsError, StoreError, UsageError
from device.events.pseudonyms import VIET_NAM, HeldKeys
from device.settings import GATE_TABLES, ID_PATTERN, ID_WORDS, ISSUERS_TABLE, SITE_TABLES
from provisioning import changes, files, settings_text
from provisioning.authority import keys, lists, office, sites
from provisioning.authority.office import Office
from provisioning.broker import description as broker_description
from provisioning.broker import mosquitto
from provisioning.broker.description import Broker
from provisioning.operations.settings import RECORDER_TABLES

REFERENCE_GATE: Mapping[str, Mapping[str, Any]] = {
    "reader": {"source": "picamera2"},
    "board": {"model": "pi4"},
    "lane": {"profile": "tripod"},
    "pins": {"factory": "lgpio"},
    "relay": {"pin": 17},
    "lamps": {"green_pin": 22, "red_pin": 23, "amber_pin": 25},
    "buzzer": {"pin": 24},
    "passage": {"pin": 27},
    "clock": {"source": "rtc"},
    "links": {"reader_user": "qrgate-reader", "uplink_user": "qrgate-uplink"},
}
"""The gate of ``hardware/boards/rpi4-relay-hat.toml`` as ``systemd/gate.toml`` runs it. ``--set`` changes it."""

PSEUDONYM_KEYS = "pseudonym.json"
SITE_OPTIONS = ("province", "site", "gate", "zone", "direction")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One gate to be laid out in ``out``. What is told of the broker may be left out, always so where the office knows it."""

    out: Path
    province: str
    site: str
    gate: str
    zone: str = "main"
    direction: Direction = Direction.ENTRY
    broker_hosts: tuple[str, ...] = ()
    broker_port: int | None = None
    broker_folder: Path | None = None  # on the broker's machine
    broker_user: str | None = None
    broker_listen: str | None = None
    options: tuple[str, ...] = ()  # TABLE.KEY=VALUE, as after --set
    issuer_seed: bytes | None = None
    days_ahead: int = sites.DAYS_AHEAD
    force: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where everything lies now."""

    authority: Path
    gate: Path
    broker: Path
    recorder: Path
    watcher: Path
    issuer_key_id: str


def lay_out(request: Request, *, now: datetime) -> Layout:
    """Write all folders of ``request``; ``now`` is aware.

    Raises:
        UsageError: the request is wrong, contradicts what is there, or would overwrite a gate.
        VerificationError: a key in the office is damaged.
        StoreError: a file cannot be written.
    """
    out = request.out.absolute()
    gate_folder = out / "gates" / request.gate
    _check(request)
    if gate_folder.exists() and not request.force:
        raise UsageError(f"gate {request.gate!r} is there already: {gate_folder}", hint="--force replaces its settings, key and certificate")
    files.make_folder(out)
    chief = office.found(out / "authority", request.province, seed=request.issuer_seed, now=now)
    broker = _broker(chief, request, out / "broker", now=now)
    recorder_public = _recorder(chief, broker, out / "recorder", now=now)
    if not (out / "watcher" / "watcher.crt").exists():
        chief.hand_client(out / "watcher", broker_description.watcher_id(request.province), called="watcher", now=now)
    _gate(chief, request, broker, recorder_public, gate_folder, now=now)
    return _layout(chief, out, gate_folder)


def renew(request: Request, *, now: datetime) -> Layout:
    """A new TLS key and certificate for a gate that is there; its settings stay as they are.

    Raises:
        UsageError: no such gate is there.
        VerificationError: the office is none, or a key in it is damaged.
        StoreError: a file cannot be written.
    """
    out = request.out.absolute()
    folder = out / "gates" / request.gate
    if not re.fullmatch(ID_PATTERN, request.gate) or not folder.is_dir():
        raise UsageError(f"there is no gate {request.gate!r} to renew: {folder}", hint="leave --renew out to make it")
    chief = office.open_office(out / "authority")
    chief.hand_client(folder / "tls", request.gate, called="gate", now=now)
    return _layout(chief, out, folder)


def hand_keys(out: Path, gates: tuple[str, ...], *, days_ahead: int = sites.DAYS_AHEAD, now: datetime) -> dict[str, HeldKeys]:
    """New pseudonym keys in the folders of ``gates``, by default of all that are there; gate -> what it was given.

    Raises:
        UsageError: no such gate is there, or the date is impossible.
        VerificationError: the office is none, or a site's master is damaged.
        StoreError: a file cannot be written.
    """
    chief, today = office.open_office(out / "authority"), now.astimezone(VIET_NAM).date()
    folders = [out / "gates" / gate for gate in gates] or sorted(path.parent for path in out.glob("gates/[!.]*/site.toml"))
    if not folders:
        raise UsageError(f"there are no gates in {out}", hint="`qrgate-provision init` makes one, with its keys")
    handed = {folder.name: chief.day_keys(_site_of(folder), today, days_ahead) for folder in folders}
    for folder in folders:
        sites.write_keys(folder / PSEUDONYM_KEYS, handed[folder.name])
    return handed


def _site_of(folder: Path) -> str:
    try:
        site = tomllib.loads((folder / "site.toml").read_text(encoding="utf-8"))["site"]["site"]
        if re.fullmatch(ID_PATTERN, site):
            return str(site)
    except (OSError, ValueError, LookupError, TypeError):
        pass
    raise UsageError(f"there is no gate {folder.name!r}: {folder}/site.toml names no site", hint="`qrgate-provision init` makes it")


def _layout(chief: Office, out: Path, gate: Path) -> Layout:
    return Layout(
        authority=chief.folder,
        gate=gate,
        broker=out / "broker",
        recorder=out / "recorder",
        watcher=out / "watcher",
        issuer_key_id=issuer_key_id(keys.raw_public(chief.issuer)).hex(),
    )


def write_broker(chief: Office, folder: Path, *, now: datetime) -> Broker:
    """The broker's folder anew from the office's description, with a new server certificate."""
    described = broker_description.load(chief.broker_description).of_province(chief.root.province)
    files.make_folder(folder)
    chief.hand_server(folder, described.broker.hosts, now=now)
    mosquitto.write(folder, described)
    return described.broker


# --- the parts -------------------------------------------------------------------------------------------------


def _check(request: Request) -> None:
    """Find every mistake before the first file: ids, then the settings as the gate itself would read them."""
    sites.check_days(request.days_ahead)
    for name in ("province", "site", "gate", "zone"):
        if not re.fullmatch(ID_PATTERN, getattr(request, name)):
            raise UsageError(f"--{name} {getattr(request, name)!r} is no id", hint=f"{ID_WORDS}, such as hn-001")
    with tempfile.TemporaryDirectory() as folder:
        try:
            draft = _describe(request, Path(folder) / office.BROKER_DESCRIPTION, Path(folder))
            _write_settings(request, draft, _Publics("0" * 64, "0" * 64, "0" * 16, "0" * 64), Path(folder))
            settings = config.load(Path(folder))
        except SettingsError as error:
            raise UsageError(error.what.replace(f"{folder}/", ""), hint="nothing was written; mend the --set and other options") from error
    for name in SITE_OPTIONS:
        if getattr(settings.site, name) != getattr(request, name):
            raise UsageError(f"--set site.{name} contradicts --{name} {getattr(request, name)}", hint=f"give it once, with --{name}")


def _broker(chief: Office, request: Request, folder: Path, *, now: datetime) -> Broker:
    if not chief.broker_description.exists():
        _describe(request, chief.broker_description, folder)
    broker = broker_description.load(chief.broker_description).broker
    asked = (request.broker_hosts, request.broker_port, request.broker_folder, request.broker_user, request.broker_listen)
    known = (broker.hosts, broker.port, broker.folder, broker.user, broker.listen)
    if any(wanted and wanted != there for wanted, there in zip(asked, known, strict=True)):
        raise UsageError(
            f"this province's broker is {', '.join(broker.hosts)} port {broker.port}, in {broker.folder} of user {broker.user}",
            hint=f"leave all --broker options out, or change {chief.broker_description} and run `qrgate-provision broker`",
        )
    if not (folder / mosquitto.CONFIGURATION).exists():
        write_broker(chief, folder, now=now)
    return broker


def _describe(request: Request, path: Path, here: Path) -> Broker:
    """Write the broker's description: on this machine it lies ``here``, on its own where Debian's mosquitto would look."""
    host, *more = request.broker_hosts or ("127.0.0.1",)
    local = all(_is_loopback(each) for each in (host, *more))
    values = {
        "host": host,
        "more_hosts": more,
        "port": request.broker_port or broker_description.PORT,
        "listen": request.broker_listen or ("" if local else broker_description.EVERYWHERE),
        "folder": request.broker_folder or (here if local else broker_description.FOLDER),
        "user": request.broker_user or (getpass.getuser() if local else broker_description.USER),
    }
    files.write(
        path, settings_text.render(broker_description.TABLES, {"broker": values, "clients": {"province": request.province}}, head=BROKER_HEAD)
    )
    return broker_description.load(path).broker


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _recorder(chief: Office, broker: Broker, folder: Path, *, now: datetime) -> str:
    """The public key of the recorder, hex; its folder is made once, and may have left for its own machine since."""
    if chief.recorder_public.exists():
        return chief.recorder_public.read_text(encoding="ascii").strip()
    files.make_folder(folder)
    key = keys.make_signing_key()
    keys.write_key(folder / "confirmation.key", key)
    name = broker_description.recorder_id(chief.root.province)
    chief.hand_client(folder / "tls", name, called="recorder", now=now)
    values: dict[str, dict[str, Any]] = {
        "identity": {"province": chief.root.province, "id": name},
        "broker": {"host": broker.host, "port": broker.port, **_tls_files("recorder")},
        "storage": {"file": "events.sqlite"},
        "confirmations": {"key_file": "confirmation.key"},
    }
    files.write(folder / "recorder.toml", settings_text.render(RECORDER_TABLES, values, head=RECORDER_HEAD))
    public = keys.raw_public(key).hex()
    files.write(chief.recorder_public, public + "\n")  # last: until it is there, a run that was cut short is done again
    return public


def _gate(chief: Office, request: Request, broker: Broker, recorder_public: str, folder: Path, *, now: datetime) -> None:
    """Build the gate's folder beside its place and rename it: a gate's folder is whole or absent."""
    building = files.make_folder(folder.parent) / f".{folder.name}.new"
    try:
        if building.exists():  # a run that was cut short
            shutil.rmtree(building)
        files.make_folder(building)
        issuer, bundles = keys.raw_public(chief.issuer), keys.raw_public(chief.bundle_key())
        _write_settings(request, broker, _Publics(recorder_public, bundles.hex(), issuer_key_id(issuer).hex(), issuer.hex()), building)
        chief.hand_client(building / "tls", request.gate, called="gate", now=now)
        sites.write_keys(building / PSEUDONYM_KEYS, chief.day_keys(request.site, now.astimezone(VIET_NAM).date(), request.days_ahead))
        lists.write_list_key(building / lists.LIST_KEY, lists.list_key(chief.folder))
        if folder.exists():
            shutil.rmtree(folder)
        building.rename(folder)
        files.sync_folder(folder.parent)
    except OSError as error:
        raise StoreError(f"{folder} cannot be written: {error}", hint="is the disk full, or the folder not yours?") from error


@dataclass(frozen=True, slots=True)
class _Publics:
    """The public keys, hex, that a gate goes by."""

    recorder: str
    bundles: str
    issuer_key_id: str
    issuer: str


def _write_settings(request: Request, broker: Broker, publics: _Publics, folder: Path) -> None:
    values: dict[str, Mapping[str, Any]] = {
        **REFERENCE_GATE,
        "site": {name: getattr(request, name) for name in SITE_OPTIONS},
        "broker": {"host": broker.host, "port": broker.port, **_tls_files("gate")},
        "recorder": {"public_key": publics.recorder},
        "pseudonyms": {"key_file": PSEUDONYM_KEYS},
        "bundles": {"public_key": publics.bundles},
    }
    chosen = changes.apply(request.options, values)
    trusted = f'{publics.issuer_key_id} = "{publics.issuer}"\n'
    site_text = settings_text.render(SITE_TABLES, chosen, head=SITE_HEAD) + f"\n{ISSUERS_COMMENT}\n[{ISSUERS_TABLE}]\n{trusted}"
    files.write(folder / "gate.toml", settings_text.render(GATE_TABLES, chosen, head=GATE_HEAD))
    files.write(folder / "site.toml", site_text)


def _tls_files(called: str) -> dict[str, str]:
    return {"ca_file": f"tls/{office.ROOT_CERTIFICATE}", "certificate_file": f"tls/{called}.crt", "key_file": f"tls/{called}.key"}


KEPT_DEFAULTS = "A key behind # keeps the default that is shown. A key that nobody knows is an error."
GATE_HEAD = f"gate.toml: what the technician knows of this gate: camera, pins, boards.\n{KEPT_DEFAULTS}"
SITE_HEAD = f"site.toml: what the province decides for this gate: site, broker, policy, whom to trust.\n{KEPT_DEFAULTS}"
RECORDER_HEAD = f"recorder.toml: the province's recorder. Relative paths are taken from this file's folder.\n{KEPT_DEFAULTS}"
BROKER_HEAD = f"broker.toml: the province's broker. After a change: qrgate-provision broker.\n{KEPT_DEFAULTS}"
ISSUERS_COMMENT = "# Who may sign passes until a trust bundle comes, which takes their place: key id (16 hex digits) = Ed25519 public key (64)."
