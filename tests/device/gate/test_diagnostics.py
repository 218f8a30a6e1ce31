from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from device.admission.lists import ListKind
from device.admission.policy import Mode, Policy
from device.clock import NS, monotonic_ns
from device.commands.asking import REPLY_MAX, encode_reply
from device.degraded import Trouble
from device.domain import ClockTrust, Direction, Instant
from device.gate.act import LaneState
from device.gate.condition import ABOUT_MAX, Condition
from device.gate.diagnostics import Diagnostics
from device.gate.lane_mode import OrderedMode
from device.gate.lately import Lately
from device.gate.list_mapped import ListState
from device.gate.store import Store
from device.turnstile.freedom import Cause
from tests.device.gate.command_bench import NotedLane

NOW = Instant(datetime(2027, 1, 2, 3, 4, 5, tzinfo=UTC), ClockTrust.TRUSTED)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(Store(tmp_path / "events.db", gate="g1", boot="boot-1")) as store:
        yield store


def told_by(store: Store, state: Path, *troubles: Trouble, lane: LaneState | None = None, lists: Iterable[ListKind] = ()) -> Diagnostics:
    condition = Condition(alarm=lambda _facts: None, stand=lambda _signal: None, publish=lambda _body: True)
    for trouble in troubles:
        condition.set(trouble, on=True, about="a" * ABOUT_MAX)
    return Diagnostics(
        boot="boot-1",
        state=state,
        store=store,
        mode=OrderedMode(state, NotedLane(), "boot-1"),
        lane=lambda: lane or LaneState(),
        health=condition.body,
        policy=lambda: Policy("g1", "main", Direction.ENTRY, mode=Mode.RECORD),
        versions=lambda: {"policy": 7},
        lists=lambda _now: {kind: ListState(9, 1_000_000, None, None) for kind in lists},
        lately=Lately(monotonic_ns() - 90 * NS, decided_ns=monotonic_ns() - 60 * NS),
        now=lambda: NOW,
    )


def test_a_technician_sees_how_the_gate_is(store: Store, tmp_path: Path) -> None:
    told = told_by(store, tmp_path, lane=LaneState(free_by=Cause.KEY), lists=[ListKind.DENY])()
    figures = [told.pop("up_s"), told["store"].pop("disk_free_mib"), told["store"].pop("fill")]
    assert (all(figure >= 0 for figure in figures), type(told.pop("version"))) == (True, str)
    assert told == {
        "boot": "boot-1",
        "time": "2027-01-02T03:04:05.000+00:00",
        "clock": "trusted",
        "mode": "normal",
        "drill": False,
        "lane": {"service": "normal", "free_by": "key", "serves_entry": True},
        "health": {"health": "ok", "troubles": []},
        "policy": "record",
        "bundles": {"policy": 7},
        "lists": {"deny": {"version": 9, "entries": 1_000_000, "age_s": None, "stale": None}},
        "store": {"epoch": store.epoch, "last_sequence": 0, "unconfirmed": 0},
        "running_s": 90,
        "broker": {"connected": False, "for_s": 90},
        "eyes": "no_reader",
        "last": {"frame_s": None, "decision_s": 60, "confirmation_s": None},
    }


def test_with_every_trouble_at_once_it_is_an_answer_still(store: Store, tmp_path: Path) -> None:
    assert len(encode_reply({"diagnostics": told_by(store, tmp_path, *Trouble, lists=ListKind)()})) < REPLY_MAX / 2


def test_a_disk_that_cannot_be_asked_hides_nothing_else(store: Store, tmp_path: Path) -> None:
    told = json.loads(json.dumps(told_by(store, tmp_path / "gone")()))
    assert (told["store"]["fails"], told["mode"]) == ("FileNotFoundError", "normal")
