"""A played scan module at the far end of a pty, with a name that stays the same when it is plugged in again."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import threading
import tty
from pathlib import Path
from typing import Self

from tests.device.reader.scanners.played import PlayedGm65

SPLIT = 3  # bytes a write: nothing arrives whole
EVERY_S = 0.05


class Plugged:
    """Runs ``module`` in a thread while the ``with`` block lasts; ``path`` is the name to open."""

    def __init__(self, folder: Path, module: PlayedGm65) -> None:
        self.path = folder / "usb-Played_scan_module"
        self.module = module
        self.held: bytes | None = None  # the payload before its lens
        self._stopping = threading.Event()
        self._lock = threading.Lock()  # of the descriptors
        self._far = self._near = -1
        self._thread = threading.Thread(target=self._play, daemon=True)

    def __enter__(self) -> Self:
        self.plug()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join(5)
        self.unplug()

    def plug(self) -> None:
        with self._lock:
            self._far, self._near = pty.openpty()  # the near end stays open, so that the module outlives each reader
            tty.setraw(self._near)
            os.set_blocking(self._far, False)
            self.module.loses_power()
            self.path.symlink_to(os.ttyname(self._near))

    def unplug(self) -> None:
        with self._lock:
            self.path.unlink(missing_ok=True)
            for descriptor in (self._far, self._near):
                if descriptor >= 0:
                    os.close(descriptor)
            self._far = self._near = -1

    def say(self, data: bytes) -> None:
        """Send ``data`` in small pieces; what finds no room is lost, as on a wire."""
        with self._lock, contextlib.suppress(BlockingIOError):
            for begin in range(0, len(data) if self._far >= 0 else 0, SPLIT):
                os.write(self._far, data[begin : begin + SPLIT])

    def _play(self) -> None:
        while not self._stopping.wait(0.005 if self._turn() else EVERY_S):
            pass

    def _turn(self) -> bool:
        """Hear and answer; else see what is held. Was there anything to hear?"""
        with self._lock:
            heard = b""
            if self._far >= 0 and select.select([self._far], [], [], 0)[0]:
                heard = os.read(self._far, 4096)
        if heard:
            self.say(self.module.hears(heard))
        elif self.held is not None:
            self.say(self.module.sees(self.held))
        return bool(heard)
