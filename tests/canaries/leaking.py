"""``launch`` with a slip that is easily made: one line for whoever looks for a fault. The proof that the search would notice it."""

from __future__ import annotations

import logging
import sys

from device import cli, credentials
from device.credentials.trust import Trust
from device.domain import Credential, NotACredential

READ = credentials.read


def read(payload: bytes, trust: Trust) -> Credential | NotACredential:
    logging.getLogger("qrgate.gate").debug("reading %r", payload)
    return READ(payload, trust)


if __name__ == "__main__":
    logging.basicConfig(stream=sys.stderr, level=logging.DEBUG)
    credentials.read = read
    sys.exit(cli.main())
