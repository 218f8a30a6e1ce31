from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.config import load, load_bench, load_tables, pins
from device.domain import Direction
from device.errors import SettingsError
from device.reader.decoders import DECODERS as DECODERS_OF_THE_READER
from device.reader.scanners import SCANNERS
from device.settings import (
    GATE_TABLES,
    SITE_TABLES,
    Board,
    BoardModel,
    Broker,
    Bundles,
    Buzzer,
    Clock,
    ClockSource,
    DecoderName,
    Display,
    FurtherRelay,
    Inputs,
    Lamps,
    Lane,
    Links,
    PassageSensor,
    Paths,
    PinFactory,
    Pins,
    Policy,
    Pseudonyms,
    Reader,
    Recorder,
    Relay,
    RelayKind,
    Scanner,
    ScannerModel,
    ScannerTrigger,
    Settings,
    Site,
    SourceKind,
    Store,
    Voice,
)
from device.turnstile.lane import LaneKind

ISSUER, ISSUER_KEY = "01" * 8, "ab" * 32
GATE = """\
[reader]
source = "picamera2"

[pins]
factory = "mock"

[relay]
pin = 17
"""
SITE = f"""\
[site]
province = "p1"
site = "s1"
gate = "g1"

[broker]
host = "broker.example"
ca_file = "ca.crt"
certificate_file = "/etc/ssl/gate.crt"
key_file = "gate.key"

[recorder]
public_key = "{"cd" * 32}"

[pseudonyms]
key_file = "pseudonym.json"

[issuers]
{ISSUER} = "{ISSUER_KEY}"
"""


def write(folder: Path, *, gate: str = GATE, site: str = SITE) -> Path:
    (folder / "gate.toml").write_text(gate, encoding="utf-8")
    (folder / "site.toml").write_text(site, encoding="utf-8")
    return folder


def complaints(folder: Path) -> list[str]:
    """Every mistake that ``load`` finds, with file names without their folder."""
    with pytest.raises(SettingsError) as caught:
        load(folder)
    return [line.strip().replace(f"{folder}/", "") for line in caught.value.what.splitlines()[1:]]


def edited(text: str, old: str, new: str) -> str:
    assert text.count(old) == 1
    return text.replace(old, new)


# --- what is right ---------------------------------------------------------------------------------------------


def test_settings_have_defaults_and_paths_from_their_folder(tmp_path: Path) -> None:
    assert load(write(tmp_path)) == Settings(
        folder=tmp_path,
        paths=Paths(state=Path("/var/lib/qrgate"), runtime=Path("/run/qrgate")),
        reader=Reader(
            source=SourceKind.PICAMERA2,
            path="",
            width=1280,
            height=720,
            frames_per_s=30.0,
            decoders=(DecoderName.ZXING, DecoderName.ZBAR),
            left_after_s=0.6,
            started_ns=0,
            loop=False,
        ),
        scanner=Scanner(),
        board=Board(model=BoardModel.OTHER),
        lane=Lane(profile=LaneKind.TRIPOD, power_loss=None, held_s=15.0),
        pins=Pins(factory=PinFactory.MOCK, chip=None),
        relay=Relay(kind=RelayKind.GPIO, pin=17, active_high=True, port="", channel=1, pulse_s=0.5, max_on_s=3.0),
        exit_relay=FurtherRelay(pin=None, active_high=True, channel=None),
        lower_relay=FurtherRelay(pin=None, active_high=True, channel=None),
        free_relay=FurtherRelay(pin=None, active_high=True, channel=None),
        lamps=Lamps(green_pin=None, red_pin=None, amber_pin=None),
        buzzer=Buzzer(pin=None, tone_hz=0),
        passage=PassageSensor(pin=None, exit_pin=None, wait_s=5.0),
        inputs=Inputs(),
        display=Display(),
        voice=Voice(),
        clock=Clock(source=ClockSource.NONE),
        store=Store(size_max_mib=1024, events_max=1_000_000, retention_days=30),
        links=Links(reader_user="", uplink_user=""),
        site=Site(province="p1", site="s1", gate="g1", zone="main", direction=Direction.ENTRY),
        broker=Broker(
            host="broker.example",
            port=8883,
            ca_file=tmp_path / "ca.crt",
            certificate_file=Path("/etc/ssl/gate.crt"),
            key_file=tmp_path / "gate.key",
            confirm_within_s=30.0,
        ),
        recorder=Recorder(public_key="cd" * 32),
        policy=Policy(mode=None, grant_within_s=1.5, settle_s=0.5),
        pseudonyms=Pseudonyms(key_file=tmp_path / "pseudonym.json"),
        bundles=Bundles(),
        issuers={ISSUER: ISSUER_KEY},
    )


