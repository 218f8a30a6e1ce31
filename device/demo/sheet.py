"""A contact sheet of the demo's recording: who comes, one small picture each, for people who would rather look."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image

from device.demo.tally import Script

COLUMNS = 7
WIDTH_PX, GAP_PX = 240, 4
QUALITY = 70


def write_sheet(recording: Path, picture: Path) -> None:
    """Write one JPEG or PNG with the middle frame of every presentation, in playing order. Raises OSError."""
    content = json.loads((recording / "recording.json").read_text(encoding="utf-8"))
    planes = np.memmap(recording / "planes.u8", np.uint8, "r").reshape(-1, content["height"], content["width"])
    rows = Script.read(recording).expected
    height_px = WIDTH_PX * content["height"] // content["width"]
    lines = -(-len(rows) // COLUMNS)
    sheet = Image.new("L", (COLUMNS * (WIDTH_PX + GAP_PX) - GAP_PX, lines * (height_px + GAP_PX) - GAP_PX), 255)
    for number, row in enumerate(rows):
        plane = planes[content["schedule"][(row.first_frame + row.last_frame) // 2]]
        small = Image.fromarray(np.asarray(plane)).resize((WIDTH_PX, height_px), Image.Resampling.LANCZOS)
        sheet.paste(small, (number % COLUMNS * (WIDTH_PX + GAP_PX), number // COLUMNS * (height_px + GAP_PX)))
    sheet.save(picture, quality=QUALITY)
