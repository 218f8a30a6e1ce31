from __future__ import annotations

import io
import shutil
import wave
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from device.errors import HardwareError
from device.gate.outputs import recording
from device.gate.outputs.prompts import SPOKEN, find
from device.gate.outputs.recording import PEAK, make, record
from device.turnstile.words import Line

needs_espeak = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed (apt install espeak-ng)")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("prompts")
    make(folder)
    return folder


def heard(path: Path) -> tuple[NDArray[np.float64], int]:
    with wave.open(str(path), "rb") as file:
        return np.frombuffer(file.readframes(file.getnframes()), dtype="<i2") / 2**15, file.getframerate()


@needs_espeak
def test_every_spoken_line_has_a_recording(made: Path) -> None:
    assert find(made) == {line.name: made / f"{line.name}.wav" for line in SPOKEN}


@needs_espeak
@pytest.mark.parametrize("line", SPOKEN, ids=lambda line: line.name)
def test_a_recording_is_short_and_as_loud_as_all_others(made: Path, line: Line) -> None:
    samples, rate = heard(made / f"{line.name}.wav")
    letters_a_second = len(line.vietnamese) / (len(samples) / rate)
    assert 6 < letters_a_second < 20  # spoken, and neither spelt out nor swallowed
    assert len(samples) / rate < 5
    loud = samples[np.abs(samples) > recording.SILENCE]
    assert 0.1 < np.sqrt(np.mean(loud**2)) < 0.2
    assert np.abs(samples).max() <= PEAK
    beginning, end = samples[: rate // 5], samples[-rate // 5 :]
    assert (np.abs(beginning).max() > 0.02, np.abs(end).max() > 0.02) == (True, True)  # no silence to wait for


@needs_espeak
def test_all_recordings_differ(made: Path) -> None:
    assert len({path.read_bytes() for path in made.glob("*.wav")}) == len(SPOKEN)


@needs_espeak
def test_recordings_are_made_by_one_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "SPOKEN", SPOKEN[:2])
    assert recording.main([str(tmp_path / "prompts")]) == 0
    assert sorted(path.name for path in (tmp_path / "prompts").iterdir()) == sorted([*(f"{line.name}.wav" for line in SPOKEN[:2]), "prompts.json"])


def test_without_espeak_it_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(HardwareError) as caught:
        record(SPOKEN[0])
    assert (caught.value.what, caught.value.hint) == ("espeak-ng is not on this machine", "apt install espeak-ng")
    assert recording.main([str(tmp_path / "prompts")]) == HardwareError.exit_code
    assert "apt install espeak-ng" in capsys.readouterr().err


def test_a_recording_of_silence_is_none() -> None:
    file = io.BytesIO()
    with wave.open(file, "wb") as writing:
        writing.setnchannels(1)
        writing.setsampwidth(2)
        writing.setframerate(22_050)
        writing.writeframes(bytes(4410))
    with pytest.raises(ValueError, match="it is silent"):
        recording._evened(file.getvalue())
