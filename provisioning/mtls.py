"""TLS towards the broker, for whoever is no gate: the recorder, and people who order."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Protocol

from device.errors import VerificationError


class TlsFiles(Protocol):
    """PEM files: whom to believe, and who one is."""

    @property
    def ca_file(self) -> Path: ...
    @property
    def certificate_file(self) -> Path: ...
    @property
    def key_file(self) -> Path: ...


def client_context(files: TlsFiles, *, whose: str, hint: str) -> ssl.SSLContext:
    """Mutual TLS 1.2 or newer, host name checked, no authority believed but that of ``files``. An error names ``whose`` they are.

    Raises:
        VerificationError: certificate or key is missing, damaged or behind a password, or they do not belong together.
    """
    try:
        context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=str(files.ca_file))
        context.load_cert_chain(files.certificate_file, files.key_file, password=_no_password)
    except (OSError, ValueError) as error:
        raise VerificationError(f"the TLS files of {whose} cannot be used: {error}", hint=hint) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _no_password() -> str:
    """Asked for by an encrypted key: without this, OpenSSL would wait at the terminal for ever."""
    return ""
