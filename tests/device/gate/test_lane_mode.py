from __future__ import annotations

import json
from pathlib import Path

import pytest

from device.clock import NS
from device.commands.deeds import LaneMode, Verb
from device.errors import StoreError
from device.gate.act import LaneState
from device.gate.keys import write_secret
from device.gate.lane_mode import AGAIN_NS, FILE, Begun, OrderedMode
from device.turnstile.freedom import Cause
from device.turnstile.machine import Service
from tests.device.gate.command_bench import NotedLane

MINUTE_NS = 60 * NS


def made(state: Path, lane: NotedLane | None = None, boot: str = "boot-1") -> tuple[OrderedMode, NotedLane]:
    """As a gate that starts has it, after its first look."""
    lane = lane or NotedLane()
    mode = OrderedMode(state, lane, boot)
    mode.look(0)
    return mode, lane


def test_a_gate_that_was_never_ordered_anything_serves_and_writes_nothing(tmp_path: Path) -> None:
    mode, lane = made(tmp_path)
    assert (mode.mode, mode.is_drill, mode.damaged, lane.told, list(tmp_path.iterdir())) == (LaneMode.NORMAL, False, False, [False], [])


@pytest.mark.parametrize(
    ("mode", "told"),
    [(LaneMode.FREE, [False, True]), (LaneMode.LOCKED, [False, Service.LOCKED]), (LaneMode.NORMAL, [False])],
)
def test_the_lane_stands_as_it_is_ordered_at_once(tmp_path: Path, mode: LaneMode, told: list[object]) -> None:
    ordered, lane = made(tmp_path)
    ordered.set(mode, 1)
    ordered.look(2)
    assert (ordered.mode, lane.told) == (mode, told)


@pytest.mark.parametrize(("mode", "told"), [(LaneMode.FREE, [True]), (LaneMode.LOCKED, [False, Service.LOCKED]), (LaneMode.NORMAL, [False])])
@pytest.mark.parametrize("boot", ["boot-1", "boot-2"])
def test_a_restart_of_gate_or_machine_changes_nothing(tmp_path: Path, mode: LaneMode, told: list[object], boot: str) -> None:
    ordered, _ = made(tmp_path)
    ordered.set(mode, 1)
    again, lane = made(tmp_path, boot=boot)
    assert (again.mode, lane.told) == (mode, told)


def test_normal_ends_what_was_ordered(tmp_path: Path) -> None:
    for mode, told in ((LaneMode.FREE, [False, True, False]), (LaneMode.LOCKED, [False, Service.LOCKED, Service.NORMAL])):
        ordered, lane = made(tmp_path)
        ordered.set(mode, 1)
        ordered.set(LaneMode.NORMAL, 2)
        assert lane.told == told


def test_a_drill_ends_by_itself_and_the_lane_stands_as_before(tmp_path: Path) -> None:
    ordered, lane = made(tmp_path)
    ordered.set(LaneMode.LOCKED, 0)
    ordered.drill(10, 0)
    ordered.look(10 * MINUTE_NS - 1)
    assert (ordered.is_drill, lane.told[-1]) == (True, True)
    ordered.look(10 * MINUTE_NS)
    assert (ordered.is_drill, ordered.mode, lane.told[-1], lane.lane.service) == (False, LaneMode.LOCKED, False, Service.LOCKED)


def test_a_drill_goes_on_after_a_crash_to_its_end_and_ends_with_the_machine(tmp_path: Path) -> None:
    ordered, _ = made(tmp_path)
    ordered.drill(10, 5 * MINUTE_NS)
    again, lane = made(tmp_path)
    again.look(15 * MINUTE_NS - 1)
    assert lane.told == [True]
    again.look(15 * MINUTE_NS)
    assert lane.told == [True, False]
    ordered.drill(10, 5 * MINUTE_NS)
    assert made(tmp_path, boot="boot-2")[1].told == [False]


def test_any_mode_ends_a_drill(tmp_path: Path) -> None:
    ordered, lane = made(tmp_path)
    ordered.drill(10, 0)
    ordered.set(LaneMode.NORMAL, 1)
    assert (ordered.is_drill, lane.told) == (False, [False, True, False])


@pytest.mark.parametrize("service", [Service.SETUP, Service.TEST])
def test_no_order_takes_a_lane_out_of_a_technician_s_hands(tmp_path: Path, service: Service) -> None:
    ordered, lane = made(tmp_path, NotedLane(LaneState(service=service)))
    ordered.set(LaneMode.LOCKED, 1)
    ordered.look(2)
    assert lane.told == [False]
    lane.lane = LaneState(service=Service.NORMAL)  # he is done
    ordered.look(3)
    assert lane.told == [False, Service.LOCKED]


def test_the_way_out_of_a_fire_is_no_matter_of_orders(tmp_path: Path) -> None:
    """The lane is told what is ordered, and has the last word (``turnstile/freedom.py``)."""
    ordered, lane = made(tmp_path, NotedLane(LaneState(free_by=Cause.FIRE)))
    ordered.set(LaneMode.NORMAL, 1)
    assert lane.told == [False]


