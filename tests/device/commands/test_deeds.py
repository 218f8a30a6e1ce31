from __future__ import annotations

from typing import Any

import pytest

from device.admission import list_file
from device.bundles.delegations import Role
from device.bundles.envelope import BUNDLE_MAX
from device.commands import deeds
from device.commands.deeds import RANGES_MAX, Announce, Deed, Verb
from device.errors import VerificationError
from device.events.confirmation import SEQUENCE_END
from tests.device.commands.orders import DEEDS, EPOCH


@pytest.mark.parametrize("deed", DEEDS.values(), ids=DEEDS.keys())
def test_what_is_ordered_is_what_is_read(deed: Deed) -> None:
    assert deeds.read(deeds.verb_of(deed), deeds.arguments(deed)) == deed


def test_every_verb_has_a_deed_a_reader_and_somebody_who_may() -> None:
    every = set(Verb)
    assert {deeds.verb_of(deed) for deed in DEEDS.values()} == set(deeds.VERBS.values()) == set(deeds.READERS) == set(deeds.ROLES) == every
    assert set().union(*deeds.ROLES.values()) == set(Role)


def test_only_what_frees_or_locks_a_lane_needs_two_keys() -> None:
    assert [name for name, deed in DEEDS.items() if deeds.needs_two(deed)] == ["free", "locked", "drill"]


WRONG: dict[str, tuple[Verb, Any]] = {
    "no table": (Verb.RESTART, []),
    "an argument too many": (Verb.RESTART, {"now": True}),
    "an argument that is missing": (Verb.OPEN, {}),
    "a way that is none": (Verb.OPEN, {"direction": "both"}),
    "a mode that nobody knows": (Verb.MODE, {"mode": "test"}),
    "a drill without an end": (Verb.DRILL, {"minutes": 0}),
    "a drill of an hour": (Verb.DRILL, {"minutes": 60}),
    "half a minute": (Verb.DRILL, {"minutes": 0.5}),
    "a truth for a number": (Verb.DRILL, {"minutes": True}),
    "keys of days, which are secret": (Verb.BUNDLE, {"kind": "keys", "size": 1, "sha256": b"h" * 32}),
    "an empty file": (Verb.BUNDLE, {"kind": "policy", "size": 0, "sha256": b"h" * 32}),
    "a bundle that no gate takes": (Verb.BUNDLE, {"kind": "policy", "size": BUNDLE_MAX + 1, "sha256": b"h" * 32}),
    "a list that no gate takes": (Verb.BUNDLE, {"kind": "deny", "size": list_file.FILE_MAX + 1, "sha256": b"h" * 32}),
    "half a hash": (Verb.BUNDLE, {"kind": "policy", "size": 1, "sha256": b"h" * 16}),
    "no events": (Verb.REPLAY, {"epoch": EPOCH, "ranges": []}),
    "too many ranges": (Verb.REPLAY, {"epoch": EPOCH, "ranges": [[1, 1]] * (RANGES_MAX + 1)}),
    "a range backwards": (Verb.REPLAY, {"epoch": EPOCH, "ranges": [[2, 1]]}),
    "a range from nothing": (Verb.REPLAY, {"epoch": EPOCH, "ranges": [[0, 1]]}),
    "a range without an end": (Verb.REPLAY, {"epoch": EPOCH, "ranges": [[1, SEQUENCE_END]]}),
    "a range of three": (Verb.REPLAY, {"epoch": EPOCH, "ranges": [[1, 2, 3]]}),
    "an epoch of another kind": (Verb.REPLAY, {"epoch": "E", "ranges": [[1, 1]]}),
    "a time before 1970": (Verb.TIME, {"utc_ms": -1}),
    "a time beyond all dates": (Verb.TIME, {"utc_ms": 2**42}),
    "an erasure backwards": (Verb.ERASE, {"epoch": EPOCH, "first": 9, "last": 3}),
}


@pytest.mark.parametrize(("verb", "table"), WRONG.values(), ids=WRONG.keys())
def test_anything_else_is_no_deed(verb: Verb, table: Any) -> None:
    with pytest.raises(VerificationError):
        deeds.read(verb, table)


def test_the_greatest_files_that_a_gate_takes_may_be_announced() -> None:
    for kind, size in (("trust", BUNDLE_MAX), ("deny", list_file.FILE_MAX)):
        assert deeds.read(Verb.BUNDLE, {"kind": kind, "size": size, "sha256": b"h" * 32}) == Announce(kind, size, b"h" * 32)
