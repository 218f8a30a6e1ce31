"""What the run needs of a province: an authority, a certificate for each played gate, a broker's and a recorder's settings.

They lie in a folder that may be used again, because thousands of certificates take a while. All names are made up.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from device import config
from device.errors import UsageError
from device.settings import Settings
from provisioning.authority import office
from provisioning.authority.init import Request, lay_out
from provisioning.authority.office import Office
from provisioning.broker import description, mosquitto
from provisioning.broker.description import Size
from provisioning.operations import settings as recorder_settings
from provisioning.simulation.player import Part
from provisioning.simulation.servers import free_port

PROVINCE, SITE, PATTERN = "p-999", "s-999", "pattern"
OPTIONS = ("pins.factory=mock", "links.reader_user=", "links.uplink_user=", "clock.source=system")
"""Of the one gate that is laid out whole, from whose settings those of all others are made."""
SIMULATED = "simulated"
STEP = 500
"""Certificates: a line of progress for so many."""


@dataclass(frozen=True, slots=True)
class Province:
    folder: Path
    gates: tuple[Settings, ...]
    recorder: Path
    """recorder.toml"""
    archive: Path

    @property
    def broker(self) -> Path:
        """mosquitto.conf"""
        return self.folder / "broker" / mosquitto.CONFIGURATION

    @property
    def broker_log(self) -> Path:
        return self.folder / "broker.log"

    @property
    def recorder_log(self) -> Path:
        return self.folder / "recorder.log"

    def parts(self, processes: int) -> list[Part]:
        """The gates dealt out to so many processes."""
        hands = [self.gates[first::processes] for first in range(processes)]
        return [Part(tuple((each, _seed(each.site.gate)) for each in hand), seed) for seed, hand in enumerate(hands)]


def own(folder: Path, gates: int, events_a_day: int, say: Callable[[str], None]) -> Province:
    """A province in ``folder``, made or used again, with an empty archive and an empty broker. A gate called ``PATTERN`` that is there
    keeps its settings, and all played ones have them.

    Raises:
        UsageError: the folder belongs to another province.
        StoreError: a file cannot be written.
    """
    if not (folder / "gates" / PATTERN).exists():
        request = Request(out=folder, province=PROVINCE, site=SITE, gate=PATTERN, broker_port=free_port(), options=OPTIONS)
        lay_out(request, now=datetime.now(UTC))
    chief = office.open_office(folder / "authority")
    described = description.load(chief.broker_description).of_province(PROVINCE)
    mosquitto.write(folder / "broker", replace(described, size=Size(gates=gates, events_a_day=events_a_day)))
    made = _province(folder, chief, gates, say)
    for leftover in (*(folder / "broker" / mosquitto.PERSISTENCE).iterdir(), *made.archive.parent.glob(f"{made.archive.name}*")):
        leftover.unlink()
    return _with_empty_logs(made)


def of_others(folder: Path, gates: int, say: Callable[[str], None]) -> Province:
    """The province that `init` made in ``folder``, whose broker runs already. Its archive is left as it is.

    Raises:
        VerificationError: there is no authority in ``folder``.
        UsageError: there is no gate in it.
    """
    chief = office.open_office(folder / "authority")
    return _with_empty_logs(_province(folder, chief, gates, say))


def _province(folder: Path, chief: Office, gates: int, say: Callable[[str], None]) -> Province:
    patterns = sorted((folder / "gates").glob("[!.]*/gate.toml"))
    if not patterns:
        raise UsageError(f"there is no gate in {folder}", hint="`qrgate-provision init` makes one, as a pattern for the played ones")
    pattern = config.load(patterns[0].parent)
    names = [f"sim-{number:05d}" for number in range(1, gates + 1)]
    _hand_out(chief, folder / SIMULATED, names, say)
    recorder = folder / "recorder" / "recorder.toml"
    return Province(
        folder=folder,
        gates=tuple(_settings(pattern, folder / SIMULATED / name, name) for name in names),
        recorder=recorder,
        archive=recorder_settings.load(recorder).storage.file,
    )


def _with_empty_logs(made: Province) -> Province:
    made.broker_log.write_bytes(b"")
    made.recorder_log.write_bytes(b"")
    return made


def _hand_out(chief: Office, folder: Path, names: list[str], say: Callable[[str], None]) -> None:
    missing = [name for name in names if not (folder / name / "gate.crt").exists()]
    for done, name in enumerate(missing, start=1):
        chief.hand_client(folder / name, name, called="gate", now=datetime.now(UTC))
        if done % STEP == 0:
            say(f"{done} of {len(missing)} certificates")


def _settings(pattern: Settings, folder: Path, name: str) -> Settings:
    broker = replace(pattern.broker, certificate_file=folder / "gate.crt", key_file=folder / "gate.key")
    return replace(pattern, site=replace(pattern.site, gate=name), broker=broker)


def _seed(gate: str) -> bytes:
    """Of its signing key: the recorder expects the same one in each run with the same archive."""
    return hashlib.sha256(f"a played gate, {gate}".encode()).digest()
