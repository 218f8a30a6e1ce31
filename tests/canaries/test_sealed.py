from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from device.admission.presence import Moment
from device.domain import ClockTrust, CredentialKind, EventType, Instant
from device.events.sealing import Identity, Occasion, seal_identity
from device.gate.store import Store
from tests.canaries.sealed import Erasing, Row, broken_links, erase_all, faults, rows

DEPARTMENT, OTHER = (X25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in (1, 2))
NOW = Instant(datetime(2026, 11, 25, tzinfo=UTC), ClockTrust.TRUSTED)
ROWS = 60  # several pages of the file
SHOWN = {f"p-{number}": f"TKVT_{number:020}".encode() for number in range(1, ROWS + 1)}


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A store with a sealed row for each admitted presentation."""
    folder = tmp_path / "state"
    folder.mkdir()
    with closing(Store(folder / "events.db", gate="g1", boot="b", reserve=0)) as store:
        for presentation, code in SHOWN.items():
            with store.transaction() as writing:
                sequence = writing.next_sequence
                sealed = seal_identity(Identity(CredentialKind.TKVT, code), DEPARTMENT.public_key(), Occasion("g1", store.epoch, sequence))
                writing.append(EventType.DECISION, _facts(presentation, sealed), subject=presentation, now=NOW)
                writing.identities.keep(sequence, sealed, 30, Moment(NOW, "b", 0))
    return folder


def _facts(presentation: str, sealed: bytes) -> dict[str, Any]:
    return {"presentation": presentation, "admit": True, "credential": "tkvt", "identity": hashlib.sha256(sealed).hexdigest()}


def bodies(state: Path) -> dict[int, bytes]:
    with closing(Store(state / "events.db", gate="g1", boot="b", reserve=0)) as store:
        return {event.sequence: event.body for after in (0, 40) for event in store.events_after(after, 40)}


def events(state: Path) -> dict[int, dict[str, Any]]:
    return {sequence: json.loads(body) for sequence, body in bodies(state).items()}


def test_rows_that_open_for_the_department_alone_have_no_fault(state: Path) -> None:
    assert faults(rows(state / "events.db"), events(state), SHOWN, DEPARTMENT) == []


def test_with_another_key_nothing_opens(state: Path) -> None:
    found = faults(rows(state / "events.db"), events(state), SHOWN, OTHER)
    assert found == [f"the row of event {sequence} does not give what was shown" for sequence in range(1, ROWS + 1)]


def changed(state: Path) -> Iterator[tuple[str, list[Row]]]:
    first, second, *rest = rows(state / "events.db")
    told = "does not give what was shown"
    yield told, [replace(first, sealed=second.sealed), replace(second, sealed=first.sealed), *rest]
    yield "carries another hash than its row's", [replace(first, sealed=_sealed_again(state, first.sequence)), second, *rest]
    yield "should have no sealed row, or lacks its own", [second, *rest]
    yield "should have no sealed row, or lacks its own", [first, second, *rest, Row(0, first.sealed)]


def _sealed_again(state: Path, sequence: int) -> bytes:
    event = events(state)[sequence]
    return seal_identity(
        Identity(CredentialKind.TKVT, SHOWN[event["data"]["presentation"]]), DEPARTMENT.public_key(), Occasion("g1", event["epoch"], sequence)
    )


def test_a_row_that_is_moved_sealed_anew_missing_or_too_many_is_told(state: Path) -> None:
    known = events(state) | {0: {"type": "qrgate.audit", "data": {}}}
    for told, found in changed(state):
        known[0] = {**events(state)[1], "type": "qrgate.audit"}
        assert any(told in each for each in faults(found, known, SHOWN, DEPARTMENT)), told


def test_a_row_that_opened_beside_another_event_would_be_told(state: Path) -> None:
    """Whoever seals without the event's number gives rows that can be moved: here the number is simply another one."""
    known = events(state)
    known[1] = {**known[1], "epoch": "another"}
    assert "the row of event 1 does not give what was shown" in faults(rows(state / "events.db"), known, SHOWN, DEPARTMENT)


# --- erasing ---------------------------------------------------------------------------------------------------


def test_erased_rows_leave_the_events_and_nothing_of_themselves(state: Path, tmp_path: Path) -> None:
    assert erase_all(state, tmp_path / "copy") == Erasing(ROWS, ROWS, events_unchanged=True, left=0, in_the_log=0, in_the_file=0)


def test_erasing_that_only_forgets_where_the_bytes_lie_is_told(state: Path, tmp_path: Path) -> None:
    def forget(store: Store, last: int) -> int:
        store._db.execute("PRAGMA secure_delete=OFF")
        with store.transaction(makes_room=True) as writing:
            return writing.identities.erase(0, last)

    erasing = erase_all(state, tmp_path / "copy", erase=forget)
    assert (erasing.left, erasing.in_the_file > 0) == (0, True)


def test_erasing_that_touches_an_event_is_told(state: Path, tmp_path: Path) -> None:
    def too_much(store: Store, last: int) -> int:
        store._db.execute("UPDATE event SET body=? WHERE sequence=7", (b"{}",))
        return store._db.execute("DELETE FROM identity WHERE sequence<=?", (last,)).rowcount

    assert not erase_all(state, tmp_path / "copy", erase=too_much).events_unchanged


def test_a_chain_is_whole_only_as_it_was_made(state: Path) -> None:
    whole = bodies(state)
    assert broken_links(whole) == []
    assert broken_links({**whole, 5: whole[5].replace(b"p-5", b"p-6")}) == [6]
    assert broken_links({sequence: body for sequence, body in whole.items() if sequence != 5}) == [0]
