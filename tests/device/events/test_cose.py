from __future__ import annotations

from contextlib import suppress
from ipaddress import ip_network
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from device.errors import VerificationError
from device.events.cose import ENVELOPE_MAX, PROTECTED, sign1, verify1

SEEDED = settings(derandomize=True, database=None, deadline=None, max_examples=300)

KEY, OTHER_KEY = (Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32) for seed in (1, 2))
PUBLIC = KEY.public_key()
CONTEXT = b"qrgate-test-v1"
PAYLOAD = b"open for nobody"
ENVELOPE = sign1(KEY, PAYLOAD, context=CONTEXT)

GOLDEN = bytes.fromhex(
    "d28443a10127a04f6f70656e20666f72206e6f626f64795840ea69a39959ba1960098cfdca2ae99856ed19c734d2b250b0e9b9962ec6622e87c293cbd1c933932ca70fbdbd4ae63d7e82d7d3d663e9d5d4c6cf398bdd134506"
)


def envelope(
    *, tag: int | None = 18, protected: Any = PROTECTED, unprotected: Any = None, payload: Any = PAYLOAD, more: tuple[Any, ...] = ()
) -> bytes:
    """An envelope as an attacker who has the key's owner sign what he likes could write it: the signature always fits."""
    structure = cbor2.dumps(["Signature1", protected, CONTEXT, payload])
    values = [protected, {} if unprotected is None else unprotected, payload, KEY.sign(structure), *more]
    return cbor2.dumps(values if tag is None else cbor2.CBORTag(tag, values))


def refusal(message: bytes, key: Ed25519PrivateKey = KEY, context: bytes = CONTEXT) -> str:
    with pytest.raises(VerificationError) as caught:
        verify1(message, key.public_key(), context=context)
    return caught.value.what


def test_the_golden_envelope_is_written_as_it_always_was() -> None:
    assert ENVELOPE == GOLDEN


def test_the_signature_is_over_the_structure_of_rfc_9052() -> None:
    """Sig_structure of section 4.4, written out; Ed25519 is deterministic, so equal bytes mean equal structures."""
    assert envelope() == ENVELOPE


@pytest.mark.parametrize("payload", [b"", PAYLOAD, bytes(range(256)), bytes(8000)])
def test_what_was_signed_comes_out(payload: bytes) -> None:
    assert verify1(sign1(KEY, payload, context=CONTEXT), PUBLIC, context=CONTEXT) == payload


MISFITS: dict[str, tuple[bytes, Ed25519PrivateKey, bytes]] = {
    "another key": (ENVELOPE, OTHER_KEY, CONTEXT),
    "another purpose": (ENVELOPE, KEY, b"qrgate-other-v1"),
    "no purpose": (ENVELOPE, KEY, b""),
    "another payload": (ENVELOPE.replace(PAYLOAD, PAYLOAD[::-1]), KEY, CONTEXT),
    "another signature": (ENVELOPE[:-64] + sign1(KEY, b"", context=CONTEXT)[-64:], KEY, CONTEXT),
    "a signature of zeros": (ENVELOPE[:-64] + bytes(64), KEY, CONTEXT),
}


@pytest.mark.parametrize(("message", "key", "context"), MISFITS.values(), ids=MISFITS.keys())
def test_a_signature_holds_for_one_key_one_purpose_and_one_payload(message: bytes, key: Ed25519PrivateKey, context: bytes) -> None:
    assert refusal(message, key, context) == "the signature does not fit"


