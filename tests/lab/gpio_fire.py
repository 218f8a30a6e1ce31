"""Fire on the kernel's own GPIO lines: the free relay, whatever happens to the gate. Part of gpio_guest.py."""

from __future__ import annotations

import itertools
import signal
import time

from tests.lab.gpio_rig import BREAK_GLASS, FIRE, KEY_RESET, Lab, Rig, Wiring, watched

OPENS_S = 0.5  # the machine is some ten times slower than the host, and a Pi
REST_S = 1.0


def check_fire(lab: Lab, wiring: Wiring, drive: str) -> None:
    """``drive`` is what the lane's drive takes a closed contact for, as in settings."""
    name = f"{wiring.name}, {drive}"
    with lab.rig(wiring.lines() | {"relay.drive": f'"{drive}"', "relay.pulse_s": "0.5"}) as rig:
        _burn(lab, wiring, rig, name)
        _kill(lab, wiring, rig, name)
        _stop(lab, wiring, rig, name)
        _reset(lab, wiring, rig)


def _burn(lab: Lab, wiring: Wiring, rig: Rig, name: str) -> None:
    lab.report.check(f"{name}: before the fire the free relay is off", wiring.off, lab.chip.level(wiring.free))
    begin_s = time.monotonic()
    lab.contact(FIRE, closed=False)
    open_s = rig.becomes(wiring.free, wiring.on)
    lab.report.at_most(f"{name}: fire, or a broken wire, and the free relay is on after, s", OPENS_S, (open_s or float("inf")) - begin_s)
    rig.show_pass()
    time.sleep(REST_S)
    lab.report.check("... a scan does not end that", wiring.on, lab.chip.level(wiring.free))


def _kill(lab: Lab, wiring: Wiring, rig: Rig, name: str) -> None:
    lab.chip.forget()
    with watched(lab.chip, wiring.free) as seen:
        old = rig.signalled(signal.SIGKILL)
        lab.report.check(f"{name}: SIGKILL during the fire; the next gate comes", True, rig.next_gate(old))
        time.sleep(REST_S)
    driven = {each.level for each in lab.chip.driven(wiring.free)}
    lab.report.check("... nobody has driven the free relay off meanwhile", {wiring.on}, driven)
    lab.report.check("... and it is on", wiring.on, lab.chip.level(wiring.free))
    _tell_gaps(seen, wiring)
    relay = {each.level for each in lab.chip.driven(wiring.relay)}
    lab.report.check("... the relay that lets one person in was driven to its level of rest only", {wiring.off}, relay)


def _stop(lab: Lab, wiring: Wiring, rig: Rig, name: str) -> None:
    lab.contact(FIRE, closed=True)
    time.sleep(REST_S)
    lab.report.check(f"{name}: the contact closes again, and the lane stays free until somebody resets it", wiring.on, lab.chip.level(wiring.free))
    lab.chip.forget()
    with watched(lab.chip, wiring.free) as seen:
        rig.stop()
        time.sleep(REST_S)
        lab.report.check("... after a stop, too, though no gate runs", (None, wiring.on), (rig.gate_process(), lab.chip.level(wiring.free)))
        rig.start()
        time.sleep(REST_S)
    lab.report.check("... and after a new start", wiring.on, lab.chip.level(wiring.free))
    driven = {each.level for each in lab.chip.driven(wiring.free)}
    lab.report.check("... nobody has driven the free relay off meanwhile", {wiring.on}, driven)
    _tell_gaps(seen, wiring)


def _tell_gaps(seen: list[tuple[float, int]], wiring: Wiring) -> None:
    """A line falls to its pull between two owners: for that the kernels of a Pi differ from this one, which takes it back."""
    gaps_ms = [(after - at) * 1000 for (at, level), (after, _) in itertools.pairwise(seen) if level == wiring.off]
    told = f"{len(gaps_ms)}, of {', '.join(f'{each:.0f}' for each in gaps_ms)} ms" if gaps_ms else "none"
    print(f"       gaps between two owners of the line, on a kernel that takes it back: {told}", flush=True)


def _reset(lab: Lab, wiring: Wiring, rig: Rig) -> None:
    lab.contact(KEY_RESET, closed=True)
    lab.report.check("... the key resets it", True, rig.becomes(wiring.free, wiring.off) is not None)
    lab.contact(KEY_RESET, closed=False)
    lab.contact(BREAK_GLASS, closed=False)
    lab.report.check("... the emergency button frees the lane as well", True, rig.becomes(wiring.free, wiring.on) is not None)
    lab.contact(BREAK_GLASS, closed=True)
    time.sleep(REST_S)
    lab.report.check("... until it is reset", wiring.on, lab.chip.level(wiring.free))
    lab.contact(KEY_RESET, closed=True)
    lab.report.check("... by the key", True, rig.becomes(wiring.free, wiring.off) is not None)
    lab.contact(KEY_RESET, closed=False)
