"""Rotating passes (KD2): one secret a site, and what a telephone must be told to show a pass.

The secret stays in the office and goes to the gates of its site; whoever has it can make such passes. A telephone gets
the secret of its own pass only, and the office can always tell it again: it follows from the site's and the pass's id.
"""

from __future__ import annotations

import base64
import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from device.credentials import kd2
from device.errors import UsageError, VerificationError
from device.settings import ID_PATTERN, ID_WORDS
from provisioning import files

FOLDER = "rotating"
SECRET_BYTES = 32
FULL_ID = re.compile(r"([A-Z2-7]{8})\.[A-Z2-7]{16}")


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What the telephone of one pass must know."""

    pass_id: str
    secret: bytes = field(repr=False)

    @property
    def link(self) -> str:
        """As authenticator applications read it; they show the digits, an application of one's own the whole code."""
        return (
            f"otpauth://totp/qrgate:{self.pass_id}?secret={base64.b32encode(self.secret).decode('ascii').rstrip('=')}"
            f"&issuer=qrgate&algorithm=SHA1&digits={kd2.DIGITS}&period={kd2.STEP_S}"
        )

    def text_at(self, moment: datetime) -> str:
        """The code that the telephone shows at ``moment`` (aware)."""
        return kd2.text_at(self.secret, self.pass_id, int(moment.timestamp()))


def site_secret(authority: Path, site: str) -> bytes:
    """The secret of ``site`` from ``authority/rotating/<site>.key`` (64 hex digits), made at the first time.

    Raises:
        UsageError: ``site`` is no id.
        VerificationError: the file holds no secret.
    """
    if not re.fullmatch(ID_PATTERN, site):
        raise UsageError(f"{site!r} is no id of a site", hint=ID_WORDS)
    path = authority / FOLDER / f"{site}.key"
    if not path.exists():
        files.make_folder(path.parent)
        files.write(path, secrets.token_hex(SECRET_BYTES) + "\n", mode=files.PRIVATE)
    return read_secret(path)


def read_secret(path: Path) -> bytes:
    """Raises VerificationError where ``path`` holds no secret of a site."""
    try:
        text = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        text = ""
    if not re.fullmatch(rf"[0-9a-f]{{{2 * SECRET_BYTES}}}", text):
        raise VerificationError(f"{path} is no secret of rotating passes, or a damaged one", hint="restore it from the province office's copy")
    return bytes.fromhex(text)


def enrol(secret: bytes, pass_id: str | None = None) -> Enrolment:
    """A new pass of the site whose secret this is; with ``pass_id`` that pass once more, for another telephone.

    Raises:
        UsageError: ``pass_id`` is none, or belongs to another key.
    """
    key = kd2.key_id(secret)
    if pass_id is None:
        pass_id = kd2.full_pass_id(key, secrets.token_bytes(kd2.PASS_ID_BYTES))
    known = FULL_ID.fullmatch(pass_id)
    if known is None or known[1] != key:
        raise UsageError(f"{pass_id!r} is no rotating pass of this site", hint=f"its passes begin with {key}. and have 25 characters")
    return Enrolment(pass_id, kd2.pass_secret(secret, pass_id))
