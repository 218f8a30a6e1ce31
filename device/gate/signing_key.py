"""The key with which the gate signs: the head of its chain of events, voids, and answers. Made here, and never anywhere else."""

from __future__ import annotations

import secrets
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from device.errors import StoreError
from device.gate.keys import write_secret

NAME = "signing.key"
KEY_BYTES = 32


class SigningKey:
    """``public`` is the public half, 32 bytes. The recorder keeps the first that it sees of a gate, and another one is an alarm."""

    def __init__(self, state: Path) -> None:
        """Raises StoreError where the key can be neither read nor made."""
        path = state / NAME
        if not path.exists():
            write_secret(path, secrets.token_bytes(KEY_BYTES))
        try:
            secret = path.read_bytes()
        except OSError as error:
            raise StoreError(f"{path} cannot be read: {error.strerror}", hint="it must belong to the gate's user") from None
        if len(secret) != KEY_BYTES:
            raise StoreError(
                f"{path} holds {len(secret)} bytes instead of {KEY_BYTES}",
                hint="it is damaged: take it away, a new one is made at the next start, and the office must accept it at the recorder",
            )
        self.key = Ed25519PrivateKey.from_private_bytes(secret)
        self.public = self.key.public_key().public_bytes_raw()