def test_a_whole_number_will_do_where_a_number_is_asked(tmp_path: Path) -> None:
    pulse_s = load(write(tmp_path, gate=edited(GATE, "pin = 17", "pin = 17\npulse_s = 2"))).relay.pulse_s
    assert (pulse_s, type(pulse_s)) == (2.0, float)


def test_a_scan_module_instead_of_a_camera_has_a_table_of_its_own(tmp_path: Path) -> None:
    scanner = '"scanner"\n[scanner]\nmodel = "gm65"\nport = "/dev/ttyUSB0"\ntrigger = "host"\nbaud_rate = 115200\nleft_after_s = 1.5'
    settings = load(write(tmp_path, gate=edited(GATE, '"picamera2"', scanner)))
    assert (settings.reader.source, settings.scanner) == (
        SourceKind.SCANNER,
        Scanner(model=ScannerModel.GM65, port="/dev/ttyUSB0", baud_rate=115_200, trigger=ScannerTrigger.HOST, left_after_s=1.5),
    )


def test_the_scan_modules_of_the_settings_are_those_that_the_reader_knows() -> None:
    assert set(ScannerModel) == set(SCANNERS)


def test_a_gate_without_issuers_is_possible(tmp_path: Path) -> None:
    assert load(write(tmp_path, site=SITE[: SITE.index("[issuers]")])).issuers == {}


def test_every_pin_in_use_is_told_once(tmp_path: Path) -> None:
    more = "[lamps]\ngreen_pin = 23\nred_pin = 24\n[buzzer]\npin = 25\n[passage]\npin = 5\n"
    assert pins(load(write(tmp_path, gate=GATE + more))) == [
        ("relay", "pin", 17),
        ("lamps", "green_pin", 23),
        ("lamps", "red_pin", 24),
        ("buzzer", "pin", 25),
        ("passage", "pin", 5),
    ]


def test_the_decoders_of_the_settings_are_those_that_the_reader_knows() -> None:
    assert [each.value for each in DecoderName] == list(DECODERS_OF_THE_READER)


def test_the_pin_of_a_relay_on_a_serial_board_is_not_in_use(tmp_path: Path) -> None:
    gate = edited(GATE, "pin = 17", 'kind = "lcus"\nport = "/dev/ttyUSB0"\npin = 17\n[buzzer]\npin = 17')
    assert pins(load(write(tmp_path, gate=gate))) == [("buzzer", "pin", 17)]


# --- one mistake -----------------------------------------------------------------------------------------------

