"""luma's real drivers, on buses that write down what they are told."""

from __future__ import annotations

import gc
import queue
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gpiozero.pins.mock import MockFactory

from device.config import load
from device.errors import HardwareError
from device.gate import pins
from device.gate.outputs import screen as screens
from device.gate.outputs.display import Display as GateDisplay
from device.gate.outputs.display import Pace
from device.gate.outputs.pictures import Foot, Panel, Pixels
from device.gate.outputs.screen import BRIGHT, DIM, NOTHING, Lines, LumaScreen, opener, panel
from device.settings import Display, DisplayBus, DisplayKind, Settings
from device.turnstile.signals import STANDING, Signal
from device.turnstile.words import TELLINGS, line
from tests.gates import Gate

# What luma itself uses and Pillow is about to give up (getdata) is luma's business, and no reason to fail here.
pytestmark = pytest.mark.filterwarnings("ignore:Image.Image.getdata is deprecated:DeprecationWarning")
COLOURS = np.array([(0, 0, 0), (255, 255, 255), (200, 28, 42)], dtype=np.uint8)


class Bus:
    """The end of luma's ``serial_interface``: orders and pixels as they leave."""

    def __init__(self) -> None:
        self.orders: list[tuple[int, ...]] = []
        self.data_sent: list[int] = []

    def command(self, *orders: int) -> None:
        self.orders.append(orders)

    def data(self, data: list[int]) -> None:
        self.data_sent += data

    def cleanup(self) -> None:
        pass


class Wire:
    """The end of ``spidev``: bytes that left while the D/C line said that they are data."""

    max_speed_hz = 0

    def __init__(self) -> None:
        self.pixels: list[int] = []
        self.data_line: Any = None

    def open(self, port: int, device: int) -> None:
        assert (port, device) == (0, 0)

    def writebytes(self, data: list[int]) -> None:
        if self.data_line.state:
            self.pixels += data

    def close(self) -> None:
        pass


def wired(folder: Path, display: Display) -> Settings:
    return replace(load(Gate(folder / "gate").folder), display=display)


def shown(screen: LumaScreen) -> Any:
    return np.asarray(screen._device.image.convert("RGB"))