NO_ENVELOPES: dict[str, bytes] = {
    "no tag": envelope(tag=None),
    "the tag of COSE_Mac0": envelope(tag=17),
    "the tag of COSE_Sign": envelope(tag=98),
    "two tags": b"\xd8\x3d" + ENVELOPE,
    "another algorithm": envelope(protected=cbor2.dumps({1: -7})),
    "HMAC, with the public key for its secret": envelope(protected=cbor2.dumps({1: 5})),
    "no algorithm": envelope(protected=b""),
    "an empty protected header": envelope(protected=cbor2.dumps({})),
    "the algorithm and a key id": envelope(protected=cbor2.dumps({1: -8, 4: b"key"})),
    "the algorithm in another spelling": envelope(protected=b"\xa1\x18\x01\x27"),
    "a protected header that is a map": envelope(protected={1: -8}),
    "a header that is not protected": envelope(unprotected={4: b"key"}),
    "an unprotected header that is a list": envelope(unprotected=[]),
    "a payload that is a text": envelope(payload="open"),
    "a payload elsewhere": envelope(payload=None),
    "a fifth value": envelope(more=(b"",)),
    "cut short": ENVELOPE[:-1],
    "a signature of 63 bytes": ENVELOPE[:-66] + b"\x58\x3f" + ENVELOPE[-64:-1],
    "no signature": ENVELOPE[:-66] + b"\x40",
    "the head alone": ENVELOPE[:7],
    "a byte behind it": ENVELOPE + b"\x00",
    "an item behind it": ENVELOPE + ENVELOPE,
    "a length longer than it need be": ENVELOPE.replace(b"\x4f" + PAYLOAD, b"\x58\x0f" + PAYLOAD),
    "a payload in pieces": ENVELOPE.replace(b"\x4f" + PAYLOAD, b"\x5f\x47" + PAYLOAD[:7] + b"\x48" + PAYLOAD[7:] + b"\xff"),
    "a list without a stated length": b"\xd2\x9f" + ENVELOPE[2:] + b"\xff",
    "a tag longer than it need be": b"\xd8\x12" + ENVELOPE[1:],
    "nothing": b"",
    "a number": b"\x01",
    "no CBOR": b"\xff",
    "a tag of nothing": b"\xd2\xf6",
    "a tag of a map": b"\xd2" + cbor2.dumps({1: 1, 2: 2, 3: 3, 4: 4}),
    "a network of addresses": cbor2.dumps(ip_network("::/0")),
    "a tag of a network": b"\xd2" + cbor2.dumps(ip_network("::/0")),
    "a nest of lists": b"\xd2" + b"\x81" * 8000,
    "a nest of tags": b"\xd2" * 8000,
    "a payload that claims 2^63 bytes": b"\xd2\x84\x43\xa1\x01\x27\xa0\x5b\x7f" + b"\xff" * 7,
}


@pytest.mark.parametrize("message", NO_ENVELOPES.values(), ids=NO_ENVELOPES.keys())
def test_there_is_one_way_to_write_an_envelope(message: bytes) -> None:
    assert refusal(message) == "not a signed message"


def test_a_long_message_is_not_even_parsed() -> None:
    assert refusal(bytes(ENVELOPE_MAX + 1)) == "the signed message is too long"


@pytest.mark.parametrize("size", [23, 24, 255, 256, 65_535, 65_536, 1_000_000])
def test_who_expects_more_may_say_so(size: int) -> None:
    message = sign1(KEY, bytes(size), context=CONTEXT)
    assert verify1(message, PUBLIC, context=CONTEXT, longest=len(message)) == bytes(size)
    with pytest.raises(VerificationError):
        verify1(message, PUBLIC, context=CONTEXT, longest=len(message) - 1)


def test_an_envelope_with_one_bit_changed_never_verifies() -> None:
    verified = []
    for place in range(len(ENVELOPE)):
        for bit in range(8):
            changed = bytearray(ENVELOPE)
            changed[place] ^= 1 << bit
            with suppress(VerificationError):
                verified.append(verify1(bytes(changed), PUBLIC, context=CONTEXT))
    assert verified == []


ITEMS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.binary(max_size=70) | st.text(max_size=5) | st.just(PROTECTED),
    lambda inner: (
        st.lists(inner, max_size=5) | st.dictionaries(st.integers(0, 5), inner, max_size=3) | st.builds(cbor2.CBORTag, st.integers(0, 300), inner)
    ),
    max_leaves=12,
)
SIGN1_LIKE = st.builds(lambda values: cbor2.CBORTag(18, values), st.lists(ITEMS, min_size=4, max_size=4))


@SEEDED
@given(st.binary(max_size=300) | (ITEMS | SIGN1_LIKE).map(cbor2.dumps))
def test_any_bytes_are_refused_in_one_way(message: bytes) -> None:
    with pytest.raises(VerificationError):
        verify1(message, PUBLIC, context=CONTEXT)
