"""The fire test with contacts that really move: gpiozero's mock pins, driven from a thread of the test's own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from device import config
from device.gate import pins
from device.selftest.bench import Bench, Outcome
from device.selftest.parts import PARTS
from tests.gates import Gate

FIRE_PIN, FREE_PIN, PASSED_PIN = 5, 16, 27


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    lines = {"free_relay.pin": f"{FREE_PIN}", "inputs.fire_pin": f"{FIRE_PIN}", "inputs.key_reset_pin": "6", "passage.pin": f"{PASSED_PIN}"}
    made = Gate(tmp_path / "gate", lines)
    made.runtime.mkdir()
    made.state.mkdir()
    settings = config.load(made.folder)
    factory = pins.factory(settings.pins, settings.board.model)
    factory.reset()
    for number in (FIRE_PIN, PASSED_PIN, 6):
        factory.pin(number)
    bench = Bench(settings, asks=False, seconds=20)
    yield bench
    bench.close()
    factory.reset()


def drive(bench: Bench, number: int, *, low: bool) -> None:
    pin = pins.factory(bench.settings.pins, bench.settings.board.model).pin(number)
    (pin.drive_low if low else pin.drive_high)()


def test_the_free_relay_follows_the_fire_contact_and_lets_go_again(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    free: list[bool] = []
    asked = threading.Event()
    monkeypatch.setattr(bench, "say", lambda _text: asked.set())

    def technician() -> None:
        asked.wait(10)
        drive(bench, FIRE_PIN, low=True)  # closed, as at rest
        relay = pins.factory(bench.settings.pins, bench.settings.board.model).pin(FREE_PIN)
        for low in (False, True):
            drive(bench, FIRE_PIN, low=low)
            for _ in range(500):
                if bool(relay.state) is not low:
                    break
                threading.Event().wait(0.01)  # another thread's pin cannot be awaited
            free.append(bool(relay.state))

    thread = threading.Thread(target=technician)
    thread.start()
    (step,) = PARTS["fire"].steps(bench)
    thread.join()
    assert (step.what, step.outcome, free) == ("fire", Outcome.DONE, [True, False])
