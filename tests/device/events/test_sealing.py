from __future__ import annotations

from dataclasses import replace

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given, settings
from hypothesis import strategies as st

from device.domain import CredentialKind
from device.errors import VerificationError
from device.events.sealing import (
    HEAD_BYTES,
    OVERHEAD_BYTES,
    PLAIN_MAX,
    Identity,
    Occasion,
    key_id,
    prove_recipient,
    seal,
    seal_identity,
    unseal,
    unseal_identity,
)

SEEDED = settings(derandomize=True, database=None, deadline=None, max_examples=100)

DEPARTMENT, OTHER = (X25519PrivateKey.from_private_bytes(bytes([seed]) * 32) for seed in (1, 2))
EPHEMERAL = X25519PrivateKey.from_private_bytes(b"e" * 32)
RECIPIENT = DEPARTMENT.public_key()
OCCASION = Occasion("g-999", "0badcafe", 7)
CARD = Identity(CredentialKind.CCCD, "999000000001|999000001|Nguyễn Thử Nghiệm|01011990|Nam|Số 1 đường Mẫu|01012022".encode())
SEALED = seal_identity(CARD, RECIPIENT, OCCASION, ephemeral=EPHEMERAL)

GOLDEN = (
    "011a92f23852dc908dfb41b1fcf75c1227fa08876056a5ed07ac44fe0c116ec2de80b8e523959d78240a2700ead64cc13902101e114e0da72d137507"
    "56d8dd7d91e392662dd4614ebb97d510c24da40f08f1c4239ad6af87ae848b49eedfca89c81568d3ca8c03c0d984cb89c642fe858ff32361c6df140d"
    "fb5afc99637688585cf0510183a17f709969d64e1efd39323e254f2c67db3e4b185870dcf927370ea5de7df35b37339a074b9509ce4c85f18d47aaa2"
    "a61093ce2c4450da952cd0d1f3f7465f850e2b627a46932a3a0e08b95dc271bfe3a427df97ecd72b769227d08ead1ec00251d1567c3897399687b77a"
    "4887d349c457fd12adf8a4f060a0310d6694af604850d74eb493154d7118b2b61452248eb2e6b5426ab267bbaff6e4109f64aed1534bca1b231b1182"
    "e119b12c800a702911c1418eaa"
)


def refusal(sealed: bytes, key: X25519PrivateKey = DEPARTMENT, occasion: Occasion = OCCASION) -> str:
    with pytest.raises(VerificationError) as caught:
        unseal_identity(sealed, key, occasion)
    return caught.value.what


def test_the_golden_identity_is_sealed_as_it_always_was() -> None:
    """What was sealed years ago must open with later tools."""
    assert SEALED.hex() == GOLDEN


def test_the_department_reads_what_was_shown() -> None:
    assert unseal_identity(SEALED, DEPARTMENT, OCCASION) == CARD


def test_the_construction_is_as_documented() -> None:
    """Opened here by hand, with the library's own parts."""
    head, body = SEALED[:41], SEALED[41:]
    assert (head[:1], head[1:9], head[9:]) == (b"\x01", key_id(RECIPIENT), EPHEMERAL.public_key().public_bytes_raw())
    info = b"qrgate-sealed-identity-v1" + head + RECIPIENT.public_bytes_raw()
    derived = HKDF(SHA256(), 44, None, info).derive(DEPARTMENT.exchange(EPHEMERAL.public_key()))
    padded = ChaCha20Poly1305(derived[:32]).decrypt(derived[32:], body, head + cbor2.dumps(["g-999", "0badcafe", 7]))
    content = cbor2.dumps(["cccd", CARD.payload])
    assert padded == len(content).to_bytes(2, "big") + content + bytes(256 - 2 - len(content))


def test_the_same_card_twice_has_nothing_in_common() -> None:
    one, again = (seal_identity(CARD, RECIPIENT, OCCASION) for _ in range(2))
    assert (one[:9] == again[:9], one[9:41] == again[9:41], one[41:] == again[41:]) == (True, False, False)


def test_nobody_else_reads_it() -> None:
    assert refusal(SEALED, OTHER) == "it was sealed for another key"
    forged = SEALED[:1] + key_id(OTHER.public_key()) + SEALED[9:]
    assert refusal(forged, OTHER) == "it does not open"


