"""What a gate that runs, or ran, has recorded: read beside it, since its own uplink has the link."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import Any

from device.domain import EventType
from device.gate.packing import unpack
from tests.gates import Gate


def recorded(gate: Gate, kind: EventType) -> list[dict[str, Any]]:
    """The data of each event of ``kind``, in order."""
    with closing(sqlite3.connect(f"file:{gate.state / 'events.db'}?mode=ro", uri=True, timeout=5)) as database:
        rows = database.execute("SELECT body FROM event WHERE type = ? ORDER BY sequence", (kind.value,)).fetchall()
    return [json.loads(unpack(body))["data"] for (body,) in rows]
