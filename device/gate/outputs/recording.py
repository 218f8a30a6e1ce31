"""Records what the voice says, by espeak-ng, once, when a gate is installed: ``python -m device.gate.outputs.recording [FOLDER]``."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np

from device.errors import HardwareError, QrgateError
from device.gate.outputs.prompts import PROMPTS, SPOKEN, TABLE, table
from device.turnstile.words import Line

VOICE = "vi"  # Northern; espeak-ng has vi-vn-x-central and vi-vn-x-south too
WORDS_A_MINUTE = 140  # espeak's usual is 175; people listen while walking, in a hall that echoes
LOUDNESS = 0.16
"""Root mean square of the spoken parts, of full scale (-16 dB): all lines are equally loud, and none is clipped."""
PEAK = 0.97
SILENCE = 0.01
PAUSE_S = 0.05
MAKE_WITHIN_S = 20.0


def record(line: Line) -> tuple[bytes, int]:
    """The line as espeak-ng says it, evened: 16-bit samples of one channel, and how many a second. Raises HardwareError."""
    program = shutil.which("espeak-ng")
    if program is None:
        raise HardwareError("espeak-ng is not on this machine", hint="apt install espeak-ng")
    command = [program, "-v", VOICE, "-s", str(WORDS_A_MINUTE), "--stdin", "--stdout"]
    try:
        done = subprocess.run(command, input=line.vietnamese.encode(), capture_output=True, timeout=MAKE_WITHIN_S, check=True)  # noqa: S603 - found above
        return _evened(done.stdout)
    except (subprocess.SubprocessError, OSError, ValueError, wave.Error, EOFError) as error:
        raise HardwareError(f"espeak-ng does not say {line.name!r}: {error}", hint="espeak-ng --voices=vi must list Vietnamese") from None


def _evened(recording: bytes) -> tuple[bytes, int]:
    """Without the silence around it, and as loud as all others. Raises ValueError where it is silent altogether."""
    with wave.open(io.BytesIO(recording)) as file:
        rate = file.getframerate()
        if (file.getnchannels(), file.getsampwidth()) != (1, 2):
            raise ValueError("not one channel of 16 bits")
        # A WAV that was piped tells no true length (espeak-ng writes the largest): what is there counts.
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2") / 2**15
    heard = np.flatnonzero(np.abs(samples) > SILENCE)
    if not len(heard):
        raise ValueError("it is silent")
    pause = int(PAUSE_S * rate)
    samples = samples[max(heard[0] - pause, 0) : heard[-1] + pause]
    loud = np.abs(samples) > SILENCE
    level = float(np.sqrt(np.mean(np.square(samples[loud]))))
    gain = min(LOUDNESS / level, PEAK / float(np.abs(samples).max()))
    return (samples * gain * 2**15).astype("<i2").tobytes(), rate


def make(folder: Path) -> None:
    """Raises HardwareError, OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / TABLE).unlink(missing_ok=True)
    for line in SPOKEN:
        samples, rate = record(line)
        with wave.open(str(folder / f"{line.name}.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(rate)
            file.writeframes(samples)
    (folder / TABLE).write_text(json.dumps(table(), ensure_ascii=False, indent=1), encoding="utf-8")


def main(arguments: list[str]) -> int:
    try:
        make(Path(arguments[0]) if arguments else PROMPTS)
    except QrgateError as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command line
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
