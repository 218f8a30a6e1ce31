"""Keys of ``gate.toml`` that must agree: what each allows by itself and all of them together do not."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from device import board
from device.settings import DisplayBus, DisplayKind, RelayKind, ScannerModel, ScannerTrigger, SourceKind
from device.turnstile.lane import PROFILES, LaneKind

Wrong = Callable[[str, str, str, str], None]
"""Told of each contradiction: table, key, what is wrong, hint."""

BOTH_WAYS = (LaneKind.TWO_WAY, LaneKind.FLAP, LaneKind.WIDE)
"""Lanes that can be released for people on their way out, by a relay of its own."""

LCUS_CHANNELS = 8
"""LC-Tech makes LCUS boards of 1, 2, 4 and 8 relays."""


@dataclass(frozen=True, slots=True)
class Keys:
    """What is sound so far, defaults included. A key that is wrong itself is not there, and so contradicts nothing."""

    values: Mapping[str, Mapping[str, Any]]

    def value(self, table: str, key: str) -> Any:
        """``None`` where it was left out, and where it is wrong."""
        return self.values.get(table, {}).get(key)

    def named(self, table: str, key: str) -> bool:
        return self.value(table, key) not in (None, "")

    def left_out(self, table: str, key: str) -> bool:
        """A key that is wrong was not left out."""
        return key in self.values.get(table, {}) and not self.named(table, key)

    def fitted(self, relay: str) -> bool:
        """Whether one of ``board.FURTHER_RELAYS`` is there. What names it in the wrong way is told elsewhere."""
        return self.named(relay, "pin") or self.named(relay, "channel")

    def unfitted(self, relay: str) -> bool:
        return self.left_out(relay, "pin") and self.left_out(relay, "channel")


def tell(values: Mapping[str, Mapping[str, Any]], wrong: Wrong) -> None:
    """Every contradiction within ``values`` (table -> key -> value) to ``wrong``."""
    keys = Keys(values)
    for rule in (_relays, _channels, _lane, _freeing, _sensors, _display, _pins, _reader):
        rule(keys, wrong)


# --- relays ----------------------------------------------------------------------------------------------------


def _relays(keys: Keys, wrong: Wrong) -> None:
    kind, profile = keys.value("relay", "kind"), PROFILES.get(keys.value("lane", "profile"))
    if kind is RelayKind.GPIO and profile and profile.moves and keys.left_out("relay", "pin"):
        wrong("relay", "kind", "relay.kind gpio needs relay.pin", "the BCM number of the relay's pin")
    if kind in (RelayKind.LCUS, RelayKind.MODBUS) and keys.left_out("relay", "port"):
        wrong("relay", "kind", f"relay.kind {kind} needs relay.port", "the serial port's name, best under /dev/serial/by-id")
    pulse_s, max_on_s = keys.value("relay", "pulse_s") or 0, keys.value("relay", "max_on_s") or math.inf
    if pulse_s > max_on_s:
        wrong("relay", "pulse_s", f"relay.pulse_s {pulse_s} is longer than relay.max_on_s {max_on_s}", "the maximum is a limit, not the pulse")
    if kind is None:
        return
    right, other = ("pin", "channel") if kind is RelayKind.GPIO else ("channel", "pin")
    for table in board.FURTHER_RELAYS:
        if keys.named(table, other):
            wrong(table, other, f"relay.kind is {kind}, whose relays have no {table}.{other}", f"name it by {table}.{right}")


def _channels(keys: Keys, wrong: Wrong) -> None:
    kind = keys.value("relay", "kind")
    if kind not in (RelayKind.LCUS, RelayKind.MODBUS):
        return
    users: dict[int, str] = {}
    for table in board.RELAYS:
        channel = keys.value(table, "channel")
        if channel is None:
            continue
        if kind is RelayKind.LCUS and channel > LCUS_CHANNELS:
            wrong(table, "channel", f"{table}.channel {channel} is on no LCUS board", f"1 to {LCUS_CHANNELS}")
        if channel in users:
            wrong(table, "channel", f"{table}.channel {channel} is also {users[channel]}.channel", "one channel, one relay")
        users.setdefault(channel, table)


# --- the lane --------------------------------------------------------------------------------------------------


def _lane(keys: Keys, wrong: Wrong) -> None:
    lane = keys.value("lane", "profile")
    if lane is None:
        return
    if lane is LaneKind.TWO_WAY and keys.unfitted("exit_relay"):
        wrong("lane", "profile", "lane.profile two_way needs exit_relay", "the relay that lets people out; with one relay it is a tripod or a flap")
    if lane not in BOTH_WAYS and keys.fitted("exit_relay"):
        key = _naming(keys, "exit_relay")
        wrong("exit_relay", key, f"lane.profile {lane} has no use for exit_relay", f"it is for {', '.join(BOTH_WAYS)}")
    if keys.fitted("lower_relay"):
        if lane is not LaneKind.BARRIER:
            wrong("lower_relay", _naming(keys, "lower_relay"), f"lane.profile {lane} has nothing to lower", "it is for barrier")
        elif keys.left_out("inputs", "loop_pin"):
            wrong("lower_relay", _naming(keys, "lower_relay"), "lower_relay needs inputs.loop_pin", "it must not come down on what stands below")
    if keys.named("inputs", "exit_button_pin") and (lane is LaneKind.TRIPOD or not PROFILES[lane].moves):
        what = "is free outward by its mechanics" if lane is LaneKind.TRIPOD else "has nothing to open"
        wrong("inputs", "exit_button_pin", f"lane.profile {lane} {what}: inputs.exit_button_pin does nothing", "leave it out")


def _naming(keys: Keys, relay: str) -> str:
    return "pin" if keys.named(relay, "pin") else "channel"


def _freeing(keys: Keys, wrong: Wrong) -> None:
    """What is read to free the lane must be able to free it, and what is latched must be able to end."""
    profile = PROFILES.get(keys.value("lane", "profile"))
    for key in ("fire_pin", "break_glass_pin", "key_free_pin"):
        if keys.named("inputs", key) and profile and profile.moves and keys.unfitted("free_relay"):
            what = f"inputs.{key} needs free_relay, or it would be read and free nobody"
            wrong("inputs", key, what, "a contact at the drive's emergency input, or beside the lock's own: hardware/wiring.md")
    for key in ("fire_pin", "break_glass_pin"):
        if keys.named("inputs", key) and keys.left_out("inputs", "key_reset_pin"):
            wrong("inputs", key, f"inputs.{key} needs inputs.key_reset_pin", "it stays until a person ends it at the key switch")


# --- sensors, display, pins ------------------------------------------------------------------------------------


def _sensors(keys: Keys, wrong: Wrong) -> None:
    if keys.named("inputs", "inner_beam_pin") and keys.left_out("inputs", "outer_beam_pin"):
        wrong("inputs", "inner_beam_pin", "inputs.inner_beam_pin needs inputs.outer_beam_pin", "a single beam is the outer one")
    if keys.named("passage", "exit_pin") and keys.left_out("passage", "pin"):
        wrong("passage", "exit_pin", "passage.exit_pin needs passage.pin", "a single contact is passage.pin")


def _display(keys: Keys, wrong: Wrong) -> None:
    there = keys.value("display", "kind") not in (None, DisplayKind.NONE)
    if there and keys.value("display", "bus") is DisplayBus.SPI and keys.left_out("display", "data_pin"):
        wrong("display", "bus", "display.bus spi needs display.data_pin", "the BCM number of its D/C line")


def _pins(keys: Keys, wrong: Wrong) -> None:
    for doubt in board.doubts(keys.value):
        wrong(doubt.use.table, doubt.use.key, doubt.what, doubt.hint)


# --- the reader ------------------------------------------------------------------------------------------------


def _reader(keys: Keys, wrong: Wrong) -> None:
    source = keys.value("reader", "source")
    if source not in (None, SourceKind.PICAMERA2, SourceKind.SCANNER) and keys.left_out("reader", "path"):
        wrong("reader", "source", f"reader.source {source} needs reader.path", "the device, file or folder")
    if source is not SourceKind.SCANNER:
        return
    if keys.left_out("scanner", "port"):
        wrong("reader", "source", "reader.source scanner needs scanner.port", "the serial port's name, best under /dev/serial/by-id")
    if keys.left_out("scanner", "model"):
        wrong("reader", "source", "reader.source scanner needs scanner.model", f"one of {', '.join(ScannerModel)}")
    if (keys.value("scanner", "model"), keys.value("scanner", "trigger")) == (ScannerModel.TERMINATED, ScannerTrigger.HOST):
        wrong("scanner", "trigger", "scanner.model terminated takes no commands, so the gate cannot trigger it", 'trigger = "continuous"')
