from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import segno
import zxingcpp
from PIL import Image

from device.demo.plan import Plan, plan_of
from device.demo.render import render
from device.demo.scenes import Held, Look, Presentation, presentations
from device.domain import Decision, Reason

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SEED = 20211001
MODULE_PX = 4.0
QR_ONLY = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode])


@dataclass(frozen=True, slots=True)
class Recording:
    table: tuple[Presentation, ...]
    plan: Plan
    planes: NDArray[np.uint8]
    progress: list[tuple[int, int]]
    written: dict[str, Any]

    def read(self, frame: int) -> list[zxingcpp.Barcode]:
        return zxingcpp.read_barcodes(self.planes[self.plan.schedule[frame]], formats=QR_ONLY)

    def payloads(self, frame: int) -> set[bytes]:
        return {code.bytes for code in self.read(frame)}


@pytest.fixture(scope="module")
def recording(payloads: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> Recording:
    folder = tmp_path_factory.mktemp("recording")
    table, progress = presentations(payloads), []
    render(folder, table, seed=SEED, progress=lambda done, of: progress.append((done, of)))
    written = json.loads((folder / "recording.json").read_text("utf-8"))
    planes = np.memmap(folder / "planes.u8", np.uint8, "r").reshape(-1, written["height"], written["width"])
    return Recording(table, plan_of(table), planes, progress, written)


def test_every_code_is_read_exact_at_rest(recording: Recording) -> None:
    read = {
        shown.presentation.name: sum(recording.payloads(frame) == set(shown.presentation.payloads) for frame in shown.rest)
        for shown in recording.plan.shown
    }
    assert {name: count for name, count in read.items() if count < 3} == {}


def test_every_code_is_read_exact_at_rest_on_the_half_size_picture(recording: Recording) -> None:
    unread = []
    for shown in recording.plan.shown:
        halves = [np.asarray(Image.fromarray(recording.planes[recording.plan.schedule[frame]]).reduce(2)) for frame in shown.rest]
        read = [{code.bytes for code in zxingcpp.read_barcodes(half, formats=QR_ONLY)} for half in halves]
        if read.count(set(shown.presentation.payloads)) < 3:
            unread.append(shown.presentation.name)
    assert unread == []


def test_two_codes_are_read_in_the_same_frames(recording: Recording) -> None:
    pairs = [shown for shown in recording.plan.shown if len(shown.presentation.payloads) > 1]
    alone = [(shown.presentation.name, frame) for shown in pairs for frame in shown.frames if len(recording.payloads(frame)) == 1]
    assert (len(pairs), alone) == (2, [])


def test_a_module_of_every_code_is_at_least_four_pixels(recording: Recording) -> None:
    small = []
    for shown in recording.plan.shown:
        for code in recording.read(shown.rest[len(shown.rest) // 2]):
            modules, _ = segno.make(code.bytes, error="m", mode="byte", micro=False, boost_error=False).symbol_size(border=0)
            if _shortest_side_px(code) / modules < MODULE_PX:
                small.append((shown.presentation.name, _shortest_side_px(code) / modules))
    assert small == []


def test_nothing_is_read_while_nobody_is_there(recording: Recording) -> None:
    in_view = {frame for shown in recording.plan.shown for frame in shown.frames}
    empty = [frame for frame in range(len(recording.plan.schedule)) if frame not in in_view]
    assert [frame for frame in empty if recording.read(frame)] == []
    assert len(empty) > 20


def test_neighbouring_frames_are_never_identical(recording: Recording) -> None:
    digests = [hashlib.sha256(plane).digest() for plane in recording.planes]
    played = [digests[plane] for plane in recording.plan.schedule]
    assert [frame for frame, (one, next_one) in enumerate(pairwise(played)) if one == next_one] == []


def test_the_recording_describes_itself_without_any_payload(recording: Recording) -> None:
    first, *_ = recording.written.pop("presentations")
    assert {"version": 1, "width": 1280, "height": 720, "frames_per_s": 20, "schedule": list(recording.plan.schedule)} == recording.written
    assert {
        "name": "phone",
        "first_frame": recording.plan.shown[0].frames[0],
        "last_frame": recording.plan.shown[0].frames[-1],
        "payloads_sha256": [hashlib.sha256(recording.table[0].payloads[0]).hexdigest()],
        "admit": True,
        "reason": "ok",
    } == first


def test_progress_is_told_to_the_end(recording: Recording) -> None:
    scenes = len(recording.plan.scenes)
    assert [(done, scenes) for done in range(1, scenes + 1)] == recording.progress


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not(tmp_path: Path) -> None:
    table = [
        Presentation("phone", (b"KD1.one",), Look((Held.PHONE,), 1, yaw_deg=20, glare=True), 0.4, Decision.admitted(), gap_s=0.1),
        Presentation("pair", (b"KD1.two", b"KD1.one"), Look((Held.CARD, Held.PAPER), 2, dim=True), 0.4, Decision.refused(Reason.ONE_AT_A_TIME)),
    ]
    digests = []
    for name, seed in (("first", 1), ("second", 1), ("other", 2)):
        render(tmp_path / name, table, seed=seed, progress=lambda _done, _of: None)
        digests.append([hashlib.sha256((tmp_path / name / file).read_bytes()).hexdigest() for file in ("planes.u8", "recording.json")])
    assert digests[0] == digests[1]
    assert digests[0][0] != digests[2][0]


def test_a_recording_that_could_not_be_finished_has_no_description(tmp_path: Path) -> None:
    table = [Presentation("phone", (b"KD1.one",), Look((Held.PHONE,), 1), 0.4, Decision.admitted())]
    render(tmp_path, table, seed=1, progress=lambda _done, _of: None)
    with pytest.raises(segno.DataOverflowError):
        render(tmp_path, [Presentation("flood", (b"x" * 4000,), table[0].look, 0.4, Decision.admitted())], seed=1, progress=lambda _done, _of: None)
    assert not (tmp_path / "recording.json").exists()


def _shortest_side_px(code: zxingcpp.Barcode) -> float:
    place = code.position
    corners = [place.top_left, place.top_right, place.bottom_right, place.bottom_left]
    return min(math.dist((one.x, one.y), (other.x, other.y)) for one, other in pairwise([*corners, corners[0]]))
