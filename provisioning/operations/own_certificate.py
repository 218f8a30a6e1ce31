"""The recorder's own TLS files, looked at while it runs: a renewed certificate is taken without a restart.

Files that are half copied cannot be used, and whether the broker takes those that can shows only when somebody connects with them. So the
recorder goes on with what it has until the broker has taken the new ones; where it refuses them, old and new are tried by turns.
"""

from __future__ import annotations

import logging
import ssl
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509

from device.errors import VerificationError
from provisioning.authority.certificates import DUE
from provisioning.operations.connection import tls_context
from provisioning.operations.settings import Broker

LOOK_S = 2.0
TELL_S = 24 * 3600.0

log = logging.getLogger("qrgate.recorder")


@dataclass(frozen=True, slots=True)
class Files:
    """One state of certificate, key and authority."""

    context: ssl.SSLContext
    ends: datetime


class OwnCertificate:
    """``now_s`` is monotonic, ``now`` the date."""

    def __init__(self, broker: Broker, now_s: float) -> None:
        """Raises VerificationError where the files cannot be used."""
        self._broker = broker
        self._stamp = self._read_stamp = _stamp(broker)
        self._refused: Files | None = None  # that was told
        self._taken = self._newest = self._chosen = _read(broker)  # the last that the broker took, the last that could be read, and one of both
        self._look_s = now_s
        self._tell_s = now_s

    def choose(self) -> ssl.SSLContext:
        """For the next connection: the newest, unless the last attempt was with it and the broker has not taken it yet."""
        self._chosen = self._taken if self._chosen is self._newest else self._newest
        return self._chosen.context

    def was_taken(self) -> None:
        """The broker has let the recorder in with what was chosen."""
        if self._chosen is not self._newest and self._refused is not self._newest:
            self._refused = self._newest
            log.warning("the broker refuses the recorder's new certificate; goes on with the old one, which ends on %s", self._chosen.ends.date())
        elif self._chosen is self._newest is not self._taken:
            self._taken = self._newest
            log.info("the broker has taken the recorder's new certificate, which ends on %s", self._chosen.ends.date())

    def look(self, now_s: float, now: datetime) -> bool:
        """Whether new files have come with which to connect anew. What cannot be used is told once; an end that is near, once a day."""
        if now_s >= self._tell_s:
            self._tell_s = now_s + TELL_S
            self._tell_end(now)
        if now_s - self._look_s < LOOK_S:
            return False
        self._look_s = now_s
        before, self._stamp = self._stamp, _stamp(self._broker)
        if self._stamp == self._read_stamp or self._stamp != before:  # as read already, or still being copied
            return False
        self._read_stamp = self._stamp
        try:
            self._newest = _read(self._broker)
        except VerificationError as error:
            log.warning("%s (%s); goes on with the old ones", error.what, error.hint)
            return False
        return True

    def _tell_end(self, now: datetime) -> None:
        if self._taken.ends - now < DUE:
            log.warning(
                "the recorder's certificate ends on %s; in the office: qrgate-provision certificates --out DIR --renew recorder",
                self._taken.ends.date(),
            )


def _read(broker: Broker) -> Files:
    context = tls_context(broker)
    try:
        return Files(context, x509.load_pem_x509_certificate(broker.certificate_file.read_bytes()).not_valid_after_utc)
    except (OSError, ValueError) as error:
        raise VerificationError(f"{broker.certificate_file} cannot be read: {error}", hint="were all files copied?") from error


def _stamp(broker: Broker) -> tuple[tuple[int, int, int] | None, ...]:
    """Another one where a file was replaced or written to."""
    return tuple(_stamp_of(path) for path in (broker.ca_file, broker.certificate_file, broker.key_file))


def _stamp_of(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