def test_a_disk_that_does_not_take_it_is_tried_again_and_the_lane_stands_as_ordered(tmp_path: Path) -> None:
    tries: list[bytes] = []
    full = True

    def write(path: Path, content: bytes) -> None:
        tries.append(content)
        if full:
            raise StoreError("the disk is full")
        write_secret(path, content)

    lane = NotedLane()
    ordered = OrderedMode(tmp_path, lane, "boot-1", write=write)
    ordered.set(LaneMode.LOCKED, 0)
    ordered.look(AGAIN_NS - 1)
    assert (lane.told[-1], len(tries)) == (Service.LOCKED, 1)
    full = False
    ordered.look(AGAIN_NS)
    ordered.look(3 * AGAIN_NS)
    assert (len(tries), json.loads((tmp_path / FILE).read_bytes())) == (2, {"mode": "locked"})


# --- an order that the power goes in ---------------------------------------------------------------------------

ORDER = b"o" * 16
DRILL = Begun(Verb.DRILL, ORDER)


def test_an_order_that_was_begun_and_not_carried_out_is_told_once_and_the_lane_stands_as_before(tmp_path: Path) -> None:
    ordered, _ = made(tmp_path)
    ordered.set(LaneMode.LOCKED, 0)
    ordered.begin(Verb.DRILL, ORDER)  # and the power goes
    (again, lane), (third, _) = made(tmp_path), made(tmp_path)
    assert (again.failed, again.mode, again.is_drill, lane.told) == (DRILL, LaneMode.LOCKED, False, [False, Service.LOCKED])
    assert third.failed is None


def test_an_order_that_was_carried_out_has_not_failed(tmp_path: Path) -> None:
    ordered, _ = made(tmp_path)
    ordered.begin(Verb.MODE, ORDER)
    ordered.set(LaneMode.LOCKED, 0)
    ordered.begin(Verb.MODE, ORDER)  # and it could not be recorded
    ordered.look(1)
    again, _ = made(tmp_path)
    assert (again.failed, again.mode) == (None, LaneMode.LOCKED)


def test_what_the_store_has_not_taken_outlasts_no_restart(tmp_path: Path) -> None:
    """The order that frees the lane is carried out though nothing can be recorded; the file is ahead of no record."""
    waits = True
    lane = NotedLane()
    ordered = OrderedMode(tmp_path, lane, "boot-1", waits=lambda: waits)
    ordered.begin(Verb.MODE, ORDER)
    ordered.set(LaneMode.FREE, 0)
    assert lane.told == [True]
    again = OrderedMode(tmp_path, NotedLane(), "boot-1", waits=lambda: waits)
    again.look(0)
    assert (again.mode, again.failed) == (LaneMode.NORMAL, Begun(Verb.MODE, ORDER))
    assert OrderedMode(tmp_path, NotedLane(), "boot-1").failed == again.failed  # it is kept until it is recorded
    waits = False
    ordered.look(1)
    assert made(tmp_path)[0].mode is LaneMode.FREE


def test_a_file_of_which_nobody_knows_whether_it_was_written_is_written_again(tmp_path: Path) -> None:
    def write(path: Path, content: bytes) -> None:
        write_secret(path, content)
        if b"begun" in content:
            raise StoreError("the folder's list of names is not on the disk")

    ordered = OrderedMode(tmp_path, NotedLane(), "boot-1", write=write)
    with pytest.raises(StoreError):
        ordered.begin(Verb.MODE, ORDER)
    ordered.look(0)
    assert json.loads((tmp_path / FILE).read_bytes()) == {"mode": "normal"}


ENDLESS = b'{"mode":"free","drill":{"until_ns":1e999,"boot":"boot-1"}}'


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b'{"mode":"king"}', b'{"mode":"free","drill":{}}', b"[" * 1000, b"\xff", b'{"mode":"free","drill":1}', ENDLESS]
    + [
        b'{"mode":"free","begun":%s}' % each
        for each in (b"1", b"[]", b"{}", b'{"what":"mode","order":"00"}', b'{"what":"king","order":"%s"}' % (b"00" * 16))
    ],
)
def test_a_damaged_file_is_told_and_the_lane_serves_as_usual(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    mode, lane = made(tmp_path)
    assert (mode.mode, mode.damaged, lane.told) == (LaneMode.NORMAL, True, [False])
    assert made(tmp_path)[0].damaged is False  # it was written anew


def test_whoever_looks_after_the_condition_hears_whether_the_lane_is_locked(tmp_path: Path) -> None:
    heard: list[bool] = []
    lane = NotedLane()
    ordered = OrderedMode(tmp_path, lane, "boot-1", locked=heard.append)
    ordered.look(0)
    ordered.set(LaneMode.LOCKED, 1)
    ordered.look(2)
    assert heard == [False, False, True]