def half(width: int, height: int, index: int) -> Pixels:
    """The left half is colour ``index``, the right half colour 0."""
    pixels = np.zeros((height, width), dtype=np.uint8)
    pixels[:, : width // 2] = index
    return pixels


def test_pixels_reach_a_display_in_black_and_white_as_they_are() -> None:
    luma = pytest.importorskip("luma.core.device", reason="luma is not installed (apt install python3-luma.oled python3-luma.lcd)")
    screen, pixels = LumaScreen(luma.dummy(width=128, height=64, mode="1")), half(128, 64, 1)
    screen.show(pixels, COLOURS)
    assert np.array_equal(shown(screen), COLOURS[pixels])


def test_pixels_reach_a_display_in_colours_as_they_are() -> None:
    luma = pytest.importorskip("luma.core.device", reason="luma is not installed (apt install python3-luma.oled python3-luma.lcd)")
    screen, pixels = LumaScreen(luma.dummy(width=240, height=240, mode="RGB")), half(240, 240, 2)
    screen.show(pixels, COLOURS)
    assert np.array_equal(shown(screen), COLOURS[pixels])


def test_a_display_that_stands_on_its_side_gets_pictures_for_its_side() -> None:
    luma = pytest.importorskip("luma.core.device", reason="luma is not installed (apt install python3-luma.oled python3-luma.lcd)")
    settings = Display(kind=DisplayKind.ST7735, width=160, height=128, rotate=1)
    assert panel(settings) == Panel(128, 160, colour=True)
    device = luma.dummy(width=160, height=128, mode="RGB", rotate=1)
    LumaScreen(device).show(half(128, 160, 2), COLOURS)
    turned = np.asarray(device.image)
    assert (turned[0, 0].tolist(), turned[-1, 0].tolist()) == ([200, 28, 42], [0, 0, 0])


@pytest.mark.parametrize("kind", [DisplayKind.SSD1306, DisplayKind.SH1106])
def test_the_real_drivers_of_oled_displays_take_pixels_and_are_dimmed(kind: DisplayKind) -> None:
    luma = pytest.importorskip("luma.oled.device", reason="luma.oled is not installed (apt install python3-luma.oled python3-luma.lcd)")
    bus = Bus()
    screen = LumaScreen(getattr(luma, kind.value)(bus, width=128, height=64))
    bus.data_sent.clear()
    screen.show(half(128, 64, 1), COLOURS)
    assert bus.data_sent == ([0xFF] * 64 + [0x00] * 64) * 8  # a byte is eight pixels of a column
    screen.dim(dimmed=True)
    screen.dim(dimmed=False)
    assert [order[-1] for order in bus.orders[-2:]] == [DIM, BRIGHT]
    screen.close()


@pytest.mark.parametrize(("kind", "width", "height"), [("st7735", 160, 128), ("st7735", 160, 80), ("st7789", 240, 240), ("ili9341", 320, 240)])
def test_the_real_drivers_of_lcd_displays_take_pixels(tmp_path: Path, kind: str, width: int, height: int) -> None:
    luma = pytest.importorskip("luma.lcd.device", reason="luma.lcd is not installed (apt install python3-luma.oled python3-luma.lcd)")
    buses = pytest.importorskip("luma.core.interface.serial")
    wire = Wire()

    class Buses:
        """luma's own SPI with its pins beside it; only the kernel's end of it is ours."""

        noop = buses.noop

        def spi(self, **where: Any) -> Any:
            return buses.spi(spi=wire, **where)

    settings = wired(tmp_path, Display(kind=DisplayKind(kind), bus=DisplayBus.SPI, port=0, data_pin=24, reset_pin=25, width=width, height=height))
    factory: MockFactory = pins.factory(settings.pins, settings.board.model)
    wire.data_line = factory.pin(24)
    screen = screens._open_spi(settings, Buses(), getattr(luma, kind))
    assert bool(factory.pin(25).state)  # no longer held in reset
    wire.pixels.clear()
    screen.show(half(width, height, 2), COLOURS)
    assert {200, 28, 42} <= set(wire.pixels)
    screen.dim(dimmed=True)  # has no meaning there, and does no harm
    screen.close()
    screens._open_spi(settings, Buses(), getattr(luma, kind)).close()  # its pins are free again


def test_a_bus_that_is_not_there_is_told_when_the_display_is_opened(tmp_path: Path) -> None:
    luma = pytest.importorskip("luma.core.error", reason="luma is not installed (apt install python3-luma.oled python3-luma.lcd)")
    pytest.importorskip("luma.oled", reason="luma.oled is not installed")
    if Path("/dev/i2c-9").exists():
        pytest.skip("this machine has a ninth I2C bus")
    open_screen = opener(wired(tmp_path, Display(kind=DisplayKind.SSD1306, port=9)))
    for _ in range(2):
        with pytest.raises(luma.DeviceNotFoundError):
            open_screen()
    gc.collect()


def test_on_i2c_it_is_asked_whether_anybody_is_there_before_a_driver_is_made() -> None:
    class Silent(Bus):
        cleaned = False

        def command(self, *orders: int) -> None:
            super().command(*orders)
            raise OSError(121, "Remote I/O error")

        def cleanup(self) -> None:
            self.cleaned = True

    class Buses:
        bus = Silent()

        def i2c(self, **_where: int) -> Silent:
            return self.bus

    buses, made = Buses(), []
    with pytest.raises(OSError, match="Remote"):
        screens._open_i2c(Display(kind=DisplayKind.SSD1306), buses, lambda *_, **__: made.append(1))
    assert (buses.bus.orders, buses.bus.cleaned, made) == ([(NOTHING,)], True, [])


def test_lines_beside_the_bus_are_pins_of_the_gate_and_are_given_back(tmp_path: Path) -> None:
    settings = wired(tmp_path, Display())
    factory: MockFactory = pins.factory(settings.pins, settings.board.model)
    for _ in range(2):  # a display is opened again after it broke: its pins must be free by then
        lines = Lines(settings)
        lines.setup(24, Lines.OUT)
        levels = []
        for level in (Lines.HIGH, Lines.LOW):
            lines.output(24, level)
            levels.append(bool(factory.pin(24).state))
        assert levels == [True, False]
        lines.close()


def test_a_missing_driver_is_told_at_the_start_with_what_to_install(tmp_path: Path) -> None:
    try:
        import luma.lcd  # type: ignore[import-not-found,unused-ignore]  # noqa: F401, PLC0415
        import spidev  # type: ignore[import-not-found,unused-ignore]  # noqa: F401, PLC0415
    except ImportError:
        pass
    else:
        pytest.skip("all drivers are installed here")
    with pytest.raises(HardwareError) as caught:
        opener(wired(tmp_path, Display(kind=DisplayKind.ST7789, bus=DisplayBus.SPI, data_pin=24, width=240, height=240)))
    assert caught.value.what.startswith("no driver for the display: ")
    assert "python3-luma.lcd" in caught.value.hint


@pytest.mark.parametrize("wanted", [Panel(128, 64, colour=False), Panel(240, 240, colour=True)], ids=str)
def test_what_is_told_is_seen(wanted: Panel) -> None:
    luma = pytest.importorskip("luma.core.device", reason="luma is not installed (apt install python3-luma.oled python3-luma.lcd)")
    drawing = pytest.importorskip("device.gate.outputs.drawing", reason="Pillow is not installed")
    pictures, foot, seen = drawing.draw_all(wanted), Foot("1022", "gate-a"), queue.SimpleQueue[Any]()

    class Watched(LumaScreen):
        def show(self, pixels: Pixels, palette: Pixels) -> None:
            super().show(pixels, palette)
            seen.put(shown(self))

    device = luma.dummy(width=wanted.width, height=wanted.height, mode="RGB" if wanted.colour else "1")
    display = GateDisplay(lambda: Watched(device), pictures, foot, print, Pace(shown_s=600, page_s=600, retry_s=600))
    try:
        seen.get(timeout=10)
        for signal, reason in TELLINGS:
            display.tell(signal, reason, 12_345)
            expected = pictures.palette[pictures.finished(line(signal, reason), foot, 12_345)[0]]
            if signal not in STANDING and signal is not Signal.DARK:
                assert np.array_equal(seen.get(timeout=10), expected)
    finally:
        display.close()
