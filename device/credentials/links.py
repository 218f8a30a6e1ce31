"""Web links, taken apart exactly. Nothing is ever fetched.

A host is told only where every reader of links would see the same one: what is written before an ``@``, a backslash, other
letters than ASCII or escaped ones may lead a browser elsewhere than a parser believes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from device.credentials.text import decode, trimmed

LINK = re.compile(r"(https?)://([^/?#]*)([^?#]*)(\?[^#]*)?(#.*)?", re.IGNORECASE | re.ASCII)
AUTHORITY = re.compile(r"((?:[A-Z0-9_-]{1,63}\.)+[A-Z0-9-]{2,63})\.?(?::([0-9]{0,5}))?", re.IGNORECASE | re.ASCII)
OWN_PORTS = {("https", "443"), ("http", "80")}


@dataclass(frozen=True, slots=True)
class Link:
    """``origin`` is scheme, host and a port that is not the scheme's own, in lower case; ``host`` is empty where it is doubtful."""

    host: str
    origin: str
    path: str = field(repr=False)
    query: str = field(repr=False)  # what follows the question mark
    fragment: str = field(repr=False)  # what follows the hash


def parse(payload: bytes) -> Link | None:
    """The web link that is the whole of ``payload``, or ``None``."""
    if trimmed(payload)[:4].lower() != b"http":  # most payloads: spared the decoding
        return None
    found = LINK.fullmatch(decode(payload) or "")
    if found is None:
        return None
    scheme, authority, path, query, fragment = (part or "" for part in found.groups())
    told = AUTHORITY.fullmatch(authority)
    host, port = (told[1].lower(), told[2] or "") if told else ("", "")
    own = not port or (scheme.lower(), port) in OWN_PORTS
    origin = f"{scheme.lower()}://{host}" if own else f"{scheme.lower()}://{host}:{port}"
    return Link(host, origin, path, query[1:], fragment[1:])
