"""All that is told of a payload, beside its length: which format it is written in."""

from __future__ import annotations

from device import credentials
from device.credentials.trust import Trust
from device.domain import Credential


def kind_of(payload: bytes) -> str:
    """Without issuers nothing is proven; the kind is known all the same."""
    claim = credentials.read(payload, Trust())
    return str(claim.kind if isinstance(claim, Credential) else claim.what)
