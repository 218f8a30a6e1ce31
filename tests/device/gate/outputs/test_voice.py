"""The real aplay on ALSA's device ``null``, which needs no card. A pipe for a recording makes it play for as long as we like."""

from __future__ import annotations

import os
import queue
import shutil
import subprocess
import time
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from device.config import load
from device.domain import Reason
from device.errors import HardwareError
from device.gate.outputs.prompts import SPOKEN
from device.gate.outputs.recording import record
from device.gate.outputs.voice import Voice, open_voice
from device.settings import Settings
from device.settings import Voice as VoiceSettings
from device.turnstile.signals import Signal
from tests.gates import Gate

APLAY = shutil.which("aplay")
needs_aplay = pytest.mark.skipif(APLAY is None, reason="aplay is not installed (apt install alsa-utils)")
WAIT_S = 10.0


class Pipe:
    """A recording without an end. What opens it is playing it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        os.mkfifo(path)

    def is_played(self) -> int:
        """Wait until somebody reads; a descriptor that keeps the pipe open."""
        end = time.monotonic() + WAIT_S
        while time.monotonic() < end:
            try:
                return os.open(self.path, os.O_WRONLY | os.O_NONBLOCK)
            except OSError:  # nobody reads yet
                time.sleep(0.005)
        raise TimeoutError(self.path)

    def is_left(self, descriptor: int) -> bool:
        """Has whoever read it gone?"""
        end = time.monotonic() + WAIT_S
        while time.monotonic() < end:
            try:
                os.write(descriptor, b"\0")
            except BrokenPipeError:
                os.close(descriptor)
                return True
            time.sleep(0.005)
        return False


def recording(path: Path) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(22_050)
        file.writeframes(bytes(4410))
    return path


@contextmanager
def speaking(recordings: dict[str, Path], broken: Callable[[str], None] = print, *, device: str = "null", longest_s: float = 60) -> Iterator[Voice]:
    assert APLAY
    voice = Voice(APLAY, device, recordings, broken, longest_s=longest_s)
    try:
        yield voice
    finally:
        voice.close()


@needs_aplay
def test_a_new_prompt_ends_the_one_before(tmp_path: Path) -> None:
    first, second = Pipe(tmp_path / "go"), Pipe(tmp_path / "expired")
    with speaking({"go": first.path, "expired": second.path}) as voice:
        voice.say(Signal.GO)
        playing = first.is_played()
        voice.say(Signal.NO, Reason.EXPIRED)
        assert first.is_left(playing)
        then = second.is_played()
    assert second.is_left(then)  # closing ends it too


@needs_aplay
def test_what_is_never_spoken_ends_nothing(tmp_path: Path) -> None:
    pipe, other = Pipe(tmp_path / "go"), Pipe(tmp_path / "no")
    with speaking({"go": pipe.path, "no": other.path}) as voice:
        voice.say(Signal.GO)
        playing = pipe.is_played()
        voice.say(Signal.DARK)
        os.write(playing, b"\0")  # still read
        voice.say(Signal.NO)
        assert pipe.is_left(playing)
        os.close(other.is_played())


@needs_aplay
def test_a_player_that_hangs_is_ended_and_told_and_the_next_prompt_is_said(tmp_path: Path) -> None:
    pipe, told = Pipe(tmp_path / "go"), queue.SimpleQueue[str]()
    with speaking({"go": pipe.path}, told.put, longest_s=0.5) as voice:
        voice.say(Signal.GO)
        playing = pipe.is_played()
        assert told.get(timeout=WAIT_S).startswith("aplay has not ended after 0.5 s")
        assert pipe.is_left(playing)
        voice.say(Signal.GO)
        os.close(pipe.is_played())
    assert told.empty()


@needs_aplay
def test_a_card_that_is_missing_is_told_once_until_it_speaks_again(tmp_path: Path) -> None:
    told = queue.SimpleQueue[str]()
    missing = tmp_path / "missing.wav"
    with speaking({"go": missing, "no": recording(tmp_path / "no.wav"), "again": Path("/proc/self/nothing")}, told.put) as voice:
        voice.say(Signal.GO)
        assert told.get(timeout=WAIT_S).startswith("aplay: ")
        end = time.monotonic() + WAIT_S
        while voice._is_broken and time.monotonic() < end:  # said well once
            voice.say(Signal.NO)
            time.sleep(0.01)
        voice.say(Signal.AGAIN)
        assert told.get(timeout=WAIT_S).startswith("aplay: ")


@needs_aplay
def test_a_device_that_is_unknown_is_told(tmp_path: Path) -> None:
    told = queue.SimpleQueue[str]()
    with speaking({"go": recording(tmp_path / "go.wav")}, told.put, device="no_such_device") as voice:
        voice.say(Signal.GO)
        assert "no_such_device" in told.get(timeout=WAIT_S)


@needs_aplay
@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed (apt install espeak-ng)")
def test_what_espeak_recorded_is_what_aplay_plays(tmp_path: Path) -> None:
    samples, rate = record(SPOKEN[0])
    with wave.open(str(tmp_path / "go.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples)
    assert APLAY
    done = subprocess.run([APLAY, "-D", "null", tmp_path / "go.wav"], capture_output=True, text=True, check=True, timeout=WAIT_S)
    assert "Signed 16 bit Little Endian, Rate 22050 Hz, Mono" in done.stderr


def wanted(folder: Path, voice: VoiceSettings) -> Settings:
    return replace(load(Gate(folder / "gate").folder), voice=voice)


def test_a_gate_is_silent_unless_it_is_told_to_speak(tmp_path: Path) -> None:
    assert open_voice(wanted(tmp_path, VoiceSettings()), print) is None


def test_a_gate_that_shall_speak_and_cannot_says_so_at_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(HardwareError) as caught:
        open_voice(wanted(tmp_path, VoiceSettings(speaks=True)), print)
    assert (caught.value.what, caught.value.hint) == ("aplay is not on this machine", "apt install alsa-utils; or voice.speaks = false")
