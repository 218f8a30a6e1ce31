"""The settings of one gate: every key, its bounds and what it is for.

Two files in one folder, because two people own them:

* ``gate.toml`` holds bench facts that a technician with a screwdriver knows: camera, pins, boards;
* ``site.toml`` holds what the province decides: site, broker, policy, whom to trust.

Each class below is one table of a file; ``config.py`` reads them and reports every mistake at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from device.admission.policy import Mode
from device.domain import Direction

ID_PATTERN = r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?"
"""Province, site, gate and zone: one MQTT topic level that can hold no wildcard (CVE-2017-7650)."""
ID_WORDS = "lower-case letters, digits and hyphens, at most 32"


def key(
    default: Any = ...,
    *,
    about: str,
    low: float | None = None,
    high: float | None = None,
    pattern: str | None = None,
) -> Any:
    """One key of a settings table. Without a default it must be given; ``pattern`` must match the whole text.

    ``low`` and ``high`` bound a number; ``low`` also the length of a list.
    """
    metadata = {"about": about, "low": low, "high": high, "pattern": pattern}
    if default is ...:
        return field(metadata=metadata)
    return field(default=default, metadata=metadata)


class SourceKind(StrEnum):
    PICAMERA2 = "picamera2"
    WEBCAM = "webcam"
    VIDEO = "video"
    FOLDER = "folder"
    RECORDING = "recording"
    SCANNER = "scanner"


class ScannerModel(StrEnum):
    """A family of serial scan modules, one file each in ``device/reader/scanners``."""

    GM65 = "gm65"
    HONEYWELL = "honeywell"
    TERMINATED = "terminated"


class ScannerTrigger(StrEnum):
    CONTINUOUS = "continuous"
    HOST = "host"


class Exposing(StrEnum):
    """Who sets shutter and gain."""

    HAND = "hand"
    CAMERA = "camera"


class DecoderName(StrEnum):
    """The names of ``device.reader.decoders``, which not every user of these settings can import; a test compares."""

    ZXING = "zxing"
    ZBAR = "zbar"


class RelayKind(StrEnum):
    GPIO = "gpio"
    LCUS = "lcus"


class PinFactory(StrEnum):
    LGPIO = "lgpio"
    MOCK = "mock"


class ClockSource(StrEnum):
    NONE = "none"
    RTC = "rtc"
    SYSTEM = "system"


# --- gate.toml: bench facts ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    state: Path = key(Path("/var/lib/qrgate"), about="folder that survives power cuts: the event store, pseudonym keys, bundles")
    runtime: Path = key(Path("/run/qrgate"), about="folder that need not survive: sockets, and for failsafe the copy `driven.toml` of what is driven")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    source: SourceKind = key(about="where frames come from; scanner: a scan module on a serial port, see [scanner]")
    path: str = key("", about="webcam device, video file, folder or recording; unused for picamera2 and scanner")
    width: int = key(1280, about="pixels", low=160, high=4096)
    height: int = key(720, about="pixels", low=120, high=3072)
    frames_per_s: float = key(30.0, about="pace asked of the source", low=1, high=240)
    exposure: Exposing = key(
        Exposing.HAND, about="hand: a short shutter, for codes in moving hands, where the source can be told; camera: left to the camera"
    )
    decoders: tuple[DecoderName, ...] = key(tuple(DecoderName), about="zxing, zbar or both, in the order they are tried", low=1)
    second_chance_ms: float = key(
        4.0,
        about="processor time for a frame with a code that could not be read, and a quarter of it where nothing but movement was seen; 0: none",
        low=0,
        high=50,
    )
    left_after_s: float = key(0.6, about="a code not read for this long has left the view", low=0.2, high=10)
    started_ns: int = key(0, about="recording: monotonic moment of its first frame; 0 means when it is opened", low=0)
    loop: bool = key(False, about="recording, video and folder: start again at the end")  # noqa: FBT003


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanner:
    model: ScannerModel | None = key(
        None, about="gm65: Grow GM65, GM805, GM812, GM861S, Waveshare; honeywell; terminated: any that only sends texts with a terminator"
    )
    port: str = key("", about="the serial port, best its name under /dev/serial/by-id")
    baud_rate: int = key(9600, about="bits/s, 8N1", low=1200, high=921_600)
    trigger: ScannerTrigger = key(ScannerTrigger.CONTINUOUS, about="continuous: the module reads by itself; host: the gate tells it when")
    left_after_s: float = key(
        2.0, about="a text that the module did not send again for this long has left; longer than the module's own pause", low=0.5, high=10
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Pins:
    factory: PinFactory = key(about="gpiozero pin factory; named here, never guessed")
    chip: int = key(0, about="number of the gpiochip", low=0, high=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay:
    kind: RelayKind = key(RelayKind.GPIO, about="gpio: a pin; lcus: an LC-Tech LCUS-1 board on a serial port")
    pin: int | None = key(None, about="BCM number; 9 to 27, whose pull is down while nobody drives them", low=9, high=27)
    active_high: bool = key(True, about="true where a high level closes the relay")  # noqa: FBT003
    port: str = key("", about="lcus: the serial port, best its name under /dev/serial/by-id")
    channel: int = key(1, about="lcus: the relay's number on the board", low=1, high=8)
    pulse_s: float = key(0.5, about="how long the turnstile's open contact is held", low=0.1, high=10)
    max_on_s: float = key(
        3.0,
        about="hard maximum: the gate never holds the relay for longer; one that hangs, the watchdog's time longer "
        "(2 s under `qrgate run`, 5 s under systemd)",
        low=0.2,
        high=10,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Lamps:
    green_pin: int | None = key(None, about="BCM number of the green lamp", low=0, high=27)
    red_pin: int | None = key(None, about="BCM number of the red lamp", low=0, high=27)


@dataclass(frozen=True, slots=True, kw_only=True)
class Buzzer:
    pin: int | None = key(None, about="BCM number of an active buzzer", low=0, high=27)


@dataclass(frozen=True, slots=True, kw_only=True)
class PassageSensor:
    pin: int | None = key(None, about="BCM number of the turnstile's passage contact, closed to ground while a person passes", low=0, high=27)
    wait_s: float = key(5.0, about="how long a turnstile that was released waits for the person", low=0.5, high=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    source: ClockSource = key(
        ClockSource.NONE,
        about="what vouches for the date. none: nothing, so passes with dates are refused, and pseudonyms do not turn at midnight; "
        "rtc: a battery clock, with which this machine's must agree; system: this machine's clock is kept by other means",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    reader_user: str = key("", about="user that runs the reader; empty: the same as the gate's", pattern=r"[a-z_][a-z0-9_-]{0,31}|")
    uplink_user: str = key("", about="user that runs the uplink; empty: the same as the gate's", pattern=r"[a-z_][a-z0-9_-]{0,31}|")


# --- site.toml: what the province decides ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    province: str = key(about="opaque id", pattern=ID_PATTERN)
    site: str = key(about="opaque id of the registered check-point (điểm kiểm dịch)", pattern=ID_PATTERN)
    gate: str = key(about="device id, also the common name of its certificate", pattern=ID_PATTERN)
    zone: str = key("main", about="the zone this gate leads into", pattern=ID_PATTERN)
    direction: Direction = key(Direction.ENTRY, about="which way people pass this gate")


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    host: str = key(about="host name or address, as in the broker's certificate", pattern=r"[A-Za-z0-9.:-]{1,253}")
    port: int = key(8883, about="TLS port", low=1, high=65535)
    ca_file: Path = key(about="certificate authority of the broker")
    certificate_file: Path = key(about="this gate's certificate")
    key_file: Path = key(about="this gate's TLS key; only the uplink reads it")
    confirm_within_s: float = key(30.0, about="events that the recorder has not confirmed by then are sent again", low=0.5, high=3600)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorder:
    public_key: str = key(about="Ed25519 key that signs confirmations, hex", pattern=r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    mode: Mode | None = key(
        None,
        about="verify: only a proven credential passes, also where nothing is said; record: any recognised claim passes and is recorded. "
        "Until a signed policy comes: that says it then, and one that comes while this line stands is refused",
    )
    grant_within_s: float = key(1.5, about="a grant older than this, counted from the read, opens nothing", low=0.1, high=5)
    settle_s: float = key(0.5, about="how long a code that is no credential waits for one beside it before it is refused", low=0, high=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pseudonyms:
    key_file: Path = key(
        about="pseudonym keys of this site for today and the days ahead (JSON from `qrgate-provision init` or `keys`); taken into the state "
        "folder and erased here at the next start"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundles:
    public_key: str = key("", about="Ed25519 key that signs bundles, hex; empty: this gate takes none", pattern=r"(?:[0-9a-f]{64})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything one gate needs to know, checked. ``folder`` is where the two files were read from."""

    folder: Path
    paths: Paths
    reader: Reader
    scanner: Scanner
    pins: Pins
    relay: Relay
    lamps: Lamps
    buzzer: Buzzer
    passage: PassageSensor
    clock: Clock
    links: Links
    site: Site
    broker: Broker
    recorder: Recorder
    policy: Policy
    pseudonyms: Pseudonyms
    bundles: Bundles
    issuers: dict[str, str]


GATE_TABLES: dict[str, type] = {
    "paths": Paths,
    "reader": Reader,
    "scanner": Scanner,
    "pins": Pins,
    "relay": Relay,
    "lamps": Lamps,
    "buzzer": Buzzer,
    "passage": PassageSensor,
    "clock": Clock,
    "links": Links,
}
SITE_TABLES: dict[str, type] = {
    "site": Site,
    "broker": Broker,
    "recorder": Recorder,
    "policy": Policy,
    "pseudonyms": Pseudonyms,
    "bundles": Bundles,
}
ISSUERS_TABLE = "issuers"
"""``[issuers]`` in site.toml: key id (16 hex digits) = Ed25519 public key (64 hex digits) of who may sign passes."""
