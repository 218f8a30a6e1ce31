"""The claims (CWT, RFC 8392) around a health certificate."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from device.credentials.hc1 import cbor
from device.credentials.hc1.broken import BrokenError
from device.domain import Misread

ISSUER, EXPIRES, ISSUED, HEALTH = 1, 4, 6, -260
EU_HEALTH_V1 = 1
SECONDS = range(2**40)  # since 1970


@dataclass(frozen=True, slots=True)
class Claims:
    """Who issued it (as they call themselves), from when until when (seconds since 1970 UTC), and the certificate itself."""

    issuer: str | None
    issued_s: int | None
    expires_s: int | None
    certificate: Mapping[Any, Any] = field(repr=False)


def parse(payload: bytes) -> Claims:
    """The claims in ``payload``. A time that is none counts as missing.

    Raises:
        BrokenError: no claims, or no health certificate among them; ``UNSUPPORTED`` where there is one of another kind.
    """
    claims = cbor.loads(payload)
    if type(claims) is not dict:
        raise BrokenError("no claims")
    health = claims.get(HEALTH)
    if type(health) is not dict or not health:
        raise BrokenError("no health certificate among the claims")
    if EU_HEALTH_V1 not in health:
        raise BrokenError("a health certificate of another kind", Misread.UNSUPPORTED)
    certificate = health[EU_HEALTH_V1]
    if type(certificate) is not dict:
        raise BrokenError("a health certificate that is no map")
    issuer = claims.get(ISSUER)
    return Claims(issuer if type(issuer) is str else None, _seconds(claims.get(ISSUED)), _seconds(claims.get(EXPIRES)), certificate)


def _seconds(value: object) -> int | None:
    """A NumericDate: whole or broken seconds. Issuers write both."""
    if type(value) is float:
        value = math.floor(value)
    return value if type(value) is int and value in SECONDS else None
