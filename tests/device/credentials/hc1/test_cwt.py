from __future__ import annotations

import math
from typing import Any

import cbor2
import pytest

from device.credentials.hc1 import cwt
from device.credentials.hc1.broken import BrokenError
from device.credentials.hc1.cwt import Claims
from device.domain import Misread
from tests.device.credentials.hc1.issuer import EXPIRES_S, ISSUED_S, claims

RECORD = {"ver": "1.3.0"}


def test_the_claims_are_read() -> None:
    assert cwt.parse(cbor2.dumps(claims(RECORD))) == Claims("VN", ISSUED_S, EXPIRES_S, RECORD)


READ: dict[str, tuple[dict[str, Any], Claims]] = {
    "without an issuer": ({"iss": None}, Claims(None, ISSUED_S, EXPIRES_S, RECORD)),
    "an issuer that is a number": ({"iss": 84}, Claims(None, ISSUED_S, EXPIRES_S, RECORD)),
    "an issuer that is a ministry": ({"iss": "Bộ Y tế"}, Claims("Bộ Y tế", ISSUED_S, EXPIRES_S, RECORD)),
    "broken seconds": ({"iat": 1.9, "exp": 2.5}, Claims("VN", 1, 2, RECORD)),
    "the first and the last second": ({"iat": 0, "exp": 2**40 - 1}, Claims("VN", 0, 2**40 - 1, RECORD)),
    "no times": ({"iat": None, "exp": None}, Claims("VN", None, None, RECORD)),
    "times before 1970 and after all time": ({"iat": -1, "exp": 2**40}, Claims("VN", None, None, RECORD)),
    "times that are texts": ({"iat": "2022", "exp": "2023"}, Claims("VN", None, None, RECORD)),
    "times that are truths": ({"iat": False, "exp": True}, Claims("VN", None, None, RECORD)),
    "tagged times": ({"iat": cbor2.CBORTag(99, 1), "exp": cbor2.CBORTag(99, 2)}, Claims("VN", None, None, RECORD)),
}


@pytest.mark.parametrize(("changes", "expected"), READ.values(), ids=READ.keys())
def test_a_claim_that_cannot_be_meant_counts_as_missing(changes: dict[str, Any], expected: Claims) -> None:
    assert cwt.parse(cbor2.dumps(claims(RECORD, **changes))) == expected


def health(value: Any) -> bytes:
    return cbor2.dumps({4: EXPIRES_S, -260: value})


NONE = "no health certificate among the claims"
REFUSED: dict[str, tuple[bytes, str, Misread]] = {
    "no map": (cbor2.dumps([1]), "no claims", Misread.MALFORMED),
    "no CBOR": (b"\xff", "a CBOR value that means nothing here", Misread.MALFORMED),
    "no health claim": (cbor2.dumps({4: EXPIRES_S}), NONE, Misread.MALFORMED),
    "an empty health claim": (health({}), NONE, Misread.MALFORMED),
    "a health claim that is a list": (health([RECORD]), NONE, Misread.MALFORMED),
    "a health claim of another kind": (health({2: RECORD}), "a health certificate of another kind", Misread.UNSUPPORTED),
    "a certificate in bytes": (health({1: cbor2.dumps(RECORD)}), "a health certificate that is no map", Misread.MALFORMED),
    "a certificate that is nothing": (health({1: None}), "a health certificate that is no map", Misread.MALFORMED),
    "a time that is no number": (cbor2.dumps(claims(RECORD, exp=math.nan)), "a CBOR number that is none", Misread.MALFORMED),
    "a claim twice": (b"\xa2\x04\x01\x04\x02", "a CBOR key twice, or of another kind than this format has", Misread.MALFORMED),
}


@pytest.mark.parametrize(("payload", "fault", "misread"), REFUSED.values(), ids=REFUSED.keys())
def test_what_holds_no_certificate_is_refused(payload: bytes, fault: str, misread: Misread) -> None:
    with pytest.raises(BrokenError) as caught:
        cwt.parse(payload)
    assert (caught.value.what, caught.value.misread) == (fault, misread)


def test_a_certificate_is_found_beside_those_of_later_kinds() -> None:
    assert cwt.parse(health({2: "later", 1: RECORD})).certificate == RECORD
