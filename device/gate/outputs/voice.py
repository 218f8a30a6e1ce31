"""Says in Vietnamese what lamps and buzzer tell: plays recordings through aplay, a child process.

It has a thread of its own: starting a program takes milliseconds, ending one may take longer, and nobody waits for it.
"""

from __future__ import annotations

import logging
import shutil
import subprocess
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from device.domain import Reason
from device.errors import HardwareError
from device.gate.outputs.prompts import find
from device.settings import Settings
from device.turnstile.signals import Signal
from device.turnstile.words import line

log = logging.getLogger("qrgate.gate")

LONGEST_S = 15.0
"""The longest recording lasts 5 s. A player that takes longer hangs at its card, and is ended."""
END_WITHIN_S = 0.5


class Voice:
    """``say`` and ``close`` may be called by any thread."""

    def __init__(
        self, player: str, device: str, recordings: Mapping[str, Path], broken: Callable[[str], None], *, longest_s: float = LONGEST_S
    ) -> None:
        self._command = [player, "-q", "-D", device, "--"]
        self._recordings = recordings
        self._broken = broken
        self._longest_s = longest_s
        self._told = threading.Condition()
        self._next: Path | None = None
        self._player: subprocess.Popen[bytes] | None = None
        self._closing = False
        self._is_broken = False  # the thread's own
        self._thread = threading.Thread(target=self._run, name="voice", daemon=True)
        self._thread.start()

    def say(self, signal: Signal, reason: Reason | None = None) -> None:
        """Say what ``signal`` tells; returns at once. It ends what is being said; what is never spoken ends nothing."""
        recording = self._recordings.get(line(signal, reason).name)
        if recording is None:
            return
        with self._told:
            self._next = recording
            self._hurry()

    def close(self) -> None:
        """Silence, and no more; bounded."""
        with self._told:
            self._closing = True
            self._hurry()
        self._thread.join(timeout=2.0)

    def _hurry(self) -> None:
        """End what is being said. With the lock held."""
        if self._player:
            self._player.terminate()
        self._told.notify()

    # --- the thread --------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while (recording := self._wait()) is not None:
            try:
                self._play(recording)
            except (OSError, HardwareError) as error:
                if not self._is_broken:
                    self._is_broken = True
                    log.error("the voice does not speak: %s", error)
                    self._broken(str(error))
            else:
                self._is_broken = False

    def _wait(self) -> Path | None:
        """The next recording; ``None`` when closed."""
        with self._told:
            self._told.wait_for(lambda: self._closing or self._next is not None)
            recording, self._next = self._next, None
            return None if self._closing else recording

    def _play(self, recording: Path) -> None:
        """Until it ends, hangs, or something else is wanted. Raises HardwareError, OSError."""
        player = subprocess.Popen(  # noqa: S603 - aplay, found at the start, and a file of our own
            [*self._command, str(recording)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        with self._told:
            self._player = player
            if self._closing or self._next is not None:
                player.terminate()
        try:
            _, said = player.communicate(timeout=self._longest_s)
        except subprocess.TimeoutExpired:
            hint = "is voice.device in gate.toml the right one? `aplay -L` lists them"
            raise HardwareError(f"aplay has not ended after {self._longest_s:g} s", hint=hint) from None
        finally:
            with self._told:
                self._player = None
                was_ended = self._closing or self._next is not None
            _end(player)
        if player.returncode and not was_ended:
            why = said.decode(errors="replace").strip()[:200] or f"exit code {player.returncode}"
            raise HardwareError(f"aplay: {why}", hint="`aplay -L` lists the devices that voice.device in gate.toml may name")


def _end(player: subprocess.Popen[bytes]) -> None:
    """Bounded even where it hangs in its driver and cannot be killed."""
    for end in (player.terminate, player.kill):
        if player.poll() is None:
            end()
            with suppress(subprocess.TimeoutExpired):
                player.communicate(timeout=END_WITHIN_S)


def open_voice(settings: Settings, broken: Callable[[str], None]) -> Voice | None:
    """The voice, where the settings want one. ``broken`` is told, by another thread, why it does not speak.

    Raises:
        HardwareError: aplay or recordings are missing. A sound card that fails later is only told: people pass without it.
    """
    if not settings.voice.speaks:
        return None
    player = shutil.which("aplay")
    if player is None:
        raise HardwareError("aplay is not on this machine", hint="apt install alsa-utils; or voice.speaks = false")
    return Voice(player, settings.voice.device, find(), broken)
