"""The gate on the kernel's own GPIO lines, and on a relay board at a USB serial port: the guest's half of gpio.sh."""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from platform import release

from tests.lab import guest
from tests.lab.gpio_fire import check_fire
from tests.lab.gpio_lines import Chip, Driven, contacts
from tests.lab.gpio_rig import AMBER, BUZZER, GREEN, HIGH, LOW, MAX_ON_S, RED, Lab, Rig, Wiring, hang
from tests.lab.relay_board_guest import check_boards
from tests.lab.report import Report

PULSES = 50
PULSE_S = 0.2
SPARE = 12  # nothing is wired to it
LAMPS = {"green": GREEN, "red": RED, "amber": AMBER, "buzzer": BUZZER}


def levels(driven: list[Driven]) -> list[int]:
    return [each.level for each in driven]


def pulses_s(driven: list[Driven], on: int) -> list[float]:
    """The length of every pulse."""
    found, since_s = [], None
    for each in driven:
        if each.level == on and since_s is None:
            since_s = each.at_s
        elif each.level != on and since_s is not None:
            found.append(each.at_s - since_s)
            since_s = None
    return found


STOCK = """
import gpiozero, sys
from gpiozero.pins.lgpio import LGPIOFactory
LGPIOFactory._get_revision = lambda self: 0xC03115  # a Pi 4, since there is no device tree to ask
gpiozero.OutputDevice(int(sys.argv[1]), active_high=False, pin_factory=LGPIOFactory(chip=0))"""


def check_witness(lab: Lab) -> None:
    """The kernel's record must show a pulse where there is one: gpiozero, as it comes, gives it to an active-low relay."""
    lab.chip.forget()
    subprocess.run([sys.executable, "-c", STOCK, str(SPARE)], check=True)
    lab.report.check("the record shows the pulse that gpiozero gives by itself: low, then high", [0, 1], levels(lab.chip.driven(SPARE)))


def check_rest(lab: Lab, wiring: Wiring, what: str) -> None:
    """All that was driven since somebody looked, and is now, is what lets nobody in."""
    relays = {"relay": wiring.relay, "free relay": wiring.free}
    for name, line in relays.items():
        driven = levels(lab.chip.driven(line))
        lab.report.check(f"{wiring.name}: {what} drives the {name}'s line to its level of rest only", [wiring.off], sorted(set(driven)))
        lab.report.check("... where it is", wiring.off, lab.chip.level(line))
    lab.report.check("... and every lamp and the buzzer are dark at first", {0}, first_levels(lab.chip))


def first_levels(chip: Chip) -> set[int]:
    return {driven[0].level for line in LAMPS.values() if (driven := chip.driven(line))}


def check_quiet(lab: Lab, wiring: Wiring, *, pulses: int) -> None:
    """No edge at start, restart and stop; in between, that the pulses are as long as they should be."""
    lab.chip.forget()
    with lab.rig(wiring.lines() | {"relay.pulse_s": f"{PULSE_S}"}) as rig:
        check_rest(lab, wiring, "a start")
        lab.chip.forget()
        old = rig.signalled(signal.SIGTERM)
        lab.report.check("a gate that is ended starts again", True, rig.next_gate(old))
        check_rest(lab, wiring, "a restart")
        lab.chip.forget()
        check_pulses(lab, wiring, rig, pulses)
        lab.chip.forget()
    check_rest(lab, wiring, "a stop")


def check_pulses(lab: Lab, wiring: Wiring, rig: Rig, count: int) -> None:
    report, chip = lab.report, lab.chip
    for _ in range(count):
        rig.show_pass()
        if rig.becomes(wiring.relay, wiring.on) is None or rig.becomes(wiring.relay, wiring.off) is None:
            break
    lengths_s = pulses_s(chip.driven(wiring.relay), wiring.on)
    report.check(f"{wiring.name}: {count} passes make as many pulses", count, len(lengths_s))
    if lengths_s:
        report.at_most(f"... of {PULSE_S} s; their median is off by, ms", 20, abs(statistics.median(lengths_s) - PULSE_S) * 1000)
        print(f"       median {statistics.median(lengths_s):.4f} s, from {min(lengths_s):.4f} to {max(lengths_s):.4f} s", flush=True)


def check_harm(lab: Lab, wiring: Wiring, *, harms: Iterable[str], max_on_s: float = MAX_ON_S) -> None:
    """Whatever befalls a gate with its relay on, the line is safe within its maximum and 200 ms."""
    report, chip, limit_s = lab.report, lab.chip, max_on_s + 0.2
    with lab.rig(wiring.lines() | {"relay.pulse_s": f"{max_on_s}", "relay.max_on_s": f"{max_on_s}"}) as rig:
        for what in harms:
            chip.forget()
            rig.show_pass()
            if not report.check(f"{wiring.name}, at most {max_on_s} s: the relay is on", True, rig.becomes(wiring.relay, wiring.on) is not None):
                return
            process, bury = HARMS[what](rig, chip.driven(wiring.relay)[-1].thread)
            let_go_s = rig.becomes(wiring.relay, wiring.off)
            bury()
            served = rig.next_gate(process)
            driven = chip.driven(wiring.relay)
            on_s = next(each.at_s for each in driven if each.level == wiring.on)
            off_s = [each.at_s - on_s for each in driven if each.at_s > on_s and each.level == wiring.off]
            report.at_most(f"{what}: the line is safe after, s", limit_s, (let_go_s or float("inf")) - on_s)
            report.check("... it was driven there, too, as some kernels keep the lines of the dead", True, bool(off_s))
            report.check("... and the next gate serves", True, served)
            print(f"       driven there after {min(off_s, default=0):.2f} s, on a machine that takes long to start a Python", flush=True)


def killed(rig: Rig, _thread: int) -> tuple[int, Callable[[], None]]:
    return rig.signalled(signal.SIGKILL), lambda: None


def stopped(rig: Rig, _thread: int) -> tuple[int, Callable[[], None]]:
    return rig.signalled(signal.SIGSTOP), lambda: None


def hung(rig: Rig, thread: int) -> tuple[int, Callable[[], None]]:
    process = rig.gate_process()
    assert process is not None
    return process, hang(thread)


HARMS = {"SIGKILL": killed, "SIGSTOP": stopped, "a hang of the acting thread": hung}


def main() -> int:
    report = Report()
    host = guest.Host()
    print(f"       Linux {release()}, Python {sys.version.split()[0]}, up for {time.monotonic():.0f} s", flush=True)
    chip = Chip()
    os.environ["LD_PRELOAD"] = str(contacts())
    with tempfile.TemporaryDirectory() as name:
        lab = Lab(report, chip, Path(name))
        check_witness(lab)
        check_quiet(lab, HIGH, pulses=PULSES)
        check_quiet(lab, LOW, pulses=3)
        check_harm(lab, HIGH, harms=HARMS)
        check_harm(lab, LOW, harms=["SIGKILL"])
        check_harm(lab, HIGH, harms=["a hang of the acting thread"], max_on_s=1.0)  # less than it takes to be killed
        check_fire(lab, HIGH, "pulse")
        check_fire(lab, LOW, "hold")
        check_boards(lab, host)
    return report.status


if __name__ == "__main__":
    guest.finish(main)
