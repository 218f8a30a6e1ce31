"""What the reader is compared with, each as people call it. Every peer: a frame in, the payloads out."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from typing import TypeAlias

import zxingcpp
from pyzbar import pyzbar

from device.reader.frame import Luma
from device.reader.reduction import Reducer
from device.reader.treatments import smoothed

Payloads: TypeAlias = frozenset[bytes]
Peer: TypeAlias = Callable[[Luma], Payloads]

_QR_CODE = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)


def pyzbar_decode(luma: Luma) -> Payloads:
    """``pyzbar.decode(frame)``: all symbologies. An error costs the frame, as it would in the common loop."""
    try:
        return frozenset(code.data for code in pyzbar.decode(luma))
    except ValueError:  # one symbol of a structured-append set (decoding.md section 6)
        return frozenset()


def zxing_defaults(luma: Luma) -> Payloads:
    """``zxingcpp.read_barcodes(frame, formats=QRCode)``, else defaults."""
    return frozenset(code.bytes for code in zxingcpp.read_barcodes(luma, formats=_QR_CODE))


def half_then_full(luma: Luma) -> Payloads:
    """Half size, then the picture: the best that one frame gives without treatments (decoding.md section 4)."""
    return zxing_defaults(_reducer.half(luma)) or zxing_defaults(luma)


def half_then_full_then_smoothed(luma: Luma) -> Payloads:
    """The same, then the frame smoothed: what averaging within one frame gives, to be compared with averaging frames."""
    return half_then_full(luma) or zxing_defaults(smoothed(luma))


_reducer = Reducer()


def timed(peer: Peer, luma: Luma) -> tuple[Payloads, int]:
    """What the peer read, and its thread CPU time in ns."""
    begun = time.thread_time_ns()
    payloads = peer(luma)
    return payloads, time.thread_time_ns() - begun


@contextlib.contextmanager
def silenced() -> Iterator[None]:
    """zbar prints its worries about odd codes on the process's standard error; nobody can read a benchmark through them."""
    keep, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(keep, 2)
        os.close(keep)
        os.close(nowhere)
