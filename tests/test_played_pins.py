from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from device.turnstile.lane import Sensor
from tests.device.gate.lane_bench import LATE_NS
from tests.gates import Gate, show, wait_health
from tests.played_pins import Edge, PlayedPins

RELAY, FREE, FIRE, BUTTON = 17, 27, 5, 6
LINES = {"free_relay.pin": str(FREE), "inputs.fire_pin": str(FIRE), "inputs.assist_button_pin": str(BUTTON), "inputs.key_reset_pin": "13"}


@pytest.fixture
def played(tmp_path: Path) -> Iterator[PlayedPins]:
    with PlayedPins(Gate(tmp_path / "gate", LINES)).start() as played:
        yield played


def levels(*high: int) -> dict[int, bool]:
    return {number: number in high for number in range(28)}


def test_contacts_are_at_rest_and_outputs_off_at_first(played: PlayedPins) -> None:
    with closing(played.gate.connect("reader")):
        assert played.levels() == levels(BUTTON, 13)


def test_a_code_that_opens_is_one_pulse(played: PlayedPins) -> None:
    with closing(played.gate.connect("reader")) as reader:
        show(reader, played.gate.track(played.gate.issuer.issue(1)))
        on_ns = played.await_level(RELAY, high=True)
        off_ns = played.await_level(RELAY, high=False, after_ns=on_ns)
    assert played.edges(RELAY) == [Edge(RELAY, high=True, at_ns=on_ns), Edge(RELAY, high=False, at_ns=off_ns)]
    assert off_ns - on_ns <= 0.1e9 + LATE_NS


def test_a_fire_contact_that_opens_frees_the_lane_and_an_order_to_stop_leaves_it_free(played: PlayedPins) -> None:
    with closing(played.gate.connect("reader")):
        opened_ns = played.move(Sensor.FIRE, closed=False)
        freed_ns = played.await_level(FREE, high=True)
    assert 0 < freed_ns - opened_ns <= LATE_NS
    played.stop()
    assert played.levels() == levels(BUTTON, 13, FIRE, FREE)


def test_a_contact_is_moved_by_its_pin_or_its_name_and_once_is_enough(played: PlayedPins) -> None:
    pressed_ns = played.move(BUTTON, closed=True)
    released_ns = played.move(Sensor.ASSIST_BUTTON, closed=False)
    assert 0 < pressed_ns < released_ns
    assert (played.move(BUTTON, closed=False), played.move(Sensor.FIRE, closed=True)) == (released_ns, 0)
    assert played.edges(BUTTON)[1:] == [Edge(BUTTON, high=False, at_ns=pressed_ns), Edge(BUTTON, high=True, at_ns=released_ns)]


def test_a_gate_may_be_started_amidst_a_fire_and_again_after_a_kill(tmp_path: Path) -> None:
    played = PlayedPins(Gate(tmp_path / "gate", LINES)).start({Sensor.FIRE: False})
    process = played.gate.process
    assert process is not None
    played.await_level(FREE, high=True)
    with closing(played.gate.connect("uplink")) as uplink:
        while wait_health(uplink)["health"] != "free":
            pass
    process.kill()
    process.communicate()
    assert (process.returncode, played.stop()) == (-signal.SIGKILL, "")
    with played.start():
        played.await_level(FREE, high=True)  # latched: the contact is closed again


def test_the_gate_stops_when_nobody_plays_any_more(played: PlayedPins) -> None:
    process = played.gate.process
    assert process is not None
    with closing(played.gate.connect("reader")):
        pass
    _, words = process.communicate(timeout=20)  # closes stdin
    assert process.returncode == 0
    assert "Traceback" not in words
