from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from device.config import load
from device.domain import Reason
from device.errors import HardwareError
from device.gate.outputs.telling import Telling, open_telling
from device.settings import Display, DisplayKind, Voice
from device.turnstile.signals import Signal
from tests.gates import Gate


def test_all_that_is_fitted_is_told_and_closed() -> None:
    told: list[object] = []
    telling = Telling()
    for name in ("display", "voice"):
        telling.add(lambda *words, name=name: told.append((name, *words)), lambda name=name: told.append(name))  # type: ignore[misc]
    telling.tell(Signal.NO, Reason.EXPIRED, 7)
    telling.close()
    assert told == [("display", Signal.NO, Reason.EXPIRED, 7), ("voice", Signal.NO, Reason.EXPIRED, 7), "voice", "display"]


def test_a_plain_gate_tells_nothing_in_words_and_imports_nothing_for_it(tmp_path: Path) -> None:
    folder = Gate(tmp_path / "gate").folder
    telling = open_telling(load(folder), print)
    telling.tell(Signal.GO)
    telling.close()
    program = (
        "import sys; from pathlib import Path; from device.config import load; from device.gate.outputs.telling import open_telling; "
        "open_telling(load(Path(sys.argv[1])), print); "
        "print([name for name in sys.modules if name.split('.')[0] in {'PIL', 'luma', 'numpy'} or name in "
        "{'device.gate.outputs.display', 'device.gate.outputs.voice', 'device.turnstile.words'}])"
    )
    done = subprocess.run([sys.executable, "-c", program, folder], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("wanted", ["display", "voice"])
def test_what_is_wanted_and_cannot_be_stops_the_gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wanted: str) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    settings = load(Gate(tmp_path / "gate").folder)
    if wanted == "display":
        settings = replace(settings, display=Display(kind=DisplayKind.SSD1306, width=64, height=48))
    else:
        settings = replace(settings, voice=Voice(speaks=True))
    with pytest.raises(HardwareError):
        open_telling(settings, print)
