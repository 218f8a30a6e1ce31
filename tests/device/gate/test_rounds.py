from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from device.admission.lists import ListKind
from device.admission.policy import Declaration, Mode, Policy, Unsure
from device.clock import NS
from device.degraded import Trouble
from device.domain import ClockTrust, Direction, Instant
from device.gate.alive import NAME, Alive
from device.gate.condition import Condition
from device.gate.rounds import BROKER_AWAY_NS, EVERY_NS, NEARLY_FULL_BYTES, Rounds, free_bytes

POLICY = Policy("g1", "main", Direction.ENTRY)


class Bench:
    def __init__(self, folder: Path, *, clock_matters: bool = True) -> None:
        self.condition = Condition(alarm=lambda _facts: None, stand=lambda _signal: None, publish=lambda _body: True)
        self.trust = ClockTrust.TRUSTED
        self.stale_lists: frozenset[ListKind] = frozenset()
        self.policy = POLICY
        self.free = NEARLY_FULL_BYTES
        self.looks = 0
        self.rounds = Rounds(
            self.condition,
            state=folder,
            alive=Alive(folder),
            lists=self,
            now=self._now,
            policy=lambda: self.policy,
            clock_matters=clock_matters,
            free_bytes=lambda _folder: self.free,
        )
        self.rounds.broker(0, connected=True)

    def _now(self) -> Instant:
        self.looks += 1
        return Instant(datetime(2026, 7, 1, tzinfo=UTC), self.trust)

    def stale(self, now: Instant) -> frozenset[ListKind]:
        assert now.trust is self.trust
        return self.stale_lists

    def troubles(self, at_s: float) -> set[Trouble]:
        self.rounds.look(int(at_s * NS))
        return set(self.condition.troubles)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_gate_that_is_well_has_no_trouble_and_notes_that_it_is_alive(bench: Bench, tmp_path: Path) -> None:
    assert bench.troubles(0) == set()
    assert (tmp_path / NAME).exists()


def test_it_looks_once_a_second(bench: Bench) -> None:
    for tenth in range(31):
        bench.rounds.look(tenth * NS // 10)
    assert (bench.looks, EVERY_NS) == (4, NS)


@pytest.mark.parametrize("clock_matters", [False, True])
def test_a_clock_that_nobody_vouches_for_is_a_trouble_where_something_is_to_vouch_for_it(tmp_path: Path, clock_matters: bool) -> None:
    bench = Bench(tmp_path, clock_matters=clock_matters)
    bench.trust = ClockTrust.UNTRUSTED
    assert bench.troubles(0) == ({Trouble.CLOCK_UNTRUSTED} if clock_matters else set())
    bench.trust = ClockTrust.TRUSTED
    assert bench.troubles(1) == set()


@pytest.mark.parametrize(
    ("changes", "about"),
    [
        ({}, ""),
        ({"lists": {ListKind.DENY: Unsure.OVERLOOK, ListKind.REVOKED: Unsure.REFUSE}}, "deny, revoked"),
        ({"mode": Mode.LIST}, "allow"),
        ({"declaration": Declaration()}, "declared"),
        ({"roll_call": (420,)}, "expected"),
    ],
)
def test_only_lists_that_the_policy_goes_by_are_missed(bench: Bench, changes: dict[str, Any], about: str) -> None:
    bench.stale_lists = frozenset(ListKind)
    bench.policy = replace(POLICY, **changes)
    assert bench.troubles(0) == ({Trouble.LISTS_STALE} if about else set())
    assert (f'"about":"{about}"'.encode() in bench.condition.body()) is bool(about)
    bench.stale_lists = frozenset()
    assert bench.troubles(1) == set()


def test_a_disk_that_is_nearly_full_is_a_trouble_until_there_is_room(bench: Bench) -> None:
    told = []
    for at_s, free in enumerate((NEARLY_FULL_BYTES, NEARLY_FULL_BYTES - 1, 0, NEARLY_FULL_BYTES)):
        bench.free = free
        told.append(bench.troubles(at_s))
    assert told == [set(), {Trouble.DISK_NEARLY_FULL}, {Trouble.DISK_NEARLY_FULL}, set()]


def test_what_is_free_is_asked_of_the_disk_and_a_disk_that_does_not_answer_has_no_room(tmp_path: Path) -> None:
    assert free_bytes(tmp_path) > 0
    assert free_bytes(tmp_path / "missing") == 0


def test_a_broker_is_away_after_a_minute(bench: Bench) -> None:
    bench.rounds.broker(10 * NS, connected=False)
    away_s = BROKER_AWAY_NS // NS
    assert [bench.troubles(at_s) for at_s in (11, 9 + away_s, 10 + away_s)] == [set(), set(), {Trouble.BROKER_AWAY}]
    bench.rounds.broker(200 * NS, connected=True)
    assert bench.troubles(201) == set()


def test_an_uplink_that_loses_its_broker_and_then_dies_is_away_since_the_first(bench: Bench) -> None:
    for at_s in (10, 40, 69):
        bench.rounds.broker(at_s * NS, connected=False)
    assert bench.troubles(70) == {Trouble.BROKER_AWAY}


def test_a_broker_that_comes_back_for_a_moment_begins_a_new_minute(bench: Bench) -> None:
    for at_s, connected in ((10, False), (60, True), (61, False)):
        bench.rounds.broker(at_s * NS, connected=connected)
    assert [bench.troubles(at_s) for at_s in (80, 120, 121)] == [set(), set(), {Trouble.BROKER_AWAY}]


@pytest.mark.parametrize("comes", [False, True])
def test_a_broker_that_never_came_is_away_a_minute_after_the_start(tmp_path: Path, comes: bool) -> None:
    bench = Bench(tmp_path)
    bench.rounds = Rounds(
        bench.condition, state=tmp_path, alive=Alive(tmp_path), lists=bench, now=bench._now, policy=lambda: POLICY, clock_matters=True
    )
    bench.troubles(5)
    if comes:
        bench.rounds.broker(30 * NS, connected=True)
    assert [Trouble.BROKER_AWAY in bench.troubles(at_s) for at_s in (64, 65)] == [False, not comes]