NEEDS_PIN = "gate.toml:7: relay.kind gpio needs relay.pin (the BCM number of the relay's pin)"
NO_PATH = "does not have the form [^\\x00-\\x1f\\x7f]+ (folder that survives power cuts: the event store, pseudonym keys, bundles)"
NO_USER = "does not have the form [a-z_][a-z0-9_-]{0,31}| (user that runs the reader; empty: the same as the gate's)"
ID = "expected lower-case letters, digits and hyphens, at most 32"
DECODERS = "(zxing, zbar or both, in the order they are tried)"
RELAY_PIN = "gpio: BCM number of the relay that lets people through"
PULSE_S = "how long the contact is held; a drive of type hold: at most so long, less where the person passes sooner"
TABLE_NAMES = ", ".join(GATE_TABLES)
PULLED_UP = "is pulled up while nobody drives it, and so it would be on (active-high outputs: 9 to 27, which are pulled down)"
FAMILIES = "(gm65: Grow GM65, GM805, GM812, GM861S, Waveshare; honeywell; terminated: any that only sends texts with a terminator)"
GATE_MISTAKES = {
    "a typo in a key": ("pin = 17", "pim = 17", ["gate.toml:8: unknown key 'pim' in [relay] (did you mean 'pin'?)"]),
    "a key nobody knows": (
        "pin = 17",
        "pin = 17\nzz = 1",
        ["gate.toml:9: unknown key 'zz' in [relay] (known: kind, pin, active_high, port, baud_rate, address, channel, drive, pulse_s, max_on_s)"],
    ),
    "a typo in a table": (
        "[relay]",
        "[rellay]",
        ["gate.toml:7: unknown 'rellay' (did you mean 'relay'?)", "gate.toml:1: relay.kind gpio needs relay.pin (the BCM number of the relay's pin)"],
    ),
    "a table nobody knows": (
        "pin = 17",
        "pin = 17\n[zz]",
        [f"gate.toml:9: unknown 'zz' (known: {TABLE_NAMES})"],
    ),
    "a key outside of all tables": ("[reader]", "pin = 17\n[reader]", ["gate.toml:1: unknown 'pin' (did you mean 'pins'?)"]),
    "a table of the other file": ("pin = 17", "pin = 17\n[broker]", ["gate.toml:9: [broker] belongs in site.toml (a table stands in one file only)"]),
    "a value for a table": ("[pins]\nfactory =", "[[pins]]\nfactory =", ["gate.toml:4: 'pins' is a table (write [pins] on a line of its own)"]),
    "a pin that is high at rest": ("17", "2", [f"gate.toml:8: relay.pin 2 {PULLED_UP}"]),
    "a pin beyond the header": ("17", "28", [f"gate.toml:8: relay.pin: expected 0 to 27, found 28 ({RELAY_PIN})"]),
    "a text for a number": ("17", '"17"', [f"gate.toml:8: relay.pin: expected a whole number, found '17' ({RELAY_PIN})"]),
    "a truth value for a number": ("17", "true", [f"gate.toml:8: relay.pin: expected a whole number, found True ({RELAY_PIN})"]),
    "a fraction for a whole number": ("17", "17.0", [f"gate.toml:8: relay.pin: expected a whole number, found 17.0 ({RELAY_PIN})"]),
    "a number for a truth value": (
        "17",
        "17\nactive_high = 1",
        ["gate.toml:9: relay.active_high: expected true or false, found 1 (gpio: true where a high level closes the relay)"],
    ),
    "a truth value for a duration": (
        "17",
        "17\npulse_s = true",
        [f"gate.toml:9: relay.pulse_s: expected a number, found True ({PULSE_S})"],
    ),
    "no number": (
        "17",
        "17\npulse_s = nan",
        [f"gate.toml:9: relay.pulse_s: expected 0.1 to 10, found nan ({PULSE_S})"],
    ),
    "for ever": (
        "17",
        "17\npulse_s = inf",
        [f"gate.toml:9: relay.pulse_s: expected 0.1 to 10, found inf ({PULSE_S})"],
    ),
    "a number no float can hold": (
        "17",
        f"17\npulse_s = {10**400}",
        [f"gate.toml:9: relay.pulse_s: expected 0.1 to 10, found {10**400} ({PULSE_S})"],
    ),
    "below a limit without an upper end": (
        'picamera2"',
        'picamera2"\nstarted_ns = -1',
        ["gate.toml:3: reader.started_ns: expected at least 0, found -1 (recording: monotonic moment of its first frame; 0 means when it is opened)"],
    ),
    "a word that is no choice": (
        '"mock"',
        '"rpigpio"',
        ["gate.toml:5: pins.factory: expected one of lgpio, mock, found 'rpigpio' (gpiozero pin factory; named here, never guessed)"],
    ),
    "a list for a choice": (
        '"mock"',
        '["mock"]',
        ["gate.toml:5: pins.factory: expected one of lgpio, mock, found ['mock'] (gpiozero pin factory; named here, never guessed)"],
    ),
    "a text for a list": (
        'picamera2"',
        'picamera2"\ndecoders = "zxing"',
        [f"gate.toml:3: reader.decoders: expected a list, found 'zxing' {DECODERS}"],
    ),
    "a number in a list": (
        'picamera2"',
        'picamera2"\ndecoders = ["zxing", 1]',
        [f"gate.toml:3: reader.decoders: expected one of zxing, zbar, found 1 {DECODERS}"],
    ),
    "a decoder nobody knows": (
        'picamera2"',
        'picamera2"\ndecoders = ["zxing", "owl"]',
        [f"gate.toml:3: reader.decoders: expected one of zxing, zbar, found 'owl' {DECODERS}"],
    ),
    "no decoder": (
        'picamera2"',
        'picamera2"\ndecoders = []',
        [f"gate.toml:3: reader.decoders: expected a list of at least 1, found [] {DECODERS}"],
    ),
    "a key that has no default": (
        'factory = "mock"',
        "",
        ["gate.toml:4: [pins] lacks 'factory' (gpiozero pin factory; named here, never guessed)"],
    ),
    "an empty path": (
        "[relay]",
        '[paths]\nstate = ""\n[relay]',
        [f"gate.toml:8: paths.state: '' {NO_PATH}"],
    ),
    "a path with a zero byte": (
        "[relay]",
        '[paths]\nstate = "a\\u0000"\n[relay]',
        [f"gate.toml:8: paths.state: 'a\\x00' {NO_PATH}"],
    ),
    "a user that could not exist": (
        "[relay]",
        '[links]\nreader_user = "Root!"\n[relay]',
        [f"gate.toml:8: links.reader_user: 'Root!' {NO_USER}"],
    ),
    "a pin used twice": ("17", "17\n[buzzer]\npin = 17", ["gate.toml:10: buzzer.pin 17 is also relay.pin (one pin, one use)"]),
    "a relay without a pin": ("pin = 17", "", [NEEDS_PIN]),
    "a serial relay without a port": (
        "pin = 17",
        'kind = "lcus"',
        ["gate.toml:8: relay.kind lcus needs relay.port (the serial port's name, best under /dev/serial/by-id)"],
    ),
    "a pulse beyond the maximum": (
        "17",
        "17\npulse_s = 4",
        ["gate.toml:9: relay.pulse_s 4.0 is longer than relay.max_on_s 3.0 (the maximum is a limit, not the pulse)"],
    ),
    "a scan module without a port and a model": (
        "picamera2",
        "scanner",
        [
            "gate.toml:2: reader.source scanner needs scanner.port (the serial port's name, best under /dev/serial/by-id)",
            "gate.toml:2: reader.source scanner needs scanner.model (one of gm65, honeywell, terminated)",
        ],
    ),
    "a scan module of a family that nobody knows": (
        '"picamera2"',
        '"scanner"\n[scanner]\nmodel = "gm67"\nport = "/dev/ttyUSB0"',
        [
            f"gate.toml:4: scanner.model: expected one of gm65, honeywell, terminated, found 'gm67' {FAMILIES}",
        ],
    ),
    "a trigger for a scan module that takes no commands": (
        '"picamera2"',
        '"scanner"\n[scanner]\nmodel = "terminated"\nport = "/dev/ttyUSB0"\ntrigger = "host"',
        ['gate.toml:6: scanner.model terminated takes no commands, so the gate cannot trigger it (trigger = "continuous")'],
    ),
    "a webcam without a device": ("picamera2", "webcam", ["gate.toml:2: reader.source webcam needs reader.path (the device, file or folder)"]),
}


