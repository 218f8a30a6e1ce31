from __future__ import annotations

from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from device.credentials.hc1 import cose
from device.credentials.hc1.broken import BrokenError
from device.credentials.hc1.cose import Algorithm, Sign1
from tests.device.credentials.hc1.issuer import ES256, PS256, HealthIssuer, rsa_key

CURVE, RSA = HealthIssuer(), HealthIssuer(by_rsa=True)
CURVE_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
PAYLOAD, KID, OTHER_KID = b"payload", b"kid-kid-", b"-dik-dik"


@pytest.mark.parametrize("issuer", [CURVE, RSA], ids=["ES256", "PS256"])
@pytest.mark.parametrize("tags", [(), (18,), (61, 18)], ids=["no tag", "COSE's tag", "CWT's tag around it"])
def test_what_was_signed_comes_out_and_its_signature_holds(issuer: HealthIssuer, tags: tuple[int, ...]) -> None:
    message = cose.parse(issuer.message(PAYLOAD, tags=tags))
    assert (message.payload, message.kid, message.signed_by(issuer.key.public_key())) == (PAYLOAD, issuer.kid, True)


KIDS: dict[str, tuple[dict[int, Any], dict[int, Any]]] = {
    "protected": ({1: ES256, 4: KID}, {}),
    "not protected": ({1: ES256}, {4: KID}),
    "both: the protected one counts": ({1: ES256, 4: KID}, {4: OTHER_KID}),
    "beside a content type": ({1: ES256, 3: 61, 4: KID}, {}),
    "beside what is not protected and unknown": ({1: ES256, 4: KID}, {1: PS256, 2: [9], 99: "?"}),
}


@pytest.mark.parametrize(("protected", "unprotected"), KIDS.values(), ids=KIDS.keys())
def test_the_key_id_is_found(protected: dict[int, Any], unprotected: dict[int, Any]) -> None:
    message = cose.parse(CURVE.message(PAYLOAD, protected, unprotected))
    assert (message.algorithm, message.kid) == (Algorithm.ES256, KID)


NO_MESSAGE, NO_ALG, NO_HEADER, NO_KID = (
    "no signed message",
    "signed by neither ES256 nor PS256",
    "a protected header that cannot be obeyed",
    "no key id",
)
GOOD = cbor2.loads(CURVE.message(PAYLOAD, tags=()))
REFUSED: dict[str, tuple[bytes, str]] = {
    "the tag of COSE_Mac0": (CURVE.message(PAYLOAD, tags=(17,)), NO_MESSAGE),
    "the tag of COSE_Sign": (CURVE.message(PAYLOAD, tags=(98,)), NO_MESSAGE),
    "only CWT's tag": (CURVE.message(PAYLOAD, tags=(61,)), NO_MESSAGE),
    "the tags the other way round": (CURVE.message(PAYLOAD, tags=(18, 61)), NO_MESSAGE),
    "COSE's tag twice": (CURVE.message(PAYLOAD, tags=(18, 18)), NO_MESSAGE),
    "a fifth part": (cbor2.dumps([*GOOD, b""]), NO_MESSAGE),
    "three parts": (cbor2.dumps(GOOD[:3]), NO_MESSAGE),
    "a payload elsewhere": (cbor2.dumps([GOOD[0], {}, None, GOOD[3]]), NO_MESSAGE),
    "a protected header that is a map": (cbor2.dumps([{1: ES256}, {}, PAYLOAD, GOOD[3]]), NO_MESSAGE),
    "an unprotected header that is none": (cbor2.dumps([GOOD[0], None, PAYLOAD, GOOD[3]]), NO_MESSAGE),
    "a map": (cbor2.dumps({0: 1, 1: 2, 2: 3, 3: 4}), NO_MESSAGE),
    "a number": (b"\x00", NO_MESSAGE),
    "the algorithm none": (CURVE.message(PAYLOAD, {1: 0, 4: KID}), NO_ALG),
    "the algorithm null": (CURVE.message(PAYLOAD, {1: None, 4: KID}), NO_ALG),
    "HMAC, with the public key for its secret": (CURVE.message(PAYLOAD, {1: 5, 4: KID}), NO_ALG),
    "EdDSA": (CURVE.message(PAYLOAD, {1: -8, 4: KID}), NO_ALG),
    "ES384": (CURVE.message(PAYLOAD, {1: -35, 4: KID}), NO_ALG),
    "RS256": (CURVE.message(PAYLOAD, {1: -257, 4: KID}), NO_ALG),
    "ES256 as a text": (CURVE.message(PAYLOAD, {1: "ES256", 4: KID}), NO_ALG),
    "ES256 as a fraction": (CURVE.message(PAYLOAD, {1: -7.0, 4: KID}), NO_ALG),
    "no algorithm": (CURVE.message(PAYLOAD, {4: KID}), NO_ALG),
    "an algorithm that is not protected": (CURVE.message(PAYLOAD, {4: KID}, {1: ES256}), NO_ALG),
    "no protected header": (CURVE.message(PAYLOAD, b"", {1: ES256, 4: KID}), NO_ALG),
    "a protected header that is a list": (CURVE.message(PAYLOAD, cbor2.dumps([ES256])), NO_HEADER),
    "a protected header with bytes behind it": (CURVE.message(PAYLOAD, cbor2.dumps({1: ES256}) + b"\0"), "bytes behind the end of the CBOR"),
    "a parameter that must be obeyed": (CURVE.message(PAYLOAD, {1: ES256, 2: [99], 4: KID, 99: 1}), NO_HEADER),
    "no key id": (CURVE.message(PAYLOAD, {1: ES256}), NO_KID),
    "a key id that is a text": (CURVE.message(PAYLOAD, {1: ES256, 4: "kid-kid-"}), NO_KID),
    "a protected key id that is nothing, and another": (CURVE.message(PAYLOAD, {1: ES256, 4: None}, {4: KID}), NO_KID),
    "no CBOR": (b"\xff", "a CBOR value that means nothing here"),
    "nothing": (b"", "the CBOR ends too early"),
}