@pytest.mark.parametrize("occasion", [replace(OCCASION, gate="g-998"), replace(OCCASION, epoch="0badcaff"), replace(OCCASION, sequence=8)])
def test_beside_another_event_it_does_not_open(occasion: Occasion) -> None:
    assert refusal(SEALED, occasion=occasion) == "it does not open"


def test_no_bit_may_change() -> None:
    opened = []
    for place in range(len(SEALED)):
        changed = bytearray(SEALED)
        changed[place] ^= 1 << place % 8
        try:
            opened.append(unseal_identity(bytes(changed), DEPARTMENT, OCCASION))
        except VerificationError:
            continue
    # The highest bit of an X25519 key is no part of it (RFC 7748), but of what is bound in.
    assert opened == []


NO_SEALS = {
    "nothing": b"",
    "the head alone": SEALED[:HEAD_BYTES],
    "no content": SEALED[:HEAD_BYTES] + SEALED[-16:],
    "cut short": SEALED[:-1],
    "a byte behind it": SEALED + b"\x00",
    "a class cut off": seal(bytes(300), RECIPIENT, aad=b"")[:-255],
    "a version of later days": b"\x02" + SEALED[1:],
    "too long": SEALED + bytes(256 * 70),
}


@pytest.mark.parametrize("sealed", NO_SEALS.values(), ids=NO_SEALS.keys())
def test_what_is_none_is_told_as_none(sealed: bytes) -> None:
    assert refusal(sealed) == "this is no sealed identity"


def test_a_key_that_everybody_shares_is_no_recipient() -> None:
    with pytest.raises(VerificationError, match="no key to seal with"):
        seal(b"", X25519PublicKey.from_public_bytes(bytes(32)), aad=b"")
    assert refusal(SEALED[:9] + bytes(32) + SEALED[41:]) == "this is no key to seal with"


@pytest.mark.parametrize(("plain", "length"), [(0, 256), (1, 256), (254, 256), (255, 512), (510, 512), (511, 768), (PLAIN_MAX, PLAIN_MAX + 256)])
def test_the_length_tells_only_a_class(plain: int, length: int) -> None:
    sealed = seal(bytes(plain), RECIPIENT, aad=b"")
    assert (len(sealed) - OVERHEAD_BYTES, unseal(sealed, DEPARTMENT, aad=b"")) == (length, bytes(plain))


def test_what_is_too_long_is_not_sealed() -> None:
    with pytest.raises(VerificationError):
        seal(bytes(PLAIN_MAX + 1), RECIPIENT, aad=b"")


@pytest.mark.parametrize("plain", [b"", b"\xff", cbor2.dumps(["weather", b""]), cbor2.dumps(["cccd", "text"]), cbor2.dumps(["cccd"]), cbor2.dumps(7)])
def test_what_opens_and_is_no_identity_is_told(plain: bytes) -> None:
    assert refusal(seal(plain, RECIPIENT, aad=cbor2.dumps(["g-999", "0badcafe", 7]))) == "it opens, and holds no identity"


@SEEDED
@given(st.sampled_from(CredentialKind), st.binary(max_size=3000))
def test_what_was_sealed_comes_out(kind: CredentialKind, payload: bytes) -> None:
    identity = Identity(kind, payload)
    assert unseal_identity(seal_identity(identity, RECIPIENT, OCCASION), DEPARTMENT, OCCASION) == identity


@SEEDED
@given(st.binary(max_size=700))
def test_any_bytes_are_refused_in_one_way(sealed: bytes) -> None:
    with pytest.raises(VerificationError):
        unseal(sealed, DEPARTMENT, aad=b"")


def test_what_was_shown_is_not_in_a_repr() -> None:
    assert "999000000001" not in repr(CARD)


def test_a_key_to_which_nothing_can_be_sealed_is_found_before_anybody_passes() -> None:
    prove_recipient(X25519PrivateKey.from_private_bytes(b"d" * 32).public_key().public_bytes_raw())
    with pytest.raises(VerificationError, match="no key to seal with"):
        prove_recipient(bytes(32))
