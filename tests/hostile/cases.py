"""What a case of the hostile corpus is."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from device.reader.frame import Luma
from tests.device.reader.pictures import code, scene

WIDTH, HEIGHT = 640, 480


@dataclass(frozen=True, slots=True)
class Case:
    """One picture: pixels, or a file with its suffix.

    ``truth`` is all that may be read from it, ``None`` where the symbol itself says nothing definite. ``claim``: it shows
    a well-formed claim, which a gate in mode *record* admits once, and no other gate ever.
    """

    name: str
    pixels: Luma | None = None
    file: bytes = b""
    suffix: str = ".png"
    truth: frozenset[bytes] | None = frozenset()
    claim: bool = False


def shown(name: str, *codes: Luma, truth: Collection[bytes] | None = (), claim: bool = False) -> Case:
    """``codes`` side by side on a wall that is as large as they need."""
    width = max(WIDTH, 80 + sum(each.shape[1] + 40 for each in codes))
    height = max(HEIGHT, 80 + max(each.shape[0] for each in codes))
    return Case(name, scene(*codes, width=width, height=height), truth=None if truth is None else frozenset(truth), claim=claim)


def of_payload(name: str, payload: bytes, *, claim: bool = False, scale: int = 3) -> Case:
    """An ordinary symbol of ``payload``."""
    return shown(name, code(payload, scale=scale, error="l", boost_error=False, mode="byte", mask=len(payload) % 8), truth=[payload], claim=claim)
