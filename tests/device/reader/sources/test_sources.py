from __future__ import annotations

import builtins
import sys
from typing import Any

import pytest

from device.errors import HardwareError
from device.reader.sources import SOURCES, open_source
from device.settings import Reader, SourceKind

HEAVY = ("av", "PIL", "picamera2")


def test_every_kind_of_the_settings_that_gives_frames_is_in_the_table() -> None:
    assert set(SOURCES) == set(SourceKind) - {SourceKind.SCANNER}


def test_a_scan_module_gives_no_frames_and_is_refused_with_a_hint() -> None:
    with pytest.raises(HardwareError, match="gives no pictures"):
        open_source(Reader(source=SourceKind.SCANNER))


@pytest.mark.parametrize(
    ("kind", "hint"),
    [
        (SourceKind.PICAMERA2, "on Raspberry Pi OS: apt install python3-picamera2"),
        (SourceKind.WEBCAM, "pip install av"),
        (SourceKind.VIDEO, "pip install av"),
        (SourceKind.FOLDER, "pip install pillow"),
    ],
)
def test_a_library_that_is_missing_stops_the_process_and_says_what_to_install(kind: SourceKind, hint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] in HEAVY or name.startswith(("device.reader.sources.", "device.reader.picture"))]:
        monkeypatch.delitem(sys.modules, name)
    real_import = builtins.__import__

    def without_them(name: str, *others: Any, **more: Any) -> Any:
        if name.split(".", maxsplit=1)[0] in HEAVY:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real_import(name, *others, **more)

    monkeypatch.setattr(builtins, "__import__", without_them)
    with pytest.raises(HardwareError) as raised, open_source(Reader(source=kind, path="nowhere")):
        pass
    assert raised.value.hint == hint


@pytest.mark.parametrize(
    ("kind", "path", "what"),
    [
        (SourceKind.WEBCAM, "/dev/nowhere", "no webcam at /dev/nowhere"),
        (SourceKind.WEBCAM, "", "no webcam is named"),
        (SourceKind.VIDEO, "/nowhere.mp4", "no video at /nowhere.mp4"),
        (SourceKind.FOLDER, "/nowhere", "no pictures at /nowhere"),
        (SourceKind.RECORDING, "/nowhere", "no recording at /nowhere"),
    ],
)
def test_a_device_or_file_that_is_not_there_stops_the_process_with_a_hint(kind: SourceKind, path: str, what: str) -> None:
    with pytest.raises(HardwareError) as raised, open_source(Reader(source=kind, path=path)):
        pass
    assert raised.value.what.startswith(what)
    assert raised.value.hint
