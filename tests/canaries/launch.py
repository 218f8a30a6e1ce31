"""``qrgate`` with a log that keeps everything, as a technician who looks for a fault may set it."""

from __future__ import annotations

import logging
import sys

from device import cli

if __name__ == "__main__":
    logging.basicConfig(stream=sys.stderr, level=logging.DEBUG)  # the first to speak decides: the command's own call changes nothing
    sys.exit(cli.main())
