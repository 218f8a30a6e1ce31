"""Kind ``keys``: pseudonym keys of one site for days to come, ``{site, days: {YYYY-MM-DD: 32 bytes}}``.

The bundle is signed and not encrypted: it is carried to the gate by hand, never through a broker.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from device.errors import VerificationError
from device.events.pseudonyms import HeldKeys, from_table


def read_keys(content: Mapping[str, Any] | bytes, *, site: str) -> HeldKeys:
    """Raises VerificationError where ``content`` is no set of day keys that the office made for ``site``."""
    try:
        held = from_table(content) if isinstance(content, Mapping) and "own" not in content else None
    except (ValueError, LookupError):
        held = None
    if held is None:
        raise VerificationError("no set of day keys", hint="`qrgate-provision keys` makes it")
    if held.site != site:
        raise VerificationError(f"the day keys of site {held.site}, not of {site}", hint="`qrgate-provision keys` makes them for each site")
    return held


def keys_content(held: HeldKeys) -> dict[str, Any]:
    return {"site": held.site, "days": {each.day.isoformat(): each.key for each in (held.in_use, *held.ahead)}}