@pytest.mark.parametrize(("old", "new", "expected"), GATE_MISTAKES.values(), ids=GATE_MISTAKES.keys())
def test_a_mistake_of_the_bench_is_told_with_line_and_hint(tmp_path: Path, old: str, new: str, expected: list[str]) -> None:
    assert complaints(write(tmp_path, gate=edited(GATE, old, new))) == expected


SITE_MISTAKES = {
    "an id that would be a wildcard": (
        '"g1"',
        '"g+"',
        [f"site.toml:4: site.gate: {ID}, found 'g+' (device id, also the common name of its certificate)"],
    ),
    "a port beyond all": (
        '"broker.example"',
        '"broker.example"\nport = 70000',
        ["site.toml:8: broker.port: expected 1 to 65535, found 70000 (TLS port)"],
    ),
    "a path that is a number": (
        '"gate.key"',
        "5",
        ["site.toml:10: broker.key_file: expected a path in quotes, found 5 (this gate's TLS key; only the uplink reads it)"],
    ),
    "an issuer whose id is no id": (f"{ISSUER} =", "office =", ["site.toml:19: issuers.office is no key (16 hex digits = 64 hex digits in quotes)"]),
    "an issuer whose key is a number": (
        f'"{ISSUER_KEY}"',
        "7",
        [f"site.toml:19: issuers.{ISSUER} is no key (16 hex digits = 64 hex digits in quotes)"],
    ),
    "an issuer whose key is too short": (
        f'"{ISSUER_KEY}"',
        '"abcd"',
        [f"site.toml:19: issuers.{ISSUER} is no key (16 hex digits = 64 hex digits in quotes)"],
    ),
    "issuers that are no table": (
        f'[issuers]\n{ISSUER} = "{ISSUER_KEY}"',
        "[[issuers]]",
        ["site.toml:18: 'issuers' is a table (write [issuers] on a line of its own)"],
    ),
    "a table of the bench": (
        "[recorder]",
        "[relay]\npin = 17\n[recorder]",
        ["site.toml:12: [relay] belongs in gate.toml (a table stands in one file only)"],
    ),
}


