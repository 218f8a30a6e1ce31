"""A relay board at a real ``ftdi_sio`` port, and what may befall it. Part of gpio_guest.py; relay_boards.py plays the boards."""

from __future__ import annotations

import signal
import time
from dataclasses import dataclass
from pathlib import Path

from tests.lab.gpio_rig import FIRE, KEY_RESET, MAX_ON_S, SOON_S, Lab, Rig
from tests.lab.guest import PLUGGED_S, Host, ports, wait

PULSE_S = 1.0  # long enough to pull a plug in it
ENTRY, FREE = "1", "2"  # channels, as JSON writes them

# As hardware sellers and modbus.org have them.
FRAMES = {
    "lcus": {"on": bytes.fromhex("a0 01 01 a2"), "off": bytes.fromhex("a0 01 00 a1"), "free off": bytes.fromhex("a0 02 00 a2")},
    "modbus": {
        "on": bytes.fromhex("01 05 00 00 ff 00 8c 3a"),
        "off": bytes.fromhex("01 05 00 00 00 00 cd ca"),
        "free off": bytes.fromhex("01 05 00 01 00 00 9c 0a"),
    },
}
LOOKS = {"lcus": b"", "modbus": bytes.fromhex("01 01 00 00 00 02 bd cb")}
"""What the gate asks again and again: the state of both relays."""

REST, LET_IN, FREED = {ENTRY: False, FREE: False}, {ENTRY: True, FREE: False}, {ENTRY: False, FREE: True}


class Bench:
    """The host, which plays the board."""

    def __init__(self, host: Host, kind: str) -> None:
        self.host, self.kind = host, kind
        host.ask(f"board {kind}")

    def heard(self) -> bytes:
        """What came over USB since somebody asked, but for the questions that come again and again."""
        heard = bytes.fromhex(self.host.ask("heard"))
        return heard.replace(LOOKS[self.kind], b"") if LOOKS[self.kind] else heard

    def relays(self) -> dict[str, bool]:
        """Which of the board's relays is on, of those that were ordered."""
        relays: dict[str, bool] = self.host.ask("relays")
        return relays

    def becomes(self, relays: dict[str, bool], limit_s: float = SOON_S) -> bool:
        return wait(lambda: self.relays() == relays, limit_s)


def check_boards(lab: Lab, host: Host) -> None:
    if not lab.report.check("the kernel's ftdi_sio made a port with a name", True, wait(lambda: len(ports()) == 1, PLUGGED_S)):
        return
    (port,) = ports()
    for kind in FRAMES:
        bench = Bench(host, kind)
        lines = {"relay.kind": f'"{kind}"', "relay.port": f'"{port}"', "relay.channel": ENTRY, "free_relay.channel": FREE}
        with lab.rig({**lines, "relay.pulse_s": f"{PULSE_S}", "relay.max_on_s": f"{MAX_ON_S}"}) as rig:
            _check_frames(lab, bench, rig)
            _check_silence(lab, bench, rig)
            _check_plug(lab, bench, rig, port)
            _check_death(lab, bench, rig)
            _check_fire(lab, bench, rig)
        lab.report.check(f"{kind}: a stop leaves all relays off", True, bench.becomes(REST))


def _let_in(bench: Bench, rig: Rig) -> bool:
    """Does a pass close the relay, and does it open again?"""
    rig.show_pass()
    return bench.becomes(LET_IN) and bench.becomes(REST)


def _check_frames(lab: Lab, bench: Bench, rig: Rig) -> None:
    frames, kind = FRAMES[bench.kind], bench.kind
    rest = 2 * frames["off"] + 2 * frames["free off"]
    lab.report.check(f"{kind}: a start sends the frames that open both relays, twice, and nothing else", rest.hex(" "), bench.heard().hex(" "))
    lab.report.check("... a pass closes the relay, and it opens again", True, _let_in(bench, rig))
    lab.report.check("... by just these two frames", (frames["on"] + frames["off"]).hex(" "), bench.heard().hex(" "))


