"""The sealed identity: what a person showed, for the health department's eyes alone.

A fresh X25519 key for each seal, its secret with the recipient's key through HKDF-SHA256 to a key and nonce for
ChaCha20-Poly1305. The occasion (gate, epoch, sequence of the event) is bound in: sealed bytes that were put beside another
event do not open. Nobody signs here; the event, which is signed for, carries the SHA-256 of the sealed bytes.

    sealed = version (1) | recipient's key id (8) | ephemeral public key (32) | ciphertext (256 n) | tag (16)

What is inside is padded to classes of 256 bytes, so that the length tells no name and no format.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import cbor2
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from device.bundles import strict
from device.domain import CredentialKind
from device.errors import VerificationError

VERSION = b"\x01"
PURPOSE = b"qrgate-sealed-identity-v1"
KEY_ID_BYTES, PUBLIC_BYTES, TAG_BYTES, LENGTH_BYTES = 8, 32, 16, 2
KEY_BYTES, NONCE_BYTES = 32, 12
CLASS_BYTES = 256
PLAIN_MAX = 16 * 1024
"""Bytes inside; the longest code that a frame can hold has 2,953."""
HEAD_BYTES = len(VERSION) + KEY_ID_BYTES + PUBLIC_BYTES
OVERHEAD_BYTES = HEAD_BYTES + TAG_BYTES
"""Beside the padded content."""


@dataclass(frozen=True, slots=True)
class Occasion:
    """The event that a sealed identity belongs to."""

    gate: str
    epoch: str
    sequence: int


@dataclass(frozen=True, slots=True)
class Identity:
    """What is sealed: the credential as it was shown."""

    kind: CredentialKind
    payload: bytes = field(repr=False)


def key_id(recipient: X25519PublicKey) -> bytes:
    """By which a department with several keys knows which one opens: the first 8 bytes of the SHA-256 of the public key."""
    return hashlib.sha256(recipient.public_bytes_raw()).digest()[:KEY_ID_BYTES]


def seal_identity(identity: Identity, recipient: X25519PublicKey, occasion: Occasion, *, ephemeral: X25519PrivateKey | None = None) -> bytes:
    """``identity`` for the holder of ``recipient``'s private half. ``ephemeral`` is for test vectors only: a key used twice tells.

    Raises:
        VerificationError: the identity is too long, or the recipient's key is none.
    """
    return seal(cbor2.dumps([str(identity.kind), identity.payload]), recipient, aad=binding(occasion), ephemeral=ephemeral)


def prove_recipient(public: bytes) -> None:
    """Seal something for the public key ``public`` (32 bytes). Raises VerificationError where that cannot be done."""
    seal(b"", X25519PublicKey.from_public_bytes(public), aad=b"")


def unseal_identity(sealed: bytes, key: X25519PrivateKey, occasion: Occasion) -> Identity:
    """Raises VerificationError where ``sealed`` was not sealed for ``key`` and ``occasion``, or was changed."""
    plain = unseal(sealed, key, aad=binding(occasion))
    try:
        kind, payload = strict.decode(plain)  # anybody can seal for a public key, so what comes out may be anything
        identity = Identity(CredentialKind(kind), payload)
    except (ValueError, TypeError):
        raise _no_identity() from None
    if type(payload) is not bytes:
        raise _no_identity()
    return identity


def binding(occasion: Occasion) -> bytes:
    """The additional data that binds sealed bytes to their event."""
    bound: bytes = cbor2.dumps([occasion.gate, occasion.epoch, occasion.sequence])
    return bound


def seal(plain: bytes, recipient: X25519PublicKey, *, aad: bytes, ephemeral: X25519PrivateKey | None = None) -> bytes:
    """See ``seal_identity``; the recipient's key id and the version are bound in besides ``aad``."""
    if len(plain) > PLAIN_MAX:
        raise VerificationError(f"{len(plain)} bytes are too many to seal", hint=f"at most {PLAIN_MAX}")
    ephemeral = ephemeral or X25519PrivateKey.generate()
    head = VERSION + key_id(recipient) + ephemeral.public_key().public_bytes_raw()
    key, nonce = _key_and_nonce(ephemeral, recipient, head, recipient)
    return head + ChaCha20Poly1305(key).encrypt(nonce, _padded(plain), head + aad)


def unseal(sealed: bytes, key: X25519PrivateKey, *, aad: bytes) -> bytes:
    """Raises VerificationError where ``sealed`` was not sealed for ``key`` and ``aad``, or was changed."""
    head, body = sealed[:HEAD_BYTES], sealed[HEAD_BYTES:]
    if sealed[:1] != VERSION or (len(body) - TAG_BYTES) % CLASS_BYTES or not CLASS_BYTES <= len(body) - TAG_BYTES <= PLAIN_MAX + CLASS_BYTES:
        raise VerificationError("this is no sealed identity", hint="give the sealed bytes of one event, whole")
    recipient = key.public_key()
    if head[1 : 1 + KEY_ID_BYTES] != key_id(recipient):
        raise VerificationError("it was sealed for another key", hint=f"look for the key whose id is {head[1 : 1 + KEY_ID_BYTES].hex()}")
    ephemeral = X25519PublicKey.from_public_bytes(head[-PUBLIC_BYTES:])
    derived, nonce = _key_and_nonce(key, ephemeral, head, recipient)
    try:
        padded = ChaCha20Poly1305(derived).decrypt(nonce, body, head + aad)
    except InvalidTag:
        raise VerificationError("it does not open", hint="it belongs to another event, or was changed on its way") from None
    return _unpadded(padded)


def _key_and_nonce(own: X25519PrivateKey, peer: X25519PublicKey, head: bytes, recipient: X25519PublicKey) -> tuple[bytes, bytes]:
    """Both keys of the exchange go into the derivation, as in HPKE: no third key gives the same secret."""
    try:
        shared = own.exchange(peer)
    except ValueError:  # a point of small order, with which everybody shares the same secret
        raise VerificationError("this is no key to seal with", hint="was it copied whole?") from None
    info = PURPOSE + head + recipient.public_bytes_raw()
    derived = HKDF(algorithm=hashes.SHA256(), length=KEY_BYTES + NONCE_BYTES, salt=None, info=info).derive(shared)
    return derived[:KEY_BYTES], derived[KEY_BYTES:]


def _padded(plain: bytes) -> bytes:
    told = len(plain).to_bytes(LENGTH_BYTES, "big") + plain
    return told + bytes(-len(told) % CLASS_BYTES)


def _unpadded(padded: bytes) -> bytes:
    size = int.from_bytes(padded[:LENGTH_BYTES], "big")
    plain = padded[LENGTH_BYTES : LENGTH_BYTES + size]
    if _padded(plain) != padded:
        raise _no_identity()
    return plain


def _no_identity() -> VerificationError:
    return VerificationError("it opens, and holds no identity", hint="is this tool older than the gate?")
