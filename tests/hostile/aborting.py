"""``qrgate run reader`` with a decoder that dies at the sight of one code, as a memory error in a library would make it.

Started by ``tests.hostile.launch``; nothing of it is in the package.
"""

from __future__ import annotations

import os
import resource
import sys

from device.cli import main
from device.reader.decoders import DECODERS, Sight, _Entry
from device.reader.decoders.zxing import open_zxing
from device.reader.frame import Luma

POSTER = b"999 whoever reads this dies"


class Aborting:
    def __init__(self, **kind: bool) -> None:
        self._decoder = open_zxing(**kind)

    def read(self, luma: Luma) -> Sight:
        sight = self._decoder.read(luma)
        if any(symbol.payload == POSTER for symbol in sight.symbols):
            os.abort()
        return sight


def open_aborting(**kind: bool) -> Aborting:
    return Aborting(**kind)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # it dies on purpose: there is nothing to look into
    DECODERS["zxing"] = _Entry("tests.hostile.aborting:open_aborting", "")
    sys.exit(main())
