"""``python -m tests.whole.prompt_recorder …`` is ``qrgate-provision recorder …`` that asks at once for what is missing.

The real one waits minutes, because a gate sends again by itself what nobody has confirmed.
"""

from __future__ import annotations

import sys

from provisioning import cli
from provisioning.operations import desk, repeats

PATIENCE_S = 0.5

if __name__ == "__main__":
    repeats.PATIENCE_S = desk.GAPS_S = PATIENCE_S
    sys.exit(cli.main(["recorder", *sys.argv[1:]]))
