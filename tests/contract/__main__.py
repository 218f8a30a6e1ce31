"""``python -m tests.contract write``: write ``docs/mqtt.md`` anew."""

from __future__ import annotations

import sys

from tests.contract.page import PAGE, page

if sys.argv[1:] == ["write"]:
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"{PAGE} is written\n")
else:
    sys.exit(__doc__)
