"""Facts that are told while the gate is being put together, before there is anybody to record them."""

from __future__ import annotations

from typing import Any

from device.domain import EventType
from device.gate.province import Tell


class Teller:
    """Keeps what it is told until ``begin``, and hands everything on from then."""

    def __init__(self) -> None:
        self._kept: list[tuple[EventType, dict[str, Any]]] = []
        self._to: Tell | None = None

    def __call__(self, kind: EventType, facts: dict[str, Any]) -> None:
        if self._to is None:
            self._kept.append((kind, facts))
        else:
            self._to(kind, facts)

    def begin(self, to: Tell) -> None:
        self._to = to
        for kind, facts in self._kept:
            to(kind, facts)
        self._kept.clear()
