"""A gate that is complete: certificates, a relay board, and a recording in which nobody comes."""

from __future__ import annotations

import json
from pathlib import Path

from tests.brokers import HOST, Authority, free_port, make_authority
from tests.device.boards import Board
from tests.gates import Gate

WIDTH, HEIGHT = 160, 120


def complete(folder: Path, board: Board, **lines: str) -> tuple[Gate, Authority]:
    """The gate is not started; ``lines`` as in ``Gate``, with ``__`` for the dot. No broker is there."""
    own = {
        "reader.source": '"recording"',
        "reader.path": f'"{record(folder / "nobody")}"',
        "reader.decoders": '["zxing"]',
        "reader.loop": "true",
        "relay.kind": '"lcus"',
        "relay.port": f'"{board.path}"',
        "broker.host": f'"{HOST}"',
        "broker.port": str(free_port()),
        "broker.certificate_file": '"g1.crt"',
        "broker.key_file": '"g1.key"',
    }
    gate = Gate(folder, own | {name.replace("__", "."): value for name, value in lines.items()})
    return gate, make_authority(folder, "g1")


def record(folder: Path, *, luma: int = 128, frames: int = 3) -> Path:
    folder.mkdir(parents=True)
    head = {"version": 1, "width": WIDTH, "height": HEIGHT, "frames_per_s": 30.0, "schedule": [0] * frames}
    (folder / "recording.json").write_text(json.dumps(head), encoding="ascii")
    (folder / "planes.u8").write_bytes(bytes([luma]) * WIDTH * HEIGHT)
    return folder
