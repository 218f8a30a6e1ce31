"""The EU's published test certificates: each result that a file states, against ours.

What a file states counts, not what its description says. A result that no file states is not compared.
"""

from __future__ import annotations

import base64
import io
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np
import pytest
from PIL import Image, UnidentifiedImageError

from device.credentials import Trust
from device.credentials.hc1 import Check, Examined, base45, cose, cwt, examine, schema, signer_of
from device.credentials.hc1.broken import BrokenError
from device.credentials.hc1.examination import _unfold
from device.credentials.hc1.signers import kid_of
from device.domain import Credential
from device.reader import read_still
from tests.device.credentials.hc1.public import DCC, needs_public_cases

pytestmark = needs_public_cases


@dataclass(frozen=True)
class Case:
    """One file: its certificate is the only one that is trusted."""

    file: str
    expected: dict[str, bool]
    clock: str

    @cached_property
    def content(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((DCC / self.file).read_text(encoding="utf-8"))
        return content

    @cached_property
    def payload(self) -> bytes:
        return str(self.content["PREFIX"]).encode()

    @cached_property
    def der(self) -> bytes:
        return base64.b64decode(self.content["TESTCTX"]["CERTIFICATE"])

    @cached_property
    def examined(self) -> Examined:
        return examine(self.payload, Trust(health={kid_of(self.der): (signer_of(self.der),)}))

    @property
    def stated(self) -> dict[str, bool]:
        unequal = {"EXPECTEDVALIDJSON"} if self.file == OTHERWISE_WRITTEN else set[str]()
        return {name: value for name, value in self.expected.items() if name in RESULTS and name not in unequal}

    def holds(self, *checks: Check) -> bool:
        return all(self.examined.checks[check] is True for check in checks)


def in_time(case: Case) -> bool:
    """At the case's own moment, within the times that ``decide`` is given."""
    shown = case.examined.reading
    now_s = datetime.fromisoformat(case.clock).timestamp()
    assert isinstance(shown, Credential)
    assert shown.valid_from_s is not None
    assert shown.valid_until_s is not None
    return shown.valid_from_s <= now_s < shown.valid_until_s


def in_schema(case: Case) -> bool:
    try:
        schema.read(case.content["JSON"])
    except BrokenError:
        return False
    return True


def as_written(case: Case) -> bool:
    """What was signed is the JSON that the file shows, ``null`` aside."""
    signed = cwt.parse(cose.parse(_unfold(base45.decode(case.payload[4:]))).payload).certificate
    return without_nulls(signed) == without_nulls(case.content["JSON"])


def without_nulls(record: Any) -> dict[str, Any]:
    return {key: value for key, value in record.items() if value is not None}


def in_picture(case: Case) -> bool:
    """Read by the project's own decoders: the exact text, and no other."""
    try:
        with Image.open(io.BytesIO(base64.b64decode(case.content["2DCODE"]))) as picture:
            luma = np.asarray(picture.convert("L"))
    except UnidentifiedImageError:
        return False
    return [symbol.payload for symbol in read_still(luma, enough=lambda symbol: symbol.payload == case.payload)] == [case.payload]


RESULTS: dict[str, Callable[[Case], bool]] = {
    "EXPECTEDUNPREFIX": lambda case: case.holds(Check.PREFIX),
    "EXPECTEDB45DECODE": lambda case: case.holds(Check.BASE45),
    "EXPECTEDCOMPRESSION": lambda case: case.holds(Check.COMPRESSION),
    "EXPECTEDDECODE": lambda case: case.holds(Check.COSE, Check.CLAIMS),
    "EXPECTEDVERIFY": lambda case: case.holds(Check.ISSUER, Check.SIGNATURE),
    "EXPECTEDKEYUSAGE": lambda case: case.holds(Check.USE),
    "EXPECTEDSCHEMAVALIDATION": lambda case: case.holds(Check.SCHEMA),
    "EXPECTEDEXPIRATIONCHECK": in_time,
    "EXPTECTEDEXPIRED": in_time,  # four files spell it so; true means that it holds
    "EXPECTEDVALIDOBJECT": in_schema,
    "EXPECTEDVALIDJSON": as_written,
}
OTHERWISE_WRITTEN = "raw/FR/2DCode/raw/test_pcr_ok.json"  # its JSON shows the hours of UTC, its signature is over those of Paris
NOT_OURS = {"EXPECTEDENCODE", "EXPECTEDRESULTS"}  # whether an issuer's program writes it; a word that the data's readme does not have


def cases() -> list[Case]:
    rows = json.loads((DCC / "INDEX.json").read_text(encoding="utf-8")) if DCC.exists() else []
    return [Case(row["file"], row["expected"], row["validation_clock"]) for row in rows]


CASES = cases()
WITH_A_PICTURE = [case for case in CASES if "2DCODE" in case.content and "EXPECTEDPICTUREDECODE" in case.expected]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.file)
def test_every_result_that_a_file_states_is_ours(case: Case) -> None:
    stated = case.stated
    assert {name: RESULTS[name](case) for name in stated} == stated


@pytest.mark.parametrize("case", WITH_A_PICTURE, ids=lambda case: case.file)
def test_its_picture_is_read_as_the_file_states(case: Case) -> None:
    assert in_picture(case) is case.expected["EXPECTEDPICTUREDECODE"]


COMPARED = {
    "EXPECTEDUNPREFIX": 81,
    "EXPECTEDB45DECODE": 75,
    "EXPECTEDCOMPRESSION": 63,
    "EXPECTEDDECODE": 79,
    "EXPECTEDVERIFY": 78,
    "EXPECTEDKEYUSAGE": 34,
    "EXPECTEDSCHEMAVALIDATION": 74,
    "EXPECTEDEXPIRATIONCHECK": 59,
    "EXPTECTEDEXPIRED": 4,
    "EXPECTEDVALIDOBJECT": 39,
    "EXPECTEDVALIDJSON": 67,
}


def test_every_result_is_compared_and_none_is_forgotten() -> None:
    """653 results and 47 pictures: no check can pass because nothing was there to be checked."""
    assert Counter(name for case in CASES for name in case.stated) == COMPARED
    assert (len(CASES), sum(COMPARED.values()), len(WITH_A_PICTURE)) == (99, 653, 47)
    assert {name for case in CASES for name in case.expected} - set(COMPARED) == NOT_OURS | {"EXPECTEDPICTUREDECODE"}


def test_the_index_says_what_the_files_say() -> None:
    assert [case.file for case in CASES if case.content["EXPECTEDRESULTS"] != case.expected] == []
