"""The reader process with a scripted camera: ``python -m tests.device.reader.stalling RUNTIME LIFE…`` (see ``cameras.py``).

Silence and each limit is half a second here, so that a test can wait for it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from device.cli import _stop_on_signals
from device.clock import NS
from device.errors import QrgateError
from device.reader import feed, stalls
from device.reader import service as reader
from device.reader.sources import SOURCES, _Entry
from device.settings import Paths, Reader, Settings, SourceKind
from tests.device.reader.cameras import Camera
from tests.device.reader.pictures import code, scene

SILENT_S = HANG_S = 0.5
END_S = 5.0  # a machine that is busy takes a while to end a process in order

LIVES: list[str] = []


def open_camera(_settings: Reader) -> Camera:
    pictures = {".": scene(width=320, height=240), "a": scene(code(b"a", scale=5), width=320, height=240)}
    return Camera(pictures, LIVES)


def main(runtime: Path, lives: list[str]) -> int:
    LIVES.extend(lives)
    stalls.SILENT_NS = int(SILENT_S * NS)
    feed.HANG_S, feed.OPEN_S, feed.END_S = HANG_S, HANG_S, END_S
    SOURCES[SourceKind.WEBCAM] = _Entry("tests.device.reader.stalling:open_camera", "")
    rest: dict[str, Any] = dict.fromkeys(set(Settings.__dataclass_fields__) - {"reader", "paths"})
    wanted = Reader(source=SourceKind.WEBCAM, path="/dev/none", decoders=("zxing",))  # type: ignore[arg-type]
    try:
        return reader.run(Settings(**rest, reader=wanted, paths=Paths(state=runtime, runtime=runtime)), _stop_on_signals())
    except QrgateError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code


if __name__ == "__main__":
    sys.modules["tests.device.reader.stalling"] = sys.modules["__main__"]  # the table's name for it
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
