"""A camera's silence, told in seconds."""

from __future__ import annotations

import pytest

from device.clock import NS
from device.reader.stalls import Stalls


def story(
    *, frames_per_s: float = 30, frames_s: tuple[float, ...] = (), broke_s: tuple[float, ...] = (), until_s: float, takes_s: float = 0.0
) -> list[str]:
    """What was told and done, as "seconds word", of a camera that gave frames at ``frames_s`` and takes ``takes_s`` to be opened again."""
    stalls, told, said, tenth = Stalls(0, frames_per_s=frames_per_s), "ok", [], 0
    while tenth <= until_s * 10:
        at_s = tenth / 10
        if at_s in frames_s:
            stalls.frame(tenth * NS // 10)
        if at_s in broke_s:
            stalls.broke(tenth * NS // 10)
        if stalls.due(tenth * NS // 10):
            stalls.begin()
            said.append(f"{at_s:g} open")
            if (eyes := stalls.eyes(tenth * NS // 10)) != told:
                said.append(f"{at_s:g} {eyes}")
                told = eyes
            tenth += round(takes_s * 10)
            stalls.done(tenth * NS // 10)
        elif (eyes := stalls.eyes(tenth * NS // 10)) != told:
            said.append(f"{at_s:g} {eyes}")
            told = eyes
        tenth += 1
    return said


EVER_LONGER = ["10 open", "18 open", "34 open", "66 open", "126 open", "186 open"]


@pytest.mark.parametrize(
    ("camera", "expected"),
    [
        pytest.param({"frames_s": (1.9, 3.8), "until_s": 5.7}, [], id="it gives a frame in time"),
        pytest.param({"until_s": 3.9}, ["2 open", "2 no_frames"], id="two seconds of silence"),
        pytest.param({"frames_s": (1, 3.5), "until_s": 5.4}, ["3 open", "3 no_frames", "3.5 ok"], id="it delivers again once it was opened again"),
        pytest.param({"until_s": 9.9}, ["2 open", "2 no_frames", "4 open", "6 open", "6 camera_fault"], id="three times in a row"),
        pytest.param(
            {"until_s": 200}, ["2 open", "2 no_frames", "4 open", "6 open", "6 camera_fault", *EVER_LONGER], id="ever longer pauses, a minute at most"
        ),
        pytest.param(
            {"frames_s": (5, 8), "until_s": 9},
            ["2 open", "2 no_frames", "4 open", "5 ok", "7 open", "7 no_frames", "8 ok"],
            id="a frame in between begins the count anew",
        ),
        pytest.param(
            {"frames_s": (200,), "until_s": 203},
            ["2 open", "2 no_frames", "4 open", "6 open", "6 camera_fault", *EVER_LONGER, "200 ok", "202 open", "202 no_frames"],
            id="one frame ends the fault and its pauses",
        ),
        pytest.param({"frames_per_s": 1, "frames_s": (3.9, 7.8), "until_s": 11.7}, [], id="a frame a second, and some late"),
        pytest.param({"frames_per_s": 1, "until_s": 8.1}, ["4 open", "4 no_frames", "8 open"], id="a slow camera is given four intervals"),
        pytest.param({"until_s": 9, "takes_s": 3}, ["2 open", "2 no_frames", "7 open"], id="the wait begins when it is open"),
        pytest.param(
            {"broke_s": (0.5, 0.7, 0.9), "until_s": 3}, ["0.5 open", "0.5 no_frames", "2.5 open"], id="one that broke is not waited for, but once"
        ),
    ],
)
def test_what_becomes_of_a_silent_camera(camera: dict[str, object], expected: list[str]) -> None:
    assert story(**camera) == expected  # type: ignore[arg-type]
