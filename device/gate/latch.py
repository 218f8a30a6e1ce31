"""That a lane must stay free, kept where a crash and a power cut do not lose it, and where ``failsafe`` finds it.

* ``RUNTIME/free``: the lane stands free now, and by what. Written by the acting thread, into memory only.
* ``RUNTIME/service``: it does not serve, and how. The same.
* ``STATE/fire``: fire or break-glass was seen, and nobody has reset it. Written by the recording thread, to the disk.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

from device.errors import StoreError
from device.failsafe import FREE, LATCHED
from device.turnstile.freedom import Cause
from device.turnstile.machine import Service

log = logging.getLogger("qrgate.gate")


SERVICE = "service"
"""In the runtime folder: the gate is locked, or in a technician's hands."""


class Latch:
    def __init__(self, runtime: Path, state: Path) -> None:
        self._free = runtime / FREE
        self._latched = state / LATCHED
        self._service = runtime / SERVICE
        self._kept: bool | None = None

    def read(self) -> tuple[bool, bool]:
        """Is the lane latched free, and is it free by order, as the last life of the gate left it?

        Raises:
            StoreError: that cannot be known; a lane that may have to be free must not be guessed to be closed.
        """
        try:
            cause = Cause(self._free.read_text(encoding="ascii")) if self._free.exists() else None
            self._kept = self._latched.exists()
        except OSError as error:
            raise StoreError(f"{self._free} or {self._latched} cannot be read: {error}", hint="the gate's user must own both folders") from None
        except ValueError:
            hint = "the lane stands free meanwhile; delete the file if nobody has to be let out"
            raise StoreError(f"{self._free} does not say why the lane is free", hint=hint) from None
        return self._kept or cause in {Cause.FIRE, Cause.BREAK_GLASS, Cause.LATCHED}, cause is Cause.ORDER

    def service(self) -> Service:
        """Whether the gate served when its last life ended: a technician whose gate crashes still has his hands in the drive."""
        try:
            return Service(self._service.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return Service.NORMAL

    def mark(self, cause: Cause | None, service: Service = Service.NORMAL) -> None:
        """The lane stands free now by ``cause``, or no longer; it serves, or does not. In memory: it never waits for a disk."""
        self._write(self._free, cause)
        self._write(self._service, None if service is Service.NORMAL else service)

    def _write(self, path: Path, text: str | None) -> None:
        try:
            if text is None:
                path.unlink(missing_ok=True)
            else:
                new = path.with_suffix(".new")
                new.write_text(text, encoding="ascii")
                new.replace(path)  # killed in between, it would be there and say nothing
        except OSError as error:
            log.error("%s cannot be written: %s", path, error)  # what is driven now stays driven

    def keep(self, *, latched: bool) -> bool:
        """Write it to the disk; false where that has to be tried again."""
        if latched is self._kept:
            return True
        try:
            if latched:
                with self._latched.open("wb") as file:
                    os.fsync(file.fileno())
            else:
                self._latched.unlink(missing_ok=True)
            folder = os.open(self._latched.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            if self._kept is not None:
                log.error("%s cannot be written: %s", self._latched, error)  # once: it is tried again at each turn
            self._kept = None  # it may be there or not
            return False
        self._kept = latched
        return True
