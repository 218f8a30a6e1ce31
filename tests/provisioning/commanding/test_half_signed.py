from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from device.commands import order
from device.commands.deeds import LaneMode, SetMode
from device.errors import UsageError
from device.events.topics import Topics
from provisioning.commanding import half_signed
from provisioning.commanding.half_signed import HalfSigned
from tests.device.commands.orders import HERE, key, ordered

TOLD = ordered(SetMode(LaneMode.FREE))
HALF = HalfSigned(Topics(HERE.province, HERE.site, HERE.gate), order.sign(key(1), order.encode(TOLD)))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "free.order"
    half_signed.write(path, HALF)
    return path


def test_the_second_signer_reads_what_the_first_has_signed(path: Path) -> None:
    half = half_signed.read(path)
    assert (half, half.order, stat.S_IMODE(path.stat().st_mode)) == (HALF, TOLD, 0o600)


def changed(**changes: Any) -> bytes:
    told = {"province": HERE.province, "site": HERE.site, "gate": HERE.gate, "order": order.message([HALF.signature]).hex()} | changes
    return json.dumps({name: value for name, value in told.items() if value is not None}).encode()


WRONG = {
    "nothing": b"",
    "no table": b"[]",
    "no order": changed(order=None),
    "an order that is no hex": changed(order="zz"),
    "an order that is none": changed(order="00"),
    "two signatures": changed(order=order.message([HALF.signature, order.sign(key(2), HALF.payload)]).hex()),
    "no site": changed(site=None),
    "another gate than was signed": changed(gate="g-998"),
}


@pytest.mark.parametrize("content", WRONG.values(), ids=WRONG.keys())
def test_anything_else_is_not_to_be_signed(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(UsageError):
        half_signed.read(path)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        half_signed.read(tmp_path / "none.order")
