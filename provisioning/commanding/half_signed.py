"""An order that waits for its second signature: a file that is sent from one signer to the other. It opens nothing by itself."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from device.commands import order
from device.commands.order import Order, Signature
from device.errors import UsageError, VerificationError
from device.events.topics import Topics
from provisioning import files

FILE_MAX = 64 * 1024


@dataclass(frozen=True, slots=True)
class HalfSigned:
    topics: Topics
    signature: Signature

    @property
    def order(self) -> Order:
        """What the second signer is about to sign."""
        return order.decode(self.payload)

    @property
    def payload(self) -> bytes:
        return order.unproven(self.signature)


def write(path: Path, half: HalfSigned) -> None:
    """Raises StoreError."""
    told = {"province": half.topics.province, "site": half.topics.site, "gate": half.topics.gate, "order": order.message([half.signature]).hex()}
    files.write(path, json.dumps(told) + "\n", mode=files.PRIVATE)


def read(path: Path) -> HalfSigned:
    """Raises UsageError where ``path`` is no such file."""
    hint = "`qrgate-provision command … --out FILE` writes it"
    try:
        with path.open("rb") as file:
            told = json.loads(file.read(FILE_MAX))
        (signature,) = order.read_message(bytes.fromhex(told["order"]))
        half = HalfSigned(Topics(str(told["province"]), str(told["site"]), str(told["gate"])), signature)
        is_whole = half.order.gate == half.topics.gate
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", hint=hint) from None
    except (ValueError, LookupError, TypeError, VerificationError):
        raise UsageError(f"{path} is no order that waits for a second signature", hint=hint) from None
    if not is_whole:
        raise UsageError(f"{path} names two gates", hint="do not sign it: somebody has changed it")
    return half
