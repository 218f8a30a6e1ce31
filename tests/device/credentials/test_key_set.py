from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from device.credentials.key_set import card_keys
from device.errors import VerificationError

URL = "https://card.example.vn"
KEY = ec.derive_private_key(7, ec.SECP256R1()).public_key()


def jwk(**changes: Any) -> dict[str, Any]:
    numbers = KEY.public_numbers()
    x, y = (base64.urlsafe_b64encode(each.to_bytes(32, "big")).decode().rstrip("=") for each in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": "P-256", "use": "sig", "kid": "k1", "x": x, "y": y} | changes


def test_keys_that_sign_are_named_by_issuer_and_id_and_others_are_left_out() -> None:
    unsaid = {name: value for name, value in jwk(kid="k2").items() if name != "use"}
    keys = [jwk(), unsaid, jwk(kid="k3", use="enc"), jwk(kid="k4", kty="RSA"), jwk(kid="k5", crv="P-384")]
    point = KEY.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    assert card_keys(URL, json.dumps({"keys": keys}).encode()) == [{"issuer": URL, "kid": kid, "key": point} for kid in ("k1", "k2")]


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"keys": [7]}', b'{"keys": [{"kty": "EC", "crv": "P-256"}]}', b"[" * 100_000, b"\xff"])
def test_what_is_no_key_set_is_told(content: bytes) -> None:
    with pytest.raises(VerificationError, match="no key set"):
        card_keys(URL, content)
