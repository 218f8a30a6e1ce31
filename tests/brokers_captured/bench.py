"""A real gate whose pins are played, with somebody who shows passes to it; what it has done and what it still holds."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Self

from device.clock import monotonic_ns
from device.gate.packing import unpack
from device.links import Link
from tests.gates import Gate, show
from tests.played_pins import PlayedPins

RELAY_PIN = 17
WITHIN_S = 30.0


class Bench:
    """Use it in a ``with``. ``admitted`` counts the passes that were shown: each opens the lane once."""

    def __init__(self, folder: Path, lines: dict[str, str] | None = None) -> None:
        self.gate = Gate(folder, lines or {})
        self.admitted = 0
        self._played = PlayedPins(self.gate)
        self._reader: Link | None = None

    def __enter__(self) -> Self:
        self._played.start()
        self._reader = self.gate.connect("reader", within_s=WITHIN_S)
        return self

    def __exit__(self, *_: object) -> None:
        if self._reader is not None:
            self._reader.close()
        self._played.stop()

    def admit(self) -> None:
        """Show the next pass, and see the lane open and close for it."""
        assert self._reader is not None
        self.admitted += 1
        shown_ns = monotonic_ns()
        show(self._reader, self.gate.track(self.gate.issuer.issue(self.admitted)))
        opened_ns = self._played.await_level(RELAY_PIN, high=True, after_ns=shown_ns, within_s=WITHIN_S)
        self._played.await_level(RELAY_PIN, high=False, after_ns=opened_ns, within_s=WITHIN_S)
        show(self._reader)

    @property
    def opened(self) -> int:
        """How often the relay has opened the lane."""
        return sum(edge.high for edge in self._played.edges(RELAY_PIN))

    def end(self) -> str:
        """Stop the gate in order; what it wrote to stderr."""
        return self._played.stop()

    def held(self) -> set[bytes]:
        """Bodies of all events that the store of the stopped gate holds, those that stand aside for a void among them."""
        with closing(sqlite3.connect(f"file:{self.gate.state / 'events.db'}?mode=ro", uri=True)) as database:
            return {unpack(body) for (body,) in database.execute("SELECT body FROM event UNION SELECT body FROM voided")}