@pytest.mark.parametrize(("old", "new", "expected"), SITE_MISTAKES.values(), ids=SITE_MISTAKES.keys())
def test_a_mistake_of_the_site_is_told_with_line_and_hint(tmp_path: Path, old: str, new: str, expected: list[str]) -> None:
    assert complaints(write(tmp_path, site=edited(SITE, old, new))) == expected


def test_a_table_that_is_a_number_is_told_with_its_line(tmp_path: Path) -> None:
    gate = 'relay = 3\n[reader]\nsource = "picamera2"\n[pins]\nfactory = "mock"\n'
    assert complaints(write(tmp_path, gate=gate)) == ["gate.toml:1: 'relay' is a table (write [relay] on a line of its own)"]


def test_a_table_in_one_line_is_told_with_that_line(tmp_path: Path) -> None:
    gate = 'reader = { source = "picamera2" }\npins = { factory = "mock" }\nrelay = { pin = 3 }\n'
    assert complaints(write(tmp_path, gate=gate)) == [f"gate.toml:3: relay.pin 3 {PULLED_UP}"]


# --- all at once -----------------------------------------------------------------------------------------------


def test_all_mistakes_of_both_files_are_told_at_once(tmp_path: Path) -> None:
    gate = edited(GATE, "pin = 17", "pin = 17\nchanel = 1\npulse_s = 5\n[lamps]\nred_pin = 17")
    site = edited(SITE, '"p1"', '"P 1"')
    assert complaints(write(tmp_path, gate=gate, site=site)) == [
        "gate.toml:9: unknown key 'chanel' in [relay] (did you mean 'channel'?)",
        f"site.toml:2: site.province: {ID}, found 'P 1' (opaque id)",
        "gate.toml:10: relay.pulse_s 5.0 is longer than relay.max_on_s 3.0 (the maximum is a limit, not the pulse)",
        "gate.toml:12: lamps.red_pin 17 is also relay.pin (one pin, one use)",
    ]


