from __future__ import annotations

import json
from dataclasses import replace

import pytest

from device.links import EyesState
from device.replay.diagnosis import Diagnosis, Measures, Reason
from device.replay.findings import LOOKED, MOVING, UNREAD, Findings, Missed, Presentation, Timeline, Totals
from device.replay.report import as_json, as_text, clock, verdict, why

MEASURES = Measures(white=210.4, black=40.2, noise=1.5, edge_px=6.25, module_px=4.4, tilt_deg=12.0, washed=0.0, hidden=0.1)
WHY = Diagnosis(Reason.OUT_OF_FOCUS, (Reason.TOO_SMALL,), MEASURES)
MISSED = Missed(found=True, from_s=4.0, to_s=5.5, first_frame=100, last_frame=137, looks=30, why=WHY)
READ = Presentation(
    code=1,
    kind="cccd",
    bytes=128,
    seen_s=1.0,
    found_s=1.2,
    read_s=1.4,
    read_frame=35,
    waited_s=0.4,
    stage="zxing-half",
    stages={"zxing-half": 20, "zxing-full": 4},
    frames=30,
    looks=28,
    reads=24,
    last_read_s=2.4,
    left_s=3.0,
    module_px=4.2,
)
TOTALS = Totals(150, 2, 5.96, 0.25, 112, {"zxing-half": 20, "zxing-full": 4}, 30, 58, 0.4, 1.2, 3.4)
TIMELINE = Timeline(
    at_s=[frame / 25 for frame in range(150)],
    flags=bytes(((MOVING | LOOKED) * (frame > 20)) | UNREAD * (100 <= frame <= 137) for frame in range(150)),
    stage=bytes(frame % 2 if 35 <= frame < 60 else 255 for frame in range(150)),
    stages=("zxing-half", "zxing-full"),
    eyes=((0.0, EyesState.OK), (3.0, EyesState.OUT_OF_FOCUS)),
)
FINDINGS = Findings("film.mp4", "video", 1280, 720, TOTALS, (READ,), (MISSED,), TIMELINE)


def test_the_json_has_the_names_that_are_promised() -> None:
    document = json.loads(as_json(FINDINGS))
    assert list(document) == ["version", "material", "complete", "broke_off", "totals", "presentations", "missed"]
    assert list(document["totals"]) == [
        *("frames", "broken", "seconds", "idle_share", "looks", "looks_read", "looks_unread", "looks_nothing"),
        *("cpu_mean_ms", "cpu_p95_ms", "cpu_worst_ms"),
    ]
    assert list(document["presentations"][0]) == [
        *("code", "kind", "bytes", "seen_s", "found_s", "read_s", "read_frame", "waited_s", "stage", "stages"),
        *("frames", "looks", "reads", "last_read_s", "left_s", "module_px"),
    ]
    assert list(document["missed"][0]) == ["found", "from_s", "to_s", "first_frame", "last_frame", "looks", "reason", "also", "measures"]
    assert list(document["missed"][0]["measures"]) == ["white", "black", "noise", "edge_px", "module_px", "tilt_deg", "washed", "hidden"]


def test_the_text_has_a_row_for_each_presentation_and_each_miss() -> None:
    assert as_text(FINDINGS).splitlines() == [
        "film.mp4: video, 1280x720",
        "frames       150 in 0:05.96, 2 broken",
        "idle         25.0 % of the frames were passed over, since nothing had changed",
        "looks        112: zxing-half 20, zxing-full 4, found, not read 30, nothing 58",
        "CPU a frame  mean 0.40 ms, 95 % under 1.20 ms, worst 3.40 ms",
        "",
        "code  kind             seen     found    read     frame  waited  first read by  reads of looks  frames  px/module  left",
        "1     cccd, 128 bytes  0:01.00  0:01.20  0:01.40  35     0.40 s  zxing-half     24 of 28        30      4.2        0:03.00",
        "",
        "from     to       what                          why",
        f"0:04.00  0:05.50  a code was found in 30 looks  {why(MISSED)}",
        "",
        "out of focus: turn the lens by `qrgate focus`, with a code where people hold theirs",
        "",
        "read 1, missed 1",
    ]


def test_the_reason_is_told_with_the_numbers_it_rests_on() -> None:
    assert why(MISSED) == (
        "out of focus, also too small (4.4 px a module, edges 6.2 px, tilt 12°, 10 % of it dark without contrast, white 210, black 40 of 255)"
    )


@pytest.mark.parametrize(
    ("findings", "line"),
    [
        (FINDINGS, "read 1, missed 1"),
        (replace(FINDINGS, missed=(replace(MISSED, found=False),)), "read 1, missed 0, long movements without a code 1"),
        (replace(FINDINGS, broke_off="the video is broken"), "read 1, missed 1; it ended early: the video is broken"),
        (replace(FINDINGS, interrupted=True), "read 1, missed 1; interrupted"),
    ],
)
def test_the_verdict_says_how_many_and_whether_it_is_all(findings: Findings, line: str) -> None:
    assert verdict(findings) == line


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00.00"), (59.999, "1:00.00"), (61.5, "1:01.50"), (3600, "60:00.00")])
def test_times_are_written_as_a_video_player_does(seconds: float, text: str) -> None:
    assert clock(seconds) == text
