from __future__ import annotations

import pytest

from device.credentials import tkvt
from device.domain import Credential, CredentialKind, Misread, NotACredential, Proof

CLAIMS: dict[str, tuple[bytes, bytes]] = {
    "a number": (b"TKVT_000123", b"vehicle:tkvt:000123"),
    "letters": (b"TKVT_aB-9", b"vehicle:tkvt:aB-9"),
    "what a wedge scanner adds": (b"\xef\xbb\xbfTKVT_000123\r\n\x00", b"vehicle:tkvt:000123"),
    "as long as it may be": (b"TKVT_" + b"1" * 64, b"vehicle:tkvt:" + b"1" * 64),
}

MALFORMED: dict[str, bytes] = {
    "no number": b"TKVT_",
    "too long": b"TKVT_" + b"1" * 65,
    "a blank": b"TKVT_000 123",
    "a bar": b"TKVT_000123|1",
    "the prefix twice": b"TKVT_TKVT_1",
    "other digits": "TKVT_\u0661".encode(),
    "bytes of no text": b"TKVT_\xff",
    "a control character": b"TKVT_1\x071",
}

OTHERS: dict[str, bytes] = {
    "small letters": b"tkvt_000123",
    "a blank before it": b" TKVT_000123",
    "no line": b"TKVT000123",
    "a link to it": b"https://vantai.drvn.gov.vn/TKVT_000123",
    "nothing": b"",
}


@pytest.mark.parametrize(("payload", "key"), CLAIMS.values(), ids=CLAIMS.keys())
def test_a_transport_sheet_is_a_claim_about_a_vehicle(payload: bytes, key: bytes) -> None:
    assert (tkvt.detect(payload), tkvt.read(payload)) == (True, Credential(CredentialKind.TKVT, Proof.CLAIMED, person_key=key))


@pytest.mark.parametrize("payload", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_sheet_of_another_form_is_malformed(payload: bytes) -> None:
    assert (tkvt.detect(payload), tkvt.read(payload)) == (True, NotACredential(Misread.MALFORMED))


@pytest.mark.parametrize("payload", OTHERS.values(), ids=OTHERS.keys())
def test_other_texts_are_left_to_others(payload: bytes) -> None:
    assert tkvt.detect(payload) is False
