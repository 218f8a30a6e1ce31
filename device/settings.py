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
from device.turnstile.lane import Drive, LaneKind, PowerLoss

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
    """What the relays of this gate are switched by, one file each in ``device/gate/outputs``."""

    GPIO = "gpio"
    LCUS = "lcus"
    MODBUS = "modbus"


class BoardModel(StrEnum):
    PI4 = "pi4"
    PI5 = "pi5"
    ZERO2W = "zero2w"
    OTHER = "other"


class DisplayKind(StrEnum):
    """Controllers that luma.oled and luma.lcd drive."""

    NONE = "none"
    SSD1306 = "ssd1306"
    SH1106 = "sh1106"
    ST7735 = "st7735"
    ST7789 = "st7789"
    ILI9341 = "ili9341"


class DisplayBus(StrEnum):
    I2C = "i2c"
    SPI = "spi"


class PinFactory(StrEnum):
    LGPIO = "lgpio"
    MOCK = "mock"


class Protocol(StrEnum):
    """Versions of MQTT. The older one is for brokers that know no other: it tells no reasons, so the confirmation alone counts."""

    MQTT_5 = "5"
    MQTT_3_1_1 = "3.1.1"


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
        3.5,
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
class Board:
    model: BoardModel = key(
        BoardModel.OTHER,
        about="the computer: its pins are checked for other duties, and for pulls that would switch an output on at boot; other: for pulls alone",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    profile: LaneKind = key(LaneKind.TRIPOD, about="what stands in the way; none: nothing moves, it is only recorded")
    power_loss: PowerLoss | None = key(None, about="what a loss of power does to it; left out: what is usual for its profile")
    held_s: float = key(15.0, about="a lane that somebody or something stands in for longer is an alarm", low=2, high=300)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pins:
    factory: PinFactory = key(about="gpiozero pin factory; named here, never guessed")
    chip: int | None = key(None, about="number of the gpiochip; left out: the one whose label is that of the board's model", low=0, high=31)


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay:
    kind: RelayKind = key(
        RelayKind.GPIO,
        about="gpio: a pin; lcus: an LC-Tech LCUS board on a serial port; modbus: a Modbus RTU board; all relays of a gate are of one kind",
    )
    pin: int | None = key(None, about="gpio: BCM number of the relay that lets people through", low=0, high=27)
    active_high: bool = key(True, about="gpio: true where a high level closes the relay")  # noqa: FBT003
    port: str = key("", about="lcus, modbus: the serial port, best its name under /dev/serial/by-id")
    baud_rate: int = key(9600, about="modbus: bits/s, 8N1", low=1200, high=115_200)
    address: int = key(1, about="modbus: the board's address", low=1, high=247)
    channel: int = key(1, about="lcus, modbus: the relay's number on the board", low=1, high=32)
    drive: Drive = key(
        Drive.PULSE, about="pulse: the drive takes a closed contact for an order; hold: it is unlocked as long as the contact is closed"
    )
    pulse_s: float = key(
        0.5, about="how long the contact is held; a drive of type hold: at most so long, less where the person passes sooner", low=0.1, high=10
    )
    max_on_s: float = key(
        3.0,
        about="hard maximum: the relay is never on for longer; a gate that hangs is ended by its watchdog within 2 s, and let go then",
        low=0.2,
        high=10,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FurtherRelay:
    """One more relay of the same kind, on the same board. It is fitted where its pin (gpio) or its channel (lcus, modbus) is named."""

    pin: int | None = key(None, about="gpio: BCM number", low=0, high=27)
    active_high: bool = key(True, about="gpio: true where a high level closes the relay")  # noqa: FBT003
    channel: int | None = key(None, about="lcus, modbus: the relay's number on the board", low=1, high=32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lamps:
    green_pin: int | None = key(None, about="BCM number of the green lamp", low=0, high=27)
    red_pin: int | None = key(None, about="BCM number of the red lamp", low=0, high=27)
    amber_pin: int | None = key(None, about="BCM number of the amber lamp", low=0, high=27)


@dataclass(frozen=True, slots=True, kw_only=True)
class Buzzer:
    pin: int | None = key(None, about="BCM number of the buzzer", low=0, high=27)
    tone_hz: int = key(0, about="0: an active buzzer, which sounds by itself; else a passive one is driven at so many hertz", low=0, high=5000)


@dataclass(frozen=True, slots=True, kw_only=True)
class PassageSensor:
    pin: int | None = key(None, about="BCM number of the turnstile's passage contact, closed to ground while a person passes", low=0, high=27)
    exit_pin: int | None = key(None, about="the same for people on their way out, where the turnstile has a contact for each way", low=0, high=27)
    wait_s: float = key(5.0, about="how long a turnstile that was released waits for the person", low=0.5, high=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Contacts to ground; each pin is pulled up. NC: closed while all is well, so that a broken wire is taken for the worst."""

    outer_beam_pin: int | None = key(None, about="NC: light barrier on the outer side, closed while nobody stands in it", low=0, high=27)
    inner_beam_pin: int | None = key(None, about="NC: light barrier on the inner side; both tell which way somebody goes", low=0, high=27)
    loop_pin: int | None = key(None, about="NC: vehicle loop under a barrier, closed while it is free", low=0, high=27)
    fire_pin: int | None = key(None, about="NC: fire alarm; a broken wire is fire", low=0, high=27)
    break_glass_pin: int | None = key(None, about="NC: emergency button", low=0, high=27)
    tamper_pin: int | None = key(None, about="NC: closed while the housing is", low=0, high=27)
    mains_pin: int | None = key(None, about="NC: closed while there is mains power", low=0, high=27)
    ready_pin: int | None = key(None, about="NC: the turnstile's READY, closed while it is in order", low=0, high=27)
    exit_button_pin: int | None = key(None, about="NO: lets one person out, whatever else happens", low=0, high=27)
    assist_button_pin: int | None = key(None, about="NO: calls somebody to help", low=0, high=27)
    setup_button_pin: int | None = key(None, about="NO: held for 5 s, takes the gate out of service for a technician, and back", low=0, high=27)
    key_free_pin: int | None = key(None, about="NO: key switch in position `free`", low=0, high=27)
    key_reset_pin: int | None = key(None, about="NO: key switch in position `reset`, which ends a latched fire", low=0, high=27)


@dataclass(frozen=True, slots=True, kw_only=True)
class Display:
    kind: DisplayKind = key(DisplayKind.NONE, about="controller of a small display; none: there is none")
    bus: DisplayBus = key(DisplayBus.I2C, about="i2c: GPIO 2 and 3; spi: GPIO 7 to 11")
    port: int = key(1, about="number of the bus: /dev/i2c-1, /dev/spidev0.*: 0", low=0, high=9)
    address: int = key(0x3C, about="i2c: the display's address", low=0x03, high=0x77)
    data_pin: int | None = key(None, about="spi: BCM number of its D/C line", low=0, high=27)
    reset_pin: int | None = key(None, about="spi: BCM number of its reset line, where it has one", low=0, high=27)
    width: int = key(128, about="pixels", low=64, high=480)
    height: int = key(64, about="pixels", low=32, high=480)
    rotate: int = key(0, about="quarter turns clockwise", low=0, high=3)
    hotline: str = key("1022", about="whom people may call, shown with the gate's name and a short number of the event", pattern=r"[0-9+ ]{0,20}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    speaks: bool = key(False, about="say in Vietnamese what lamps and buzzer tell, through aplay")  # noqa: FBT003
    device: str = key("default", about="ALSA device; `aplay -L` lists them", pattern=r"[A-Za-z0-9_:,=.-]{1,100}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    source: ClockSource = key(
        ClockSource.NONE,
        about="what vouches for the date. none: nothing, so passes with dates are refused, and pseudonyms do not turn at midnight; "
        "rtc: a battery clock, with which this machine's must agree; system: this machine's clock is kept by other means",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    size_max_mib: int = key(
        1024,
        about="greatest size of the event store; alarms at 80 and 90 %; an event that nobody has confirmed is never dropped for room",
        low=64,
        high=65_536,
    )
    events_max: int = key(1_000_000, about="greatest number of events in it", low=10_000, high=10_000_000)
    retention_days: int = key(
        30, about="without a recorder events are erased after so many days, counted; with one they leave when it has them", low=1, high=400
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
    protocol: Protocol = key(Protocol.MQTT_5, about="3.1.1 for brokers that know no other, such as RabbitMQ before 3.13")
    home_assistant: bool = key(False, about="describe this gate to Home Assistant (retained, below broker.discovery_prefix)")  # noqa: FBT003
    discovery_prefix: str = key("homeassistant", about="where Home Assistant looks for descriptions", pattern=r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorder:
    public_key: str = key(
        about="Ed25519 key that signs confirmations, hex; empty: there is no recorder, see store.retention_days", pattern=r"[0-9a-f]{64}|"
    )


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
    board: Board
    lane: Lane
    pins: Pins
    relay: Relay
    exit_relay: FurtherRelay
    lower_relay: FurtherRelay
    free_relay: FurtherRelay
    lamps: Lamps
    buzzer: Buzzer
    passage: PassageSensor
    inputs: Inputs
    display: Display
    voice: Voice
    clock: Clock
    store: Store
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
    "board": Board,
    "lane": Lane,
    "pins": Pins,
    "relay": Relay,
    "exit_relay": FurtherRelay,
    "lower_relay": FurtherRelay,
    "free_relay": FurtherRelay,
    "lamps": Lamps,
    "buzzer": Buzzer,
    "passage": PassageSensor,
    "inputs": Inputs,
    "display": Display,
    "voice": Voice,
    "clock": Clock,
    "store": Store,
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
