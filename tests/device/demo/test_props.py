from __future__ import annotations

import numpy as np
import pytest
import zxingcpp

from device.demo.props import CODE_PX, QUIET_ZONE, held_thing, symbol
from device.demo.scenes import Held

QR_ONLY = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode])


@pytest.mark.parametrize("role", ["pass_a", "cccd7", "mic", "payment"])
def test_a_symbol_holds_the_exact_bytes(role: str, payloads: dict[str, bytes]) -> None:
    (read,) = zxingcpp.read_barcodes(np.asarray(symbol(payloads[role], dark=20, light=230)), formats=QR_ONLY)
    assert payloads[role] == read.bytes


def test_a_symbol_has_its_quiet_zone_and_at_least_five_pixels_a_module(payloads: dict[str, bytes]) -> None:
    code = np.asarray(symbol(payloads["pass_a"], dark=20, light=230))
    rows = np.flatnonzero((code == 20).any(axis=1))
    module = rows[0] // QUIET_ZONE
    assert module >= 5
    assert (QUIET_ZONE * module, len(code) - QUIET_ZONE * module - 1) == (rows[0], rows[-1])
    assert len(code) <= CODE_PX


@pytest.mark.parametrize("held", list(Held))
def test_whatever_is_held_its_anchor_is_the_middle_of_its_code(held: Held, payloads: dict[str, bytes]) -> None:
    thing = held_thing(held, payloads["pass_a"], np.random.default_rng(3))
    (read,) = zxingcpp.read_barcodes(np.asarray(thing.light), formats=QR_ONLY)
    place = read.position
    middle = ((place.top_left.x + place.bottom_right.x) / 2, (place.top_left.y + place.bottom_right.y) / 2)
    assert middle == pytest.approx(thing.anchor, abs=4)