@dataclass(frozen=True)
class Losses:
    """What the gate records from now on of its board: that it is lost (True), and that it is back (False)."""

    rig: Rig
    before: int

    @classmethod
    def of(cls, rig: Rig) -> Losses:
        return cls(rig, len(cls(rig, 0).told()))

    def told(self) -> list[bool]:
        return [alarm["on"] for alarm in self.rig.alarms() if alarm.get("what") == "relay_lost"][self.before :]

    def become(self, *told: bool) -> bool:
        return wait(lambda: self.told() == list(told), 2 * SOON_S)


def _check_silence(lab: Lab, bench: Bench, rig: Rig) -> None:
    """An LCUS board says nothing at any time; of a Modbus board silence and noise tell that it is lost."""
    for mood in ("mute", "noise"):
        losses = Losses.of(rig)
        bench.host.ask(f"mood {mood}")
        if bench.kind == "modbus":
            lab.report.check(f"{bench.kind}: {mood}: an alarm", True, losses.become(True))
        else:
            time.sleep(2 * PULSE_S)
        bench.host.ask("mood well")
        if bench.kind == "modbus":
            lab.report.check("... and its end", True, losses.become(True, False))
        lab.report.check(f"{bench.kind}: after {mood}, a pass opens as before", True, _let_in(bench, rig))


def _check_plug(lab: Lab, bench: Bench, rig: Rig, port: str) -> None:
    kind, gate, losses = bench.kind, rig.gate_process(), Losses.of(rig)
    at_rest = 2 * FRAMES[kind]["off"] + 2 * FRAMES[kind]["free off"]
    rig.show_pass()
    bench.becomes(LET_IN)
    bench.host.ask("unplug")
    begin_s = time.monotonic()
    lab.report.check(f"{kind}: pulled out with the relay on: an alarm", True, losses.become(True))
    print(f"       after {time.monotonic() - begin_s:.1f} s", flush=True)
    wait(lambda: not Path(port).exists(), SOON_S)
    bench.heard()
    bench.host.ask("plug")
    begin_s = time.monotonic()
    lab.report.check("... plugged in again: the alarm ends", True, losses.become(True, False))
    print(f"       after {time.monotonic() - begin_s:.1f} s", flush=True)
    first = bench.heard()[: len(at_rest)]
    lab.report.check("... under the same name, and both relays were opened first", ([port], at_rest.hex(" ")), (ports(), first.hex(" ")))
    lab.report.check("... a pass opens as before", True, _let_in(bench, rig))
    lab.report.check("... all by one and the same gate process", gate, rig.gate_process())


def _check_death(lab: Lab, bench: Bench, rig: Rig) -> None:
    """A board keeps its relays when the gate dies: only ``failsafe`` lets go of them."""
    rig.show_pass()
    lab.report.check(f"{bench.kind}: a pass closes the relay", True, bench.becomes(LET_IN))
    begin_s = time.monotonic()
    old = rig.signalled(signal.SIGKILL)
    lab.report.check("... SIGKILL, and it is opened", True, bench.becomes(REST))
    print(f"       after {time.monotonic() - begin_s:.2f} s, on a machine that takes long to start a Python", flush=True)
    lab.report.check("... the next gate serves", True, rig.next_gate(old) and _let_in(bench, rig))


def _check_fire(lab: Lab, bench: Bench, rig: Rig) -> None:
    lab.contact(FIRE, closed=False)
    lab.report.check(f"{bench.kind}: fire closes the free relay", True, bench.becomes(FREED))
    bench.heard()
    old = rig.signalled(signal.SIGKILL)
    lab.report.check("... SIGKILL during the fire; the next gate comes", True, rig.next_gate(old))
    rig.stop()
    lab.report.check("... that, and a stop, leave it closed", FREED, bench.relays())
    lab.report.check("... and nobody has opened it meanwhile", False, FRAMES[bench.kind]["free off"] in bench.heard())
    lab.contact(FIRE, closed=True)
    rig.start()
    lab.contact(KEY_RESET, closed=True)
    lab.report.check("... after a new start the key resets it", True, bench.becomes(REST))
    lab.contact(KEY_RESET, closed=False)
