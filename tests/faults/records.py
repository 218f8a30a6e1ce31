"""What gate and recorder have on disk, read from outside."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REST_S = 3.0


@dataclass(frozen=True, slots=True)
class Records:
    """Of one gate."""

    stored: tuple[bytes, ...]  # bodies at the recorder, in order
    doubtful: int  # further bodies that it has under an id which it had already
    alarms: tuple[str, ...]  # what it noticed about the gate
    last_sequence: int
    waiting: int  # events of the gate that nobody has confirmed
    uses: tuple[int, ...]  # of each pass, as the gate counts


def read(store: Path, archive: Path, gate: str) -> Records:
    """When both are at rest."""
    ((last,),) = ask(store, "SELECT sequence FROM head")
    source = f"/gates/{gate}"
    doubtful = sum(ask(archive, f"SELECT count(*) FROM {table} WHERE source = ?", source)[0][0] for table in ("conflicts", "voided"))  # noqa: S608
    return Records(
        stored=tuple(body for (body,) in ask(archive, "SELECT body FROM events WHERE source = ? ORDER BY epoch, sequence", source)),
        doubtful=doubtful,
        alarms=tuple(what for (what,) in ask(archive, "SELECT what FROM alarms WHERE gate = ?", gate)),
        last_sequence=last,
        waiting=waiting(store),
        uses=tuple(uses for (uses,) in ask(store, "SELECT uses FROM pass_use")),
    )


def waiting(store: Path) -> int:
    """Events of the gate that nobody has confirmed yet."""
    return int(ask(store, "SELECT count(*) FROM event")[0][0])


class Rest:
    """Whether gates are at rest: everything is confirmed, no grant is open, and nothing was recorded for a while. To be asked again and again."""

    def __init__(self, stores: Sequence[Path]) -> None:
        self._stores = stores
        self._last: list[object] = []
        self._since_s = 0.0

    def __call__(self) -> bool:
        last: list[object] = [ask(store, "SELECT sequence FROM head") for store in self._stores]
        busy = any(waiting(store) or ask(store, "SELECT count(*) FROM open_grant") != [(0,)] for store in self._stores)
        if busy or last != self._last:
            self._last, self._since_s = last, time.monotonic()
        return time.monotonic() - self._since_s >= REST_S


def ask(file: Path, question: str, *values: bytes | str | int) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=5)) as database:
        return database.execute(question, values).fetchall()
