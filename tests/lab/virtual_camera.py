"""libcamera's *virtual* camera for the real picamera2, on a machine that has no camera.

picamera2 itself runs unchanged. What it misses off a Pi is put around it: modules that only draw or save, buffers
(there is no dma_heap), the raw modes (this camera has none), and the pace of a sensor: libcamera's virtual camera
makes a frame whenever a buffer is free, some hundred a second, and fills a processor.
"""

from __future__ import annotations

import importlib
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from PIL import Image

from device.reader.frame import Luma
from device.reader.sources.picamera2 import Picamera2Source
from device.settings import Reader
from tests.lab.virtual_buffers import Buffers

FOLDER = Path("/usr/share/libcamera/pipeline/virtual")
"""Where libcamera looks for virtual.yaml."""

FRAMES_A_PICTURE = 4
"""Fixed in libcamera: so many frames show a picture before the next one comes."""


def write_configuration(cameras: Mapping[tuple[int, int], Sequence[Luma]], folder: Path = FOLDER) -> None:
    """One camera a size (width, height), which shows its pictures one after the other and begins again at the end; also at half size."""
    text = "%YAML 1.1\n---\n"
    for (width, height), pictures in cameras.items():
        shown = folder / name_of(width, height)
        shown.mkdir()
        for number, luma in enumerate(pictures):
            Image.fromarray(_softened(luma)).convert("RGB").save(shown / f"{number}.jpg", quality=90)
        text += f'"{shown.name}":\n  supported_formats:\n'
        for part in (1, 2):
            text += f"  - width: {width // part}\n    height: {height // part}\n    frame_rates: [30, 30]\n"
        text += f'  frames:\n    path: "{shown}/"\n  location: "CameraLocationFront"\n  model: "{shown.name}"\n'
    (folder / "virtual.yaml").write_text(text, encoding="ascii")


def _softened(luma: Luma) -> Luma:
    """With room at both ends, as every camera's picture has: libcamera's quick JPEG decoder turns full black and white into checks."""
    return (32 + luma.astype(np.uint16) * 191 // 255).astype(np.uint8)


def name_of(width: int, height: int) -> str:
    return f"virtual-{width}x{height}"


class _Names:
    """Stands for modules whose names are only looked up."""

    def __getattr__(self, name: str) -> str:
        return name


def load() -> ModuleType:
    """picamera2, with stand-ins for what it imports without need: displays (pykms) and raw files (PiDNG, which wants a compiler)."""
    for name, held in (("pykms", "PixelFormat"), ("pidng", ""), ("pidng.camdefs", "Picamera2Camera"), ("pidng.core", "PICAM2DNG")):
        module = sys.modules.setdefault(name, ModuleType(name))
        if held:
            setattr(module, held, _Names())
    os.environ["LIBCAMERA_PIPELINES_MATCH_LIST"] = "virtual"  # a camera that this machine has by chance stays dark
    os.environ.setdefault("LIBCAMERA_LOG_LEVELS", "*:ERROR,DmaBufAllocator:FATAL")
    picamera2 = importlib.import_module("picamera2")
    # close() makes a new default allocator, for which there is no dma_heap.
    importlib.import_module("picamera2.picamera2").DmaAllocator = Buffers  # type: ignore[attr-defined]
    return picamera2


@dataclass
class Sensor:
    """Stands before libcamera's camera, and gives it one free buffer an interval, as a sensor would fill them."""

    camera: Any
    interval_s: float
    dark: threading.Event = field(default_factory=threading.Event)
    """Set: no frame comes any more, as from a camera whose cable was pulled."""
    _free: deque[Any] = field(default_factory=deque)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.camera, name)

    def queue_request(self, request: Any) -> None:
        self._free.append(request)

    def start(self, controls: Any) -> None:
        self.camera.start(controls)
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name="sensor")
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
        self._free.clear()
        self.camera.stop()

    def _run(self) -> None:
        while not self._stopping.wait(self.interval_s):
            if self._free and not self.dark.is_set():
                self.camera.queue_request(self._free.popleft())


def open_camera(width: int, height: int, frames_per_s: float) -> Any:
    """The picamera2 object of the virtual camera with that size; its ``camera`` is a ``Sensor``. RuntimeError if there is none."""
    picamera2 = load()

    class VirtualPicamera2(picamera2.Picamera2):  # type: ignore[misc, name-defined]
        def _grab_camera(self, idx: Any) -> Sensor:
            return Sensor(super()._grab_camera(idx), 1 / frames_per_s)

        def _get_raw_modes(self) -> list[dict[str, Any]]:
            return [{"format": "NV12", "size": (width, height)}]

    known = [camera["Model"] for camera in picamera2.Picamera2.global_camera_info()]
    if name_of(width, height) not in known:
        raise RuntimeError(f"no camera is called {name_of(width, height)}, only {', '.join(known)}")
    return VirtualPicamera2(known.index(name_of(width, height)), allocator=Buffers())


@dataclass
class Opener:
    """Opens virtual cameras for the reader, and keeps the last one in reach of whoever tests it."""

    camera: Any = None

    def source(self, width: int, height: int, frames_per_s: float, *, sensor_frames_per_s: float = 0, half: bool = True) -> Picamera2Source:
        """Not yet entered. The sensor keeps the pace that the reader asks for, unless it is told another one."""

        def opened() -> Any:
            self.camera = open_camera(width, height, sensor_frames_per_s or frames_per_s)
            return self.camera

        load()
        return Picamera2Source(opened, width=width, height=height, frames_per_s=frames_per_s, half=half, pixel_format="NV12")

    def of_settings(self, settings: Reader) -> Picamera2Source:
        return self.source(settings.width, settings.height, settings.frames_per_s)


OPENER = Opener()
open_virtual: Callable[[Reader], Picamera2Source] = OPENER.of_settings
"""A factory for ``device.reader.sources.SOURCES``."""