def test_a_key_that_is_wrong_hides_no_others_that_do_not_agree_and_contradicts_none(tmp_path: Path) -> None:
    gate = edited(GATE, "pin = 17", 'kind = "lcus"\npin = 28\nprot = "/dev/ttyUSB0"\npulse_s = 5\n[lamps]\nred_pin = 9\ngreen_pin = 9\n[zz]')
    assert complaints(write(tmp_path, gate=gate)) == [
        f"gate.toml:15: unknown 'zz' (known: {TABLE_NAMES})",
        "gate.toml:10: unknown key 'prot' in [relay] (did you mean 'port'?)",
        f"gate.toml:9: relay.pin: expected 0 to 27, found 28 ({RELAY_PIN})",
        "gate.toml:11: relay.pulse_s 5.0 is longer than relay.max_on_s 3.0 (the maximum is a limit, not the pulse)",
        "gate.toml:13: lamps.red_pin 9 is also lamps.green_pin (one pin, one use)",
    ]


def test_keys_that_do_not_agree_are_told_together_with_the_mistakes_of_the_other_file(tmp_path: Path) -> None:
    gate = edited(GATE, "pin = 17", "pin = 17\npulse_s = 5\n[lamps]\nred_pin = 17")
    site = edited(SITE, '"p1"', '"P 1"')
    assert complaints(write(tmp_path, gate=gate, site=site)) == [
        f"site.toml:2: site.province: {ID}, found 'P 1' (opaque id)",
        "gate.toml:9: relay.pulse_s 5.0 is longer than relay.max_on_s 3.0 (the maximum is a limit, not the pulse)",
        "gate.toml:11: lamps.red_pin 17 is also relay.pin (one pin, one use)",
    ]


