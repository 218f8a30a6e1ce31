"""The EU's public test data, where it is at hand."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("QRGATE_SHARED") or Path(__file__).parents[5] / "shared")
DCC = SHARED / "data" / "dcc"

needs_public_cases = pytest.mark.skipif(not DCC.exists(), reason="the EU's test data is not here")
