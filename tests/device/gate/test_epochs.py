from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from device.gate import epochs
from device.gate.epochs import Epochs, OldEpoch

FOR_EVER = 2**62


@pytest.mark.parametrize(
    ("name", "first", "last", "places"),
    [
        ("younger", 1, 20, (-20, -1)),
        ("younger", 5, 6, (-16, -15)),
        ("older", 1, 10, (-31, -22)),
        ("younger", 1, FOR_EVER, (-20, 0)),  # zero is nobody's place
        ("older", 1, FOR_EVER, (-31, -21)),  # and so is the one between two epochs
        ("another", 1, 2, None),
    ],
)
def test_a_range_of_an_epoch_of_before_has_no_place_of_another_one(name: str, first: int, last: int, places: tuple[int, int] | None) -> None:
    """Ten events of the older one, then twenty of the younger."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as database:
        database.executescript(epochs.TABLES)
        kept = Epochs(database)
        kept.add(OldEpoch("older", 11 + 21))
        kept.add(OldEpoch("younger", 21))
        assert kept.places(name, first, last) == places
