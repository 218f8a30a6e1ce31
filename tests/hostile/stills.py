"""The corpus as still pictures, in a process of its own: ``python -m tests.hostile.stills FOLDER EVERY`` (one case in so many).

One line of JSON a case: its name before it is read, so that a crash tells whose it was, then what became of it.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from device.errors import FrameError
from device.reader import read_still
from device.reader.picture import read_luma
from tests.device.reader.pictures import code
from tests.hostile import corpus

GOOD = b"999 in an array"
HUGE = "8192x8192"
"""Every treatment of 67 megapixels takes most of a minute: only where all cases are asked for."""


def arrays() -> Iterator[tuple[str, Any, frozenset[bytes]]]:
    """What may come as an array from a camera's driver or a careless caller."""
    luma, truth, nothing = code(GOOD, scale=5), frozenset([GOOD]), frozenset[bytes]()
    height, width = luma.shape
    wide = np.full((height, width + 37), 128, np.uint8)
    wide[:, :width] = luma
    yield "rows that carry padding", wide[:, :width], truth
    yield "every other row", luma.repeat(2, 0)[::2], truth
    yield "every other column", luma.repeat(2, 1)[:, ::2], truth
    yield "rows from below", luma[::-1], truth
    yield "columns from the right", luma[:, ::-1], truth
    yield "columns before rows", np.asfortranarray(luma), truth
    yield "read-only", np.frombuffer(luma.tobytes(), np.uint8).reshape(luma.shape), truth
    yield "one row again and again", np.broadcast_to(luma[40], (400, width)), nothing
    yield "one pixel again and again", np.broadcast_to(np.uint8(7), (480, 640)), nothing
    yield HUGE, np.broadcast_to(np.uint8(200), (8192, 8192)), nothing
    yield "no rows", np.zeros((0, 640), np.uint8), nothing
    yield "no columns", np.zeros((480, 0), np.uint8), nothing
    yield "nothing at all", np.zeros((0, 0), np.uint8), nothing
    yield "one row", np.zeros(640, np.uint8), nothing
    yield "a single value", np.array(3, np.uint8), nothing
    yield "colours", np.zeros((48, 64, 3), np.uint8), nothing
    for kind in (np.uint16, np.int8, np.float32, np.float64, np.bool_, np.complex64, np.dtype("S1"), np.dtype("O")):
        yield f"of {np.dtype(kind)}", np.zeros((48, 64), kind), nothing


def outcome(name: str, read: Any, truth: frozenset[bytes] | None) -> dict[str, Any]:
    """What became of one case: the error by which it was refused, or what was read and whether that is true."""
    print(json.dumps({"begun": name}), flush=True)
    begun_s = time.monotonic()
    told: dict[str, Any] = {"name": name}
    try:
        found = {symbol.payload for symbol in read()}
    except FrameError:
        told["refused"] = True
    except Exception as error:  # noqa: BLE001  this is what is looked for
        told["raised"] = repr(error)
    else:
        told["read"] = len(found)
        told["wrong"] = [payload.hex() for payload in found if truth is not None and payload not in truth]
        told["missed"] = bool(truth) and not found
    return told | {"ms": round((time.monotonic() - begun_s) * 1000)}


def main(folder: Path, every: int) -> None:
    for number, case in enumerate(corpus.cases()):
        if number % every == 0:
            path = corpus.write(case, folder / f"{number:04}")
            print(json.dumps(outcome(case.name, lambda path=path: read_still(read_luma(path)), case.truth)), flush=True)
            path.unlink()
    for name, pixels, truth in arrays():
        if name == HUGE and every > 1:
            continue
        print(json.dumps(outcome(f"array: {name}", lambda pixels=pixels: read_still(pixels), truth)), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
