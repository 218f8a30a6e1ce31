"""What the demo looks at when it is not at its own people."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from device.admission.decide import decide
from device.admission.history import History
from device.admission.policy import Policy
from device.cli import _parser
from device.credentials import Trust, read
from device.credentials.kd1 import issuer_key_id
from device.demo.live import Live, chosen, write_pass
from device.demo.payloads import GATE, ISSUER_SEED
from device.domain import ClockTrust, Decision, Direction, Instant, Reason
from device.errors import HardwareError
from device.reader import read_still
from device.reader.picture import read_luma
from device.settings import Reader, SourceKind

NOW = Instant(datetime(2026, 11, 21, tzinfo=UTC), ClockTrust.TRUSTED)


def options(*given: str) -> argparse.Namespace:
    return _parser().parse_args(["demo", *given])


def test_the_pass_that_is_left_is_admitted_by_the_gate_of_the_demo(tmp_path: Path) -> None:
    key = Ed25519PrivateKey.from_private_bytes(ISSUER_SEED).public_key()
    (symbol,) = read_still(read_luma(write_pass(tmp_path)))
    credential = read(symbol.payload, Trust(passes={issuer_key_id(key.public_bytes_raw()): key}))
    assert decide(credential, Policy(GATE, "main", Direction.ENTRY), History(), NOW) == Decision.admitted(Reason.OK)


@pytest.mark.parametrize(
    ("given", "live"),
    [
        ([], None),
        (["--camera"], Live("--camera", Reader(source=SourceKind.PICAMERA2))),
        (["--webcam", "/dev/video0"], Live("--webcam", Reader(source=SourceKind.WEBCAM, path="/dev/video0"))),
        (["--webcam", ""], Live("--webcam", Reader(source=SourceKind.WEBCAM))),
        (["--video", "/a.mp4"], Live("--video", Reader(source=SourceKind.VIDEO, path="/a.mp4"))),
        (["--frames", "/a"], Live("--frames", Reader(source=SourceKind.FOLDER, path="/a"))),
    ],
)
def test_the_command_line_chooses_what_is_looked_at(given: list[str], live: Any) -> None:
    assert chosen(options(*given)) == live


@pytest.mark.parametrize(
    ("given", "what", "hint"),
    [
        (["--webcam", ""], "no webcam is named", 'give --webcam its device, such as "/dev/video0"'),
        (["--video", "/none.mp4"], "no video at /none.mp4: No such file or directory", "give --video a video file that ffmpeg can play"),
        (["--frames", "/none"], "no pictures at /none: No such file or directory", "give --frames a folder of pictures"),
    ],
)
def test_a_source_that_cannot_be_opened_is_told_in_the_words_of_the_command_line(given: list[str], what: str, hint: str) -> None:
    live = chosen(options(*given))
    assert live is not None
    with pytest.raises(HardwareError) as caught:
        live.try_out()
    assert (caught.value.what, caught.value.hint) == (what, hint)


def test_only_before_a_lens_the_pass_is_to_be_held_up() -> None:
    told = {option: live.invitation(Path("build/demo-pass.png")) for option in ("--camera", "--frames=/a") if (live := chosen(options(option)))}
    assert told == {
        "--camera": "hold up build/demo-pass.png (on a phone, or printed); Ctrl-C ends",
        "--frames=/a": "this gate admits build/demo-pass.png, wherever it is shown; Ctrl-C ends",
    }
