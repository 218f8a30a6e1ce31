"""The kinds of keys: Ed25519 signs passes, bundles and confirmations, P-256 speaks TLS (what every broker accepts), X25519 opens seals."""

from __future__ import annotations

from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat, load_pem_private_key

from device.errors import UsageError, VerificationError
from provisioning import files

SEED_BYTES = 32


def make_signing_key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


def signing_key_from_seed(seed: bytes) -> Ed25519PrivateKey:
    """The same key for the same 32 bytes: for demonstrations that must repeat, never for a real province."""
    if len(seed) != SEED_BYTES:
        raise UsageError(f"a seed has {SEED_BYTES} bytes, this one {len(seed)}", hint="give 64 hex digits")
    return Ed25519PrivateKey.from_private_bytes(seed)


def make_tls_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def write_key(path: Path, key: Ed25519PrivateKey | ec.EllipticCurvePrivateKey | X25519PrivateKey) -> None:
    """``key`` as PKCS #8 in PEM, readable by its owner only (``files.write``)."""
    files.write(path, pem(key), mode=files.PRIVATE)


def pem(key: Ed25519PrivateKey | ec.EllipticCurvePrivateKey | X25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def read_signing_key(path: Path) -> Ed25519PrivateKey:
    """Raises VerificationError where ``path`` holds no Ed25519 key."""
    key = _read(path)
    if not isinstance(key, Ed25519PrivateKey):
        raise VerificationError(f"{path} is a key of another kind", hint="an Ed25519 key is expected; was a TLS key copied here?")
    return key


def read_tls_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """Raises VerificationError where ``path`` holds no P-256 key."""
    key = _read(path)
    if not (isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1)):
        raise VerificationError(f"{path} is a key of another kind", hint="a P-256 key is expected; was a signing key copied here?")
    return key


def read_sealing_key(path: Path) -> X25519PrivateKey:
    """Raises VerificationError where ``path`` holds no X25519 key."""
    key = _read(path)
    if not isinstance(key, X25519PrivateKey):
        raise VerificationError(f"{path} is a key of another kind", hint="an X25519 key is expected; `qrgate-provision identity make` makes one")
    return key


def raw_public(key: Ed25519PrivateKey) -> bytes:
    """The 32 bytes by which the world knows ``key``."""
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def _read(path: Path) -> object:
    try:
        return load_pem_private_key(path.read_bytes(), password=None)
    except FileNotFoundError:
        raise VerificationError(f"there is no key {path}", hint="`qrgate-provision init` makes it; is this the right folder?") from None
    except OSError as error:
        raise VerificationError(f"the key {path} cannot be read: {error.strerror}", hint="only its owner may read a key") from error
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # The library's own words may quote the file: a key is never repeated, not even a broken one.
        raise VerificationError(f"{path} is no key, or a damaged one", hint="restore it from the province office's copy") from None