@pytest.mark.parametrize(("message", "fault"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_signed_message_of_ours_is_refused(message: bytes, fault: str) -> None:
    with pytest.raises(BrokenError) as caught:
        cose.parse(message)
    assert caught.value.what == fault


# --- signatures ------------------------------------------------------------------------------------------------


def sign1(algorithm: int, signature: bytes, payload: bytes = PAYLOAD) -> Sign1:
    return Sign1(Algorithm(algorithm), KID, b"\xa0", payload, signature)


SIGNED = cbor2.dumps(["Signature1", b"\xa0", b"", PAYLOAD])
BY_CURVE, BY_RSA = CURVE.sign(SIGNED), RSA.sign(SIGNED)
CURVE_KEY, RSA_KEY = CURVE.key.public_key(), RSA.key.public_key()
SISTER = ec.derive_private_key(1, ec.SECP256K1())  # another curve, whose signatures are as long
BY_SISTER = b"".join(number.to_bytes(32, "big") for number in decode_dss_signature(SISTER.sign(SIGNED, ec.ECDSA(SHA256()))))
EARLIER, SHORT_SALT = rsa_key().sign(SIGNED, padding.PKCS1v15(), SHA256()), rsa_key().sign(SIGNED, padding.PSS(padding.MGF1(SHA256()), 20), SHA256())
IN_DER = ec.derive_private_key(1, ec.SECP256R1()).sign(SIGNED, ec.ECDSA(SHA256()))
MISFITS: dict[str, tuple[Sign1, Any]] = {
    "another key": (sign1(ES256, BY_CURVE), HealthIssuer(2).key.public_key()),
    "another payload": (sign1(ES256, BY_CURVE, b"another"), CURVE_KEY),
    "ES256 said, and an RSA key": (sign1(ES256, BY_RSA), RSA_KEY),
    "PS256 said, and a key of a curve": (sign1(PS256, BY_CURVE), CURVE_KEY),
    "a key of another curve": (sign1(ES256, BY_SISTER), SISTER.public_key()),
    "zeros": (sign1(ES256, bytes(64)), CURVE_KEY),
    "ones": (sign1(ES256, b"\xff" * 64), CURVE_KEY),
    "nothing": (sign1(ES256, b""), CURVE_KEY),
    "a byte less": (sign1(ES256, BY_CURVE[:-1]), CURVE_KEY),
    "a byte more": (sign1(ES256, BY_CURVE + b"\0"), CURVE_KEY),
    "the two numbers the other way round": (sign1(ES256, BY_CURVE[32:] + BY_CURVE[:32]), CURVE_KEY),
    "the numbers in DER": (sign1(ES256, IN_DER), CURVE_KEY),
    "RSA, a byte less": (sign1(PS256, BY_RSA[:-1]), RSA_KEY),
    "RSA, nothing": (sign1(PS256, b""), RSA_KEY),
    "RSA with the padding of before": (sign1(PS256, EARLIER), RSA_KEY),
    "RSA with a short salt": (sign1(PS256, SHORT_SALT), RSA_KEY),
}


def test_a_signature_holds_for_its_key_and_payload() -> None:
    assert (sign1(ES256, BY_CURVE).signed_by(CURVE_KEY), sign1(PS256, BY_RSA).signed_by(RSA_KEY)) == (True, True)


@pytest.mark.parametrize(("message", "key"), MISFITS.values(), ids=MISFITS.keys())
def test_and_for_nothing_else(message: Sign1, key: Any) -> None:
    assert message.signed_by(key) is False


def test_a_number_without_its_leading_zero_is_a_second_spelling_and_refused() -> None:
    payloads = (b"payload %d" % number for number in range(5000))
    signatures = ((payload, CURVE.sign(cbor2.dumps(["Signature1", b"\xa0", b"", payload]))) for payload in payloads)
    payload, signature = next((payload, signature) for payload, signature in signatures if signature[32] == 0)
    spellings = [signature, signature[:32] + signature[33:]]
    assert [sign1(ES256, spelling, payload).signed_by(CURVE_KEY) for spelling in spellings] == [True, False]


def test_what_cannot_be_changed_without_the_key_is_what_a_list_names() -> None:
    """(r, n - s) is the same ECDSA signature for everybody; a revoked certificate must not come back so."""
    s = CURVE_ORDER - int.from_bytes(BY_CURVE[32:], "big")
    other = sign1(ES256, BY_CURVE[:32] + s.to_bytes(32, "big"))
    assert (other.signed_by(CURVE_KEY), other.half) == (True, sign1(ES256, BY_CURVE).half)
    assert sign1(PS256, BY_RSA).half == BY_RSA
