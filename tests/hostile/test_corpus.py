"""Whatever is shown: the gate lives and lets nobody in, the reader reads on, and nothing is read that is not there."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from device import credentials
from device.credentials.trust import Trust
from device.domain import Credential, Proof
from tests.hostile import corpus
from tests.hostile.passage import Passage, show

CASES_MIN = 300
FRAMES_PER_S = 40.0

STILLS_EVERY = 8
"""`make hostile` takes every case."""


def test_the_corpus_is_large_and_the_same_every_time() -> None:
    one, two = corpus.cases(), tuple(corpus.fresh())
    assert len({case.name for case in one}) == len(one) >= CASES_MIN
    assert [(a.name, a.file, a.pixels is None or a.pixels.tobytes()) for a in one] == [
        (b.name, b.file, b.pixels is None or b.pixels.tobytes()) for b in two
    ]


def test_what_is_marked_as_a_claim_is_one_and_nothing_else_is() -> None:
    for case in corpus.cases():
        read = [credentials.read(payload, Trust()) for payload in case.truth or ()]
        claims = [each for each in read if isinstance(each, Credential) and each.proof is Proof.CLAIMED]
        assert bool(claims) == case.claim, case.name


@pytest.mark.parametrize(("mode", "half"), [("verify", 0), ("record", 1)])
def test_a_gate_lives_through_the_corpus_and_admits_nobody_but_claims_where_it_may(tmp_path: Path, mode: str, half: int) -> None:
    """Every other case in each mode, and all claims in both."""
    cases = [case for number, case in enumerate(corpus.cases()) if case.claim or number % 2 == half]
    claims = sum(case.claim for case in cases)
    passage = show(tmp_path, cases, mode=mode, frames_per_s=FRAMES_PER_S, decoders=("zxing", "zbar"))
    assert faults(passage, pictures=len(cases), claims=claims if mode == "record" else 0) == []


def faults(passage: Passage, *, pictures: int, claims: int) -> list[str]:
    """What went wrong."""
    checks = {
        "the gate died": passage.gate_lived,
        f"the reader ended with {passage.reader_code}: {passage.reader_words[-1000:]}": passage.reader_code == 0,
        "the reader was at its wits' end": "Traceback" not in passage.reader_words,
        f"{passage.admitted} were admitted, {claims} should be": passage.admitted == claims,
        f"the relay went on {passage.released} times": passage.released <= claims and bool(passage.released) == bool(claims),
        f"only {passage.looks} looks at {pictures} pictures": passage.looks >= pictures * 3 // 4,
    }
    return [what for what, holds in checks.items() if not holds]


def test_nothing_that_is_not_there_is_read_in_a_still_picture_and_nothing_is_raised_but_what_is_promised(tmp_path: Path) -> None:
    told = stills(tmp_path, every=STILLS_EVERY)
    assert [row for row in told if "raised" in row or row.get("wrong")] == []
    assert sum("read" in row for row in told) > 40


def stills(folder: Path, *, every: int) -> list[dict[str, object]]:
    """What became of each case. A process that dies is named by the case at which it did."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.hostile.stills", str(folder), str(every)], capture_output=True, text=True, check=False, timeout=600
    )
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, (rows[-1], done.stderr[-2000:])
    return [row for row in rows if "name" in row]


def test_a_false_admission_and_a_wrong_payload_would_be_noticed(tmp_path: Path) -> None:
    """The same runner, with a case that lies about itself."""
    claim = next(case for case in corpus.cases() if case.claim)
    passage = show(tmp_path, [claim], mode="record", frames_per_s=FRAMES_PER_S, decoders=("zxing",))
    assert faults(passage, pictures=1, claims=0) == ["1 were admitted, 0 should be", "the relay went on 1 times"]
