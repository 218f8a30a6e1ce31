"""Every error this project raises on purpose, and what the command line makes of it.

    QrgateError                      exit code
    ├── UsageError            2   the command line is wrong
    ├── SettingsError         3   a settings file is missing or wrong: all its mistakes at once
    ├── VerificationError     4   a signature, key or certificate does not hold
    ├── HardwareError         5   a camera, pin, port or driver is missing or silent
    │   ├── FrameError            one frame is not usable
    │   └── ScannerError          a scan module is gone or silent, for now
    ├── ContactError          6   no contact: broker, gate process
    ├── LinkError             6   a local link broke or carried nonsense
    ├── StoreError            7   the store cannot record
    └── StoreDamagedError     7   its file is damaged: the process ends, and its next start saves what can be saved

Exit code 0 means success, 1 means that a check found a fault (``doctor``, ``demo``, ``replay``, ``focus``).
"""

from __future__ import annotations

EXIT_OK = 0
EXIT_FAULT = 1
EXIT_INTERRUPTED = 130  # ended before there was an answer, as shells expect (128 + SIGINT)


class QrgateError(Exception):
    """Root of all expected errors: what is wrong, and what to do about it."""

    exit_code = EXIT_FAULT

    def __init__(self, what: str, *, hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.what}\n  → {self.hint}" if self.hint else self.what


class UsageError(QrgateError, ValueError):
    exit_code = 2


class SettingsError(QrgateError, ValueError):
    exit_code = 3


class VerificationError(QrgateError, ValueError):
    exit_code = 4


class HardwareError(QrgateError, OSError):
    exit_code = 5


class FrameError(HardwareError):
    """One frame is not usable (wrong size, empty); the source goes on."""


class ScannerError(HardwareError):
    """A scan module is gone or silent; it may come back, and the reader tries again."""


class ContactError(QrgateError, ConnectionError):
    exit_code = 6


class LinkError(QrgateError, ConnectionError):
    exit_code = 6


class StoreError(QrgateError, OSError):
    exit_code = 7


class StoreDamagedError(QrgateError, OSError):
    """No kind of StoreError: whoever goes on without the store on a full disk must not go on with a file that is not sound."""

    exit_code = 7
