"""``qrgate replay``: material from the field through the reader, and what it made of it."""

from __future__ import annotations

import argparse
import threading
from collections.abc import Callable


def run(options: argparse.Namespace, stop_on_signals: Callable[[], threading.Event]) -> int:
    """Photographs one by one, or a sequence as the gate would see it; see ``photographs.py`` and ``sequence.py``. The exit code.

    Raises:
        QrgateError: the command line, the material or a library is at fault.
    """
    from device.replay import photographs, sequence  # noqa: PLC0415  each loads what it needs

    if photographs.wanted(options):
        return photographs.run(options)
    return sequence.run(options, stop_on_signals())