def test_the_count_and_what_to_do_stand_around_the_mistakes(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load(write(tmp_path, gate=edited(GATE, "17", "2")))
    assert str(caught.value).startswith("1 mistake in the settings:\n  ")
    assert caught.value.hint == "mend them; `qrgate doctor` checks again"
    assert caught.value.exit_code == 3


# --- files that are none ---------------------------------------------------------------------------------------


def test_a_missing_file_is_told_and_the_other_is_still_judged(tmp_path: Path) -> None:
    (tmp_path / "gate.toml").write_text(edited(GATE, "17", "2"), encoding="utf-8")
    assert complaints(tmp_path) == [
        "site.toml:1: no such file (`qrgate-provision init` makes one)",
        f"gate.toml:8: relay.pin 2 {PULLED_UP}",
    ]


def test_a_folder_that_is_not_there_is_two_missing_files(tmp_path: Path) -> None:
    assert complaints(tmp_path / "nowhere") == [f"{name}:1: no such file (`qrgate-provision init` makes one)" for name in ("gate.toml", "site.toml")]


@pytest.mark.parametrize("content", [b"[relay]\npin = \xff", "[relay]".encode("utf-16")], ids=["bytes", "utf-16"])
def test_a_file_that_is_not_utf_8_is_told(tmp_path: Path, content: bytes) -> None:
    (write(tmp_path) / "gate.toml").write_bytes(content)
    (told,) = complaints(tmp_path)
    assert told.startswith("gate.toml:1: cannot be read: 'utf-8' codec can't decode byte ")
    assert told.endswith(" (it must be a text file in UTF-8)")


def test_a_folder_in_a_file_s_place_is_told(tmp_path: Path) -> None:
    (write(tmp_path) / "gate.toml").unlink()
    (tmp_path / "gate.toml").mkdir()
    (told,) = complaints(tmp_path)
    assert told.startswith("gate.toml:1: cannot be read: [Errno 21] Is a directory")


@pytest.mark.parametrize(
    ("gate", "line", "what"),
    [
        ("[reader]\nsource = picamera2\n", 2, "Invalid value (at line 2, column 10)"),
        ("[relay]\npin = 17\npin = 18\n", 3, "Cannot overwrite a value (at line 3, column 9)"),
        (f"a = {'[' * 5000}", 1, "maximum recursion depth exceeded"),
        (f"a = {'9' * 5000}", 1, "Exceeds the limit (4300 digits) for integer string conversion"),
    ],
    ids=["no quotes", "a key twice", "brackets without end", "digits without end"],
)
def test_a_file_that_is_not_toml_is_told_with_its_line(tmp_path: Path, gate: str, line: int, what: str) -> None:
    (told,) = complaints(write(tmp_path, gate=gate))
    assert told.startswith(f"gate.toml:{line}: not TOML: {what}")
    assert told.endswith(" (texts need quotes, tables are [in brackets])")


def test_another_settings_file_is_read_as_strictly(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text("[buzzer]\npin = 99\nvolume = 1\n[zz]\n", encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load_tables(path, {"buzzer": Buzzer})
    assert str(caught.value).replace(f"{tmp_path}/", "") == (
        "3 mistakes in the settings:\n"
        "  own.toml:4: unknown 'zz' (known: buzzer)\n"
        "  own.toml:3: unknown key 'volume' in [buzzer] (known: pin, tone_hz)\n"
        "  own.toml:2: buzzer.pin: expected 0 to 27, found 99 (BCM number of the buzzer)\n"
        "  → mend them and start again"
    )


def test_a_bench_file_that_is_not_whole_takes_the_tables_it_lacks_from_what_is_usual(tmp_path: Path) -> None:
    path = tmp_path / "board.toml"
    path.write_text('[pins]\nfactory = "mock"\n[relay]\npin = 17\n', encoding="utf-8")
    tables = load_bench(path, {"reader": {"source": "picamera2"}, "pins": {"factory": "lgpio", "chip": 4}})
    assert (tables["reader"].source, tables["pins"], tables["relay"]) == (SourceKind.PICAMERA2, Pins(factory=PinFactory.MOCK), Relay(pin=17))


def test_a_bench_file_is_judged_as_a_whole_one_is(tmp_path: Path) -> None:
    path = tmp_path / "board.toml"
    path.write_text('[pins]\nfactory = "mock"\n[site]\n[buzzer]\npin = 7\n', encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load_bench(path, {"reader": {"source": "picamera2"}})
    assert str(caught.value).replace(f"{tmp_path}/", "") == (
        "3 mistakes in the settings:\n"
        "  board.toml:3: [site] belongs in site.toml (a table stands in one file only)\n"
        "  board.toml:1: relay.kind gpio needs relay.pin (the BCM number of the relay's pin)\n"
        f"  board.toml:5: buzzer.pin 7 {PULLED_UP}\n"
        "  → mend them and start again"
    )


# --- any text --------------------------------------------------------------------------------------------------

TABLES = {**GATE_TABLES, **SITE_TABLES}
words = st.sampled_from(["mock", "picamera2", "gpio", "lcus", "p1", "", "\0", "ab" * 32, "ca.crt"]) | st.text(max_size=8)
scalars = st.one_of(
    st.integers().map(str),
    st.floats().map(repr),
    st.booleans().map(lambda each: str(each).lower()),
    words.map(json.dumps),
    st.sampled_from(["0xffffffffffffffffffff", "2026-01-01", "07:00:00", "1e400", "-0"]),
)
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3).map(lambda each: f"[{', '.join(each)}]"), max_leaves=5)
keys = st.sampled_from(sorted({key.name for table in TABLES.values() for key in fields(table)} | {"zz", ISSUER}))
lines = st.one_of(
    st.sampled_from([*(f"[{table}]" for table in (*TABLES, "issuers", "zz")), "[[relay]]", "[a.b]", "relay = 1"]),
    st.builds("{} = {}".format, keys, values),
    st.text(max_size=10),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("any")


@settings(max_examples=100, derandomize=True, deadline=None)
@given(gate=st.lists(lines, max_size=12).map("\n".join), site=st.lists(lines, max_size=12).map("\n".join))
def test_any_text_gives_settings_or_a_settings_error(folder: Path, gate: str, site: str) -> None:
    for each in ((GATE + gate, SITE), (GATE, SITE + site), (gate, site)):
        (folder / "gate.toml").write_text(each[0], encoding="utf-8", errors="surrogatepass")
        (folder / "site.toml").write_text(each[1], encoding="utf-8", errors="surrogatepass")
        with suppress(SettingsError):
            assert type(load(folder)) is Settings
