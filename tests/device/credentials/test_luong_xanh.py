from __future__ import annotations

import pytest

from device.credentials import luong_xanh
from device.domain import Credential, CredentialKind, Misread, NotACredential, Proof

LINK = "https://vantai.drvn.gov.vn/tokhaiyteQR?token=AbC123"

CLAIMS: dict[str, tuple[str, bytes]] = {
    "a vehicle's link": (LINK, b"vehicle:luong_xanh:AbC123"),
    "scheme and host in capitals": (LINK.replace("https://vantai", "HTTPS://VANTAI"), b"vehicle:luong_xanh:AbC123"),
    "the port that it has anyway": (LINK.replace(".vn/", ".vn:443/"), b"vehicle:luong_xanh:AbC123"),
    "a token in base64": (LINK.replace("AbC123", "q+/Zz0w=="), b"vehicle:luong_xanh:q+/Zz0w=="),
    "a token of three parts": (LINK.replace("AbC123", "eyJ9.e30.A_-"), b"vehicle:luong_xanh:eyJ9.e30.A_-"),
    "what a wedge scanner adds": (LINK + "\r\n", b"vehicle:luong_xanh:AbC123"),
}

MALFORMED = {
    "no token": LINK.replace("AbC123", ""),
    "no query": LINK.partition("?")[0],
    "another name": LINK.replace("token=", "tokens="),
    "the name in capitals": LINK.replace("token=", "TOKEN="),
    "more behind the token": LINK + "&x=1",
    "something before the token": LINK.replace("token=", "x=1&token="),
    "a fragment": LINK + "#x",
    "a token in the fragment": LINK.replace("?", "#"),
    "an escaped letter": LINK.replace("AbC123", "%41bC123"),
    "other digits": LINK.replace("123", "١٢٣"),
    "a token too long": LINK.replace("AbC123", "A" * 257),
    "without TLS": LINK.replace("https", "http"),
    "another port": LINK.replace(".vn/", ".vn:8081/"),
}

OTHERS = {
    "another page": "https://vantai.drvn.gov.vn/",
    "the page in capitals": LINK.replace("tokhaiyteQR", "TOKHAIYTEQR"),
    "the page that answers": "https://vantai.drvn.gov.vn:8081/api/qr/getInfo?token=AbC123",
    "the host above": LINK.replace("vantai.", ""),
    "the host in a query": "https://evil.example/tokhaiyteQR?token=vantai.drvn.gov.vn",
    "the host before an at sign": LINK.replace(".vn/", ".vn@evil.example/"),
    "a transport sheet": "TKVT_000123",
}


@pytest.mark.parametrize(("text", "key"), CLAIMS.values(), ids=CLAIMS.keys())
def test_a_green_lane_link_is_a_claim_about_a_vehicle(text: str, key: bytes) -> None:
    expected = Credential(CredentialKind.LUONG_XANH, Proof.CLAIMED, person_key=key)
    assert (luong_xanh.detect(text.encode()), luong_xanh.read(text.encode())) == (True, expected)


@pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_link_of_another_form_is_malformed(text: str) -> None:
    assert (luong_xanh.detect(text.encode()), luong_xanh.read(text.encode())) == (True, NotACredential(Misread.MALFORMED))


@pytest.mark.parametrize("text", OTHERS.values(), ids=OTHERS.keys())
def test_other_texts_are_left_to_others(text: str) -> None:
    assert luong_xanh.detect(text.encode()) is False


def test_no_link_at_all_is_malformed() -> None:
    assert luong_xanh.read(b"") == NotACredential(Misread.MALFORMED)
