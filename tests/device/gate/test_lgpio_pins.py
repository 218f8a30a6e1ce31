"""What the driver is told, by a driver that writes it down. What the kernel makes of it is seen in the lab."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

LGPIO = """\
RISING_EDGE, FALLING_EDGE, BOTH_EDGES = 1, 2, 3
SET_PULL_UP, SET_PULL_DOWN, SET_PULL_NONE = 32, 64, 128
modes, told = {}, []
class error(Exception):
    pass
class callback:
    def __init__(self, *_):
        pass
    def cancel(self):
        told.append("callback ended")
def gpiochip_open(chip):
    told.append(f"open {chip}")
    return 7
def gpio_claim_output(handle, pin, level=0, flags=0):
    modes[pin] = 2
    told.append(f"{pin} output {level}")
def gpio_claim_input(handle, pin, flags=0):
    modes[pin] = flags
    told.append(f"{pin} input {flags}")
def gpio_claim_alert(handle, pin, edges, flags):
    told.append(f"{pin} alert {flags}")
def gpio_get_mode(handle, pin):
    return modes.get(pin, 0)
def gpio_free(handle, pin):
    modes.pop(pin, None)
    told.append(f"{pin} free")
def gpio_write(handle, pin, level):
    told.append(f"{pin} write {int(level)}")
def gpio_read(handle, pin):
    return 1
def tx_pwm(handle, pin, frequency, duty):
    told.append(f"{pin} wave {frequency} {duty}")
"""


def told(folder: Path, code: str) -> list[str]:
    """What the driver is told when ``code`` runs, where ``pi`` are the pins of a Pi 4, on a machine that is none."""
    (folder / "lgpio.py").write_text(LGPIO, encoding="ascii")
    head = "import gpiozero, lgpio; from device.gate.lgpio_pins import BoardModel, Factory\npi = Factory(2, BoardModel.PI4)\n"
    done = subprocess.run(
        [sys.executable, "-c", f"{head}{code}\nprint(*lgpio.told, sep='\\n')\nimport os; os.sys.stdout.flush(); os._exit(0)"],
        env={"PYTHONPATH": f"{ROOT}:{folder}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout.splitlines()


@pytest.mark.parametrize("active_high", [True, False])
@pytest.mark.parametrize("on", [True, False])
def test_an_output_is_claimed_once_at_its_first_level_and_given_back_as_it_is(tmp_path: Path, active_high: bool, on: bool) -> None:
    first = int(on is active_high)
    code = f"device = gpiozero.DigitalOutputDevice(17, active_high={active_high}, initial_value={on}, pin_factory=pi); device.off(); device.close()"
    assert told(tmp_path, code) == ["open 2", f"17 output {first}", f"17 write {int(not active_high)}", "17 free"]


def test_an_output_can_be_opened_again(tmp_path: Path) -> None:
    code = "for _ in range(2): gpiozero.DigitalOutputDevice(17, active_high=False, pin_factory=pi).close()"
    assert told(tmp_path, code) == ["open 2", *["17 output 1", "17 free"] * 2]


def test_a_contact_is_an_input_with_pull_up_that_tells_of_edges(tmp_path: Path) -> None:
    code = (
        "from device.gate.pins import Contact; seen = []\n"
        "contact = Contact(gpiozero.InputDevice(5, pull_up=True, pin_factory=pi), lambda closed, at_ns: seen.append((closed, at_ns)))\n"
        "pi.pin(5)._call_when_changed(7, 5, 0, 2_000_000_123)\n"
        "assert seen == [(True, 2_000_000_123)] or abs(seen[0][1] - 2_000_000_123) < 1000, seen\n"
        "assert not contact.is_closed()\n"
        "contact.close()"
    )
    assert told(tmp_path, code) == ["open 2", "5 input 0", "5 free", "5 input 32", "5 alert 32", "callback ended", "5 input 32", "5 free"]


def test_a_passive_buzzer_has_a_wave_while_it_sounds(tmp_path: Path) -> None:
    code = (
        "from device.gate.outputs.gpio import PassiveBuzzer\n"
        "buzzer = PassiveBuzzer(gpiozero.DigitalOutputDevice(25, pin_factory=pi), 2700)\n"
        "for step in (buzzer.off, buzzer.on, buzzer.on, buzzer.off, buzzer.close): step()"
    )
    sounding = ["25 wave 2700 0", "25 wave 2700 50"]
    again = ["25 wave 2700 50", "25 wave 2700 50"]
    silent = ["25 wave 0 0", "25 write 0"]
    assert told(tmp_path, code) == ["open 2", "25 output 0", "25 write 0", *sounding, *again, *silent, "25 write 0", "25 free"]
