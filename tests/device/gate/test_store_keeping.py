from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from device.admission.presence import Moment
from device.clock import NS
from device.degraded import Trouble
from device.domain import ClockTrust, EventType, Instant
from device.events.confirmation import Confirmation, range_digest
from device.events.pseudonyms import DayKey, HeldKeys, to_json
from device.gate.condition import Condition
from device.gate.keys import PseudonymKey
from device.gate.limits import Limits
from device.gate.store import Store
from device.gate.store_keeping import StoreKeeping

NOON = datetime(2026, 1, 2, 5, tzinfo=UTC)  # noon in Viet Nam
DAY = timedelta(days=1)


class Bench:
    def __init__(self, folder: Path, *, has_recorder: bool = True) -> None:
        self.utc = NOON
        self.told: list[tuple[EventType, dict[str, Any]]] = []
        self.store = Store(folder / "events.db", gate="g1", boot="b", limits=Limits(events_max=10))
        handed = folder / "keys.json"
        days = [DayKey((NOON + n * DAY).date(), bytes([n]) * 32) for n in range(9)]
        handed.write_text(to_json(HeldKeys("s1", days[0], tuple(days[1:]))), encoding="ascii")
        self.pseudonyms = PseudonymKey(folder, handed, "s1")
        self.condition = Condition(alarm=lambda _facts: None, stand=lambda _signal: None, publish=lambda _body: True)
        self.keeping = StoreKeeping(
            store=self.store,
            path=folder / "events.db",
            condition=self.condition,
            pseudonyms=self.pseudonyms,
            now=self.now,
            has_recorder=has_recorder,
            retention_days=30,
            tell=lambda kind, facts: self.told.append((kind, facts)),
        )
        self._turn = 0

    def now(self) -> Moment:
        return Moment(Instant(self.utc, ClockTrust.TRUSTED), "b", 0)

    def record(self, events: int) -> None:
        with self.store.transaction() as writing:
            for _ in range(events):
                writing.append(EventType.PASSAGE, {}, subject="gate", now=self.now().instant)

    def look(self) -> None:
        """An hour later."""
        self.keeping.look(self._turn * 3600 * NS)
        self._turn += 1

    def kept(self) -> list[EventType]:
        return [event.type for event in self.store.events_after(0, 20)]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    with closing(bench.store):
        yield bench


@pytest.mark.parametrize(
    ("events", "trouble"),
    [(7, set()), (8, {Trouble.STORE_FILLING}), (9, {Trouble.STORE_NEARLY_FULL}), (10, {Trouble.STORE_NEARLY_FULL})],
)
def test_operators_are_told_at_80_and_at_90_percent(bench: Bench, events: int, trouble: set[Trouble]) -> None:
    bench.record(events)
    bench.look()
    assert bench.condition.troubles == trouble


def test_what_waits_is_told(bench: Bench) -> None:
    assert bench.keeping.outbox() == {"waiting": 0, "full_percent": 0}
    bench.record(2)
    waiting = {"waiting": 2, "since": "2026-01-02T05:00:00Z"}
    assert bench.keeping.outbox() | {"full_percent": 20} == waiting | {"full_percent": 20}


def test_yesterdays_key_is_destroyed_at_midnight_though_nobody_comes(bench: Bench) -> None:
    bench.look()
    bench.utc = NOON + DAY
    bench.look()
    assert bench.pseudonyms.today(bench.now().instant).day == (NOON + DAY).date()
    bench.utc = NOON + 2 * DAY
    bench.look()
    alarms = [facts for kind, facts in bench.told if kind is EventType.ALARM]
    assert alarms == [{"what": "pseudonym_keys_low", "days_left": 6}]


def test_a_damaged_file_that_was_set_aside_is_erased_after_its_days(bench: Bench, tmp_path: Path) -> None:
    damaged = [tmp_path / f"events-1.damaged{suffix}" for suffix in ("", "-wal")]
    for file in damaged:
        file.write_bytes(b"sealed")
        os.utime(file, (NOON.timestamp(), NOON.timestamp()))
    bench.utc = NOON + 30 * DAY
    bench.look()
    assert [file.exists() for file in damaged] == [True, True]
    bench.utc += timedelta(seconds=1)
    bench.look()
    assert [file.exists() for file in damaged] == [False, False]


def test_with_a_recorder_nothing_expires(bench: Bench) -> None:
    bench.record(2)
    bench.utc += 31 * DAY
    bench.look()
    assert bench.kept() == [EventType.PASSAGE] * 2


def test_without_a_recorder_events_expire_and_their_number_is_recorded(tmp_path: Path) -> None:
    bench = Bench(tmp_path, has_recorder=False)
    with closing(bench.store):
        bench.record(2)
        bench.utc += 29 * DAY
        bench.record(1)
        bench.look()
        assert bench.kept() == [EventType.PASSAGE] * 3
        bench.utc += 2 * DAY
        bench.look()
        assert bench.kept() == [EventType.PASSAGE, EventType.AUDIT]


# --- originals that wait behind voids --------------------------------------------------------------------------


@pytest.mark.parametrize("has_recorder", [True, False])
def test_an_original_whose_void_alone_is_confirmed_is_kept_as_long_as_a_recorder_may_ask_for_it(tmp_path: Path, *, has_recorder: bool) -> None:
    bench = Bench(tmp_path, has_recorder=has_recorder)
    with closing(bench.store):
        bench.record(1)
        bench.store.void(1, "refused_153", Ed25519PrivateKey.from_private_bytes(bytes(32)), bench.now())
        body = bench.store.events_after(0, 1)[0].body
        bench.store.confirm(Confirmation("g1", bench.store.epoch, 1, 1, range_digest([body])))
        bench.keeping.now = lambda: Moment(bench.now().instant, "b", int(400 * DAY / timedelta(microseconds=1)) * 1000)
        bench.look()
        assert bench.store.unvoid(1, 1) == int(has_recorder)
