"""A published key set (JWKS) as issuers of SMART Health Cards have it: its keys as a trust document names them."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from device.errors import VerificationError


def card_keys(issuer: str, key_set: bytes) -> list[dict[str, Any]]:
    """The P-256 keys under ``issuer``'s URL; keys for other uses are left out. Raises VerificationError where it is no key set."""
    try:
        return [
            {"issuer": issuer, "kid": each["kid"], "key": b"\x04" + _coordinate(each["x"]) + _coordinate(each["y"])}
            for each in json.loads(key_set)["keys"]
            if each.get("kty") == "EC" and each.get("crv") == "P-256" and each.get("use", "sig") == "sig"
        ]
    except (ValueError, LookupError, TypeError, AttributeError, binascii.Error, RecursionError):
        raise VerificationError("it is no key set", hint="what the issuer publishes at …/.well-known/jwks.json") from None


def _coordinate(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
