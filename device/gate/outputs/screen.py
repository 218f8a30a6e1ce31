"""The display itself, through luma.oled or luma.lcd: shows one array of pixels.

Their drivers know no Raspberry Pi 5 (RPi.GPIO) and light a lamp on GPIO 18 unasked, so the lines beside the bus are
switched here, by the pins that the settings name. Their packages are imported only where a display is fitted.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, ClassVar, Protocol

import numpy as np

from device.errors import HardwareError
from device.gate import pins
from device.gate.outputs.pictures import Panel, Pixels
from device.settings import Display, DisplayBus, DisplayKind, Settings

MODULES = {
    DisplayKind.SSD1306: "luma.oled.device",
    DisplayKind.SH1106: "luma.oled.device",
    DisplayKind.ST7735: "luma.lcd.device",
    DisplayKind.ST7789: "luma.lcd.device",
    DisplayKind.ILI9341: "luma.lcd.device",
}
MONOCHROME = frozenset({DisplayKind.SSD1306, DisplayKind.SH1106})

NOTHING = 0xE3
"""The order to do nothing, of SSD1306 and SH1106 alike (their data sheets): on I2C it tells whether anybody is there."""
BRIGHT, DIM = 0xCF, 0x10
"""Contrast of an OLED. What it shows for years burns in, so it is dimmed while nobody is there."""


class Screen(Protocol):
    """One display. Every call may raise anything: drivers share no root."""

    def show(self, pixels: Pixels, palette: Pixels) -> None:
        """``pixels`` ``[height, width]`` are indices into ``palette`` ``[colours, 3]``."""

    def dim(self, *, dimmed: bool) -> None: ...
    def close(self) -> None: ...


def panel(display: Display) -> Panel:
    width, height = (display.width, display.height) if display.rotate % 2 == 0 else (display.height, display.width)
    return Panel(width, height, colour=display.kind not in MONOCHROME)


class LumaScreen:
    def __init__(self, device: Any, lines: Lines | None = None) -> None:
        self._device = device
        self._lines = lines
        self._image = importlib.import_module("PIL.Image")  # luma's own dependency

    def show(self, pixels: Pixels, palette: Pixels) -> None:
        height, width = pixels.shape
        if self._device.mode == "1":
            image = self._image.frombytes("1", (width, height), np.packbits(pixels, axis=1).tobytes())
        else:
            image = self._image.frombytes("RGB", (width, height), palette[pixels].tobytes())
        self._device.display(image)

    def dim(self, *, dimmed: bool) -> None:
        if self._device.mode == "1":
            self._device.contrast(DIM if dimmed else BRIGHT)

    def close(self) -> None:
        try:
            self._device.cleanup()
        finally:
            if self._lines:
                self._lines.close()


class Lines:
    """The few words of RPi.GPIO that luma speaks, said to the pins that the settings name."""

    OUT: ClassVar = "out"
    LOW: ClassVar = 0
    HIGH: ClassVar = 1

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._held: dict[int, Any] = {}

    def setup(self, number: int, _way: str) -> None:
        self._held[number] = pins.output(self._settings, number)

    def output(self, number: int, level: int) -> None:
        self._held[number].value = level

    def close(self) -> None:
        for held in self._held.values():
            held.close()


def opener(settings: Settings) -> Callable[[], Screen]:
    """Opens the display that the settings name, as often as it is asked to.

    Raises:
        HardwareError: a driver is missing. That the display itself is missing shows only when it is opened.
    """
    display = settings.display
    try:
        device = getattr(importlib.import_module(MODULES[display.kind]), display.kind.value)
        buses = importlib.import_module("luma.core.interface.serial")
        importlib.import_module("smbus2" if display.bus is DisplayBus.I2C else "spidev")
    except ImportError as error:
        raise HardwareError(
            f"no driver for the display: {error}",
            hint="`sudo make install` brings it (apt: python3-luma.oled, python3-luma.lcd)",
        ) from None
    if display.bus is DisplayBus.I2C:
        return lambda: _open_i2c(display, buses, device)
    return lambda: _open_spi(settings, buses, device)


def _open_i2c(display: Display, buses: Any, device: Any) -> Screen:
    bus = buses.i2c(port=display.port, address=display.address)
    try:
        bus.command(NOTHING)  # before the driver is made: it leaves a part of itself behind each time (atexit)
        return LumaScreen(device(bus, width=display.width, height=display.height, rotate=display.rotate))
    except BaseException:
        bus.cleanup()
        raise


def _open_spi(settings: Settings, buses: Any, device: Any) -> Screen:
    """A display on SPI never answers: one that was unplugged is not missed."""
    display, lines = settings.display, Lines(settings)
    try:
        bus = buses.spi(gpio=lines, port=display.port, device=0, gpio_DC=display.data_pin, gpio_RST=display.reset_pin)
        made = device(bus, width=display.width, height=display.height, rotate=display.rotate, gpio=buses.noop())  # the lamp hangs on 3.3 V
        return LumaScreen(made, lines)
    except BaseException:
        lines.close()
        raise
