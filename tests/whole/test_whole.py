"""From an order in the office to the recorder's archive, with every process real."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.provisioning.live import MOSQUITTO
from tests.whole.world import GATE, World, until

pytestmark = pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed")

SYSTEM_CLOCK = "clock.source=system"
OURSELVES = "tests.whole.prompt_recorder"
NEVER_BY_ITSELF = "broker.confirm_within_s=3600"
SOON = "broker.confirm_within_s=0.5"


def test_an_order_opens_the_relay_and_is_recorded(tmp_path: Path) -> None:
    with World(tmp_path, SYSTEM_CLOCK) as world:
        world.wait_event("audit", what="bundle_in_force", bundle="delegations")
        assert world.order("open", "--why", "damaged card") == {"gate": GATE, "outcome": "done"}
        world.wait_relay(on=True)
        world.wait_relay(on=False)
        ordered = world.wait_event("command", what="open", outcome="done")
        assert (ordered["data"]["actor"], ordered["data"]["reason"], ordered["clockquality"]) == ("op-1", "damaged card", "trusted")
        assert world.wait_event("passage")["subject"] == ordered["subject"]
        world.wait_rest()


def test_a_restart_is_answered_and_the_gate_is_there_again(tmp_path: Path) -> None:
    with World(tmp_path, SYSTEM_CLOCK) as world:
        world.wait_in_force()
        for times in range(2, 4):
            assert world.order("restart") == {"gate": GATE, "outcome": "done"}
            until(lambda: world.log("gate").count("is ready") == times, lambda: world.log("gate"))  # noqa: B023 - it is over before the next
            assert world.order("diagnostics")["outcome"] == "done"


def test_signed_time_gives_a_gate_without_a_clock_one_that_is_trusted(tmp_path: Path) -> None:
    with World(tmp_path, "clock.source=none", tells_time=True) as world:
        world.wait_in_force()
        world.wait_event("command", what="time", outcome="done")
        assert world.order("diagnostics")["diagnostics"]["clock"] == "trusted"
        assert world.wait_event("audit", what="started")["clockquality"] == "untrusted"
        world.wait_rest()


def test_what_the_broker_lost_is_asked_for_again_by_the_recorder_and_arrives(tmp_path: Path) -> None:
    with World(tmp_path, SYSTEM_CLOCK, NEVER_BY_ITSELF, recorder=OURSELVES) as world:
        world.wait_in_force()
        world.wait_rest()
        world.stop_recorder()
        world.lose_at_the_broker(lambda: world.order("diagnostics"))
        world.start_recorder()
        world.order("diagnostics")
        asked = world.wait_event("command", what="replay", outcome="done")
        world.wait_rest()
        numbers = [int(each["sequence"]) for each in world.events()]
        assert numbers == [*range(1, numbers[-1] + 1)]
        assert (asked["data"]["actor"], world.known()["alarms"]) == ("recorder", [])


def test_a_store_that_is_damaged_under_a_running_gate_is_saved_and_the_recorder_knows_of_every_event(tmp_path: Path) -> None:
    orders, torn = 8, range(7, 9)
    with World(tmp_path, SYSTEM_CLOCK, SOON, recorder_comes_later=True) as world:
        world.wait_in_force()
        for _ in range(orders):
            world.order("diagnostics")
        world.tear(torn)
        until(lambda: "the store is damaged" in world.log("gate"), lambda: world.log("gate"))
        world.start_recorder()
        damaged = world.wait_event("alarm", what="store_damaged")
        world.wait_rest()
        told = world.known()
        assert ([each["missing"] for each in told["epochs"]], told["alarms"]) == ([0, 0], [])
        epoch, events = damaged["data"]["epoch"], world.events()
        voids = [each["data"] for each in events if each["type"] == "qrgate.void" and each["data"]["epoch"] == epoch]
        saved = [int(each["sequence"]) for each in events if each["epoch"] == epoch]
        lost = [number for number in range(1, saved[-1]) if any(each["first"] <= number <= each["last"] for each in voids)]
        assert sorted(saved + lost) == [*range(1, saved[-1] + 1)]
        assert (damaged["data"]["saved"], set(torn) <= set(lost)) == (len(saved), True)  # a page may hold a neighbour too
