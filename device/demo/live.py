"""The demo with pictures that are not its own: what the gate looks at, and a pass to hold up to it."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from device.demo.payloads import payloads
from device.errors import HardwareError
from device.reader.sources import open_source
from device.settings import Reader, SourceKind
from provisioning.authority.passes import picture

PASS = "demo-pass.png"  # noqa: S105 - a file's name


@dataclass(frozen=True, slots=True)
class Live:
    """``option`` is the word of the command line that chose ``reader``."""

    option: str
    reader: Reader

    @property
    def settings(self) -> tuple[str, ...]:
        return f"reader.source={self.reader.source}", f"reader.path={self.reader.path}"

    def try_out(self) -> None:
        """Open the source for a moment. Raises HardwareError: what is missing is told before anything else has started."""
        try:
            with open_source(self.reader):
                pass
        except HardwareError as error:
            # A source speaks to the technician of a gate, who has settings; here it was an option.
            raise HardwareError(error.what, hint=error.hint.replace("set reader.path to", f"give {self.option}")) from None

    def invitation(self, shown: Path) -> str:
        if self.reader.source in (SourceKind.PICAMERA2, SourceKind.WEBCAM):
            return f"hold up {shown} (on a phone, or printed); Ctrl-C ends"
        return f"this gate admits {shown}, wherever it is shown; Ctrl-C ends"


def chosen(options: argparse.Namespace) -> Live | None:
    """What the command line chose; ``None`` for the demo's own people."""
    if options.camera:
        return Live("--camera", Reader(source=SourceKind.PICAMERA2))
    if options.webcam is not None:
        return Live("--webcam", Reader(source=SourceKind.WEBCAM, path=options.webcam))
    if options.video is not None:
        return Live("--video", Reader(source=SourceKind.VIDEO, path=str(options.video.absolute())))
    if options.frames is not None:
        return Live("--frames", Reader(source=SourceKind.FOLDER, path=str(options.frames.absolute())))
    return None


def write_pass(folder: Path) -> Path:
    """A pass that the demo's gate admits, as a picture. Raises OSError where ``folder`` cannot hold it."""
    path = folder / PASS
    path.write_bytes(picture(payloads()["pass_a"].decode("ascii")))
    return path
