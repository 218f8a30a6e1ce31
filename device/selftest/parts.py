"""One test for each part of a gate, step by step: what is done, what is to be seen, and what came of it."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from device.clock import NS, monotonic_ns
from device.gate.lamps import Lamps
from device.gate.outputs import Switch
from device.gate.wiring import contacts_of
from device.selftest.bench import Bench, Outcome, Step
from device.settings import DisplayKind
from device.turnstile.contacts import Change
from device.turnstile.lane import LaneKind, Relay, Sensor
from device.turnstile.signals import STANDING, Indicator, Signal
from device.turnstile.words import TELLINGS

LIT_S = 1.0
FREE_S = 2.0
STAND_CLEAR_S = 3.0
PAUSE_S = 0.3
SHOWN_S = 1.5
LATE_S = 0.05
"""How much longer than ordered a pulse may be before something is wrong with this machine."""

ALARMS = frozenset({Sensor.FIRE, Sensor.BREAK_GLASS})


LATCHED = Step("latched", Outcome.FAILED, "the lane must stand free: start the gate, and end the fire at its key switch first")


@dataclass(frozen=True, slots=True)
class Part:
    about: str
    steps: Callable[[Bench], Iterator[Step]]


def _relay(bench: Bench) -> Iterator[Step]:
    if bench.must_be_free:
        yield LATCHED
        return
    relays = bench.relays()
    if not relays:
        yield Step("relay", Outcome.LEFT_OUT, "nothing moves at this lane")
    if bench.settings.lane.profile is LaneKind.BARRIER:
        bench.say("STAND CLEAR: the barrier moves in 3 s")
        time.sleep(STAND_CLEAR_S)
    for relay, switch in relays.items():
        if relay is Relay.FREE:
            continue
        began_ns = monotonic_ns()
        switch.on()
        time.sleep(bench.settings.relay.pulse_s)
        switch.off()
        on_s = (monotonic_ns() - began_ns) / NS
        if on_s > bench.settings.relay.pulse_s + LATE_S:
            yield Step(relay, Outcome.FAILED, f"on for {on_s:.3f} s of {bench.settings.relay.pulse_s:.3f} s ordered: this machine is too busy")
        else:
            yield Step(relay, bench.ask(f"did the relay `{relay}` click twice, and the lane open?"), f"on for {on_s:.3f} s")
        time.sleep(PAUSE_S)
    if (free := relays.get(Relay.FREE)) is not None:
        free.on()
        time.sleep(FREE_S)
        outcome = bench.ask("does the lane stand free now?")
        free.off()
        yield Step(Relay.FREE, outcome, f"on for {FREE_S:.0f} s")


def _lamps(bench: Bench) -> Iterator[Step]:
    fitted = {name: switch for name, switch in bench.indicators().items() if name is not Indicator.BUZZER}
    if not fitted:
        yield Step("lamps", Outcome.LEFT_OUT, "no pin is named in [lamps]")
    for name, switch in fitted.items():
        switch.on()
        time.sleep(LIT_S)
        outcome = bench.ask(f"is the lamp {name} lit, and no other?")
        switch.off()
        yield Step(name, outcome, f"lit for {LIT_S:.0f} s")


def _buzzer(bench: Bench) -> Iterator[Step]:
    """Every signal, as people see and hear it."""
    if Indicator.BUZZER not in bench.indicators():
        yield Step("buzzer", Outcome.LEFT_OUT, "no pin is named in [buzzer]")
        return
    lamps = Lamps(bench.indicators())
    for signal in Signal:
        if signal in STANDING:
            continue
        bench.say(f"signal: {signal}")
        lamps.answer(signal, monotonic_ns())
        while (next_ns := lamps.next_ns()) is not None:
            time.sleep(max((next_ns - monotonic_ns()) / NS, 0))
            lamps.play(monotonic_ns())
        yield Step(signal, Outcome.DONE)
        time.sleep(PAUSE_S)
    yield Step("buzzer", bench.ask("was each of them heard?"))


def _beams(bench: Bench) -> Iterator[Step]:
    """Every contact but those of an alarm: each has to say something, and stop saying it."""
    waiting = {sensor: {True, False} for sensor in contacts_of(bench.settings) if sensor not in ALARMS}
    if not waiting:
        yield Step("beams", Outcome.LEFT_OUT, "no contact is named in [passage] or [inputs]")
        return
    bench.say(f"break each beam, press each button, turn the key, within {bench.seconds:.0f} s: {', '.join(waiting)}")

    def seen(change: Change) -> bool:
        bench.say(f"{change.sensor}: {'on' if change.on else 'off'}")
        waiting[change.sensor].discard(change.on)
        return not any(waiting.values())

    bench.watch(frozenset(waiting), seen)
    for sensor, missing in waiting.items():
        never = " and never ".join("on" if on else "off" for on in sorted(missing, reverse=True))
        yield Step(sensor, Outcome.FAILED if missing else Outcome.OK, f"never {never}: is it wired, to the right pin?" if missing else "on and off")


def _fire(bench: Bench) -> Iterator[Step]:
    fitted = ALARMS & contacts_of(bench.settings).keys()
    if not fitted:
        yield Step("fire", Outcome.LEFT_OUT, "no contact is named: fire frees people by wiring alone")
        return
    if bench.must_be_free:
        yield LATCHED
        return
    for sensor in sorted(fitted):
        bench.say(f"open the contact `{sensor}` (press the button, or pull a wire), then close it again, within {bench.seconds:.0f} s")
        trial = _AlarmTrial(sensor, bench.relays().get(Relay.FREE))
        bench.watch(frozenset(fitted), trial.sees)
        if trial.freed_ms is None:
            yield Step(sensor, Outcome.FAILED, "it never opened: is it normally closed, and on the right pin?")
        elif not trial.is_over:
            yield Step(sensor, Outcome.FAILED, "it never closed again: a broken wire is fire")
        else:
            outcome = bench.ask("did the lane stand free, and does it with this gate switched off?")
            yield Step(sensor, outcome, f"free {trial.freed_ms:.1f} ms after the contact opened; the wiring does it without us")


class _AlarmTrial:
    """The free relay follows all contacts of an alarm, while one of them is tried."""

    def __init__(self, tried: Sensor, free: Switch | None) -> None:
        self._tried = tried
        self._free = free
        self._in_alarm: set[Sensor] = set()
        self.freed_ms: float | None = None
        self.is_over = False

    def sees(self, change: Change) -> bool:
        """True when the contact that is tried has opened and closed, and no other is open."""
        (self._in_alarm.add if change.on else self._in_alarm.discard)(change.sensor)
        if self._free is not None:
            (self._free.on if self._in_alarm else self._free.off)()
        if change.sensor is self._tried and change.on:
            self.freed_ms = (monotonic_ns() - change.at_ns) / 1e6
        self.is_over |= change.sensor is self._tried and not change.on
        return self.is_over and not self._in_alarm


def _display(bench: Bench) -> Iterator[Step]:
    if bench.settings.display.kind is DisplayKind.NONE:
        yield Step("display", Outcome.LEFT_OUT, "display.kind is none")
        return
    troubles: list[str] = []
    display = importlib.import_module("device.gate.outputs.display").open_display(bench.settings, troubles.append)
    try:
        for signal, reason in TELLINGS:
            display.tell(signal, reason, 1234)
            time.sleep(SHOWN_S)
            yield Step(reason or signal, Outcome.FAILED if troubles else Outcome.DONE, troubles[0] if troubles else "")
            if troubles:
                return
    finally:
        display.close()
    yield Step("display", bench.ask("could each of them be read?"))


def _voice(bench: Bench) -> Iterator[Step]:
    if not bench.settings.voice.speaks:
        yield Step("voice", Outcome.LEFT_OUT, "voice.speaks is false")
        return
    troubles: list[str] = []
    voice = importlib.import_module("device.gate.outputs.voice").open_voice(bench.settings, troubles.append)
    try:
        for signal in (Signal.GO, Signal.NO, Signal.ANOTHER_CODE):
            voice.say(signal)
            time.sleep(2 * SHOWN_S)
            yield Step(signal, Outcome.FAILED if troubles else Outcome.DONE, troubles[0] if troubles else "")
    finally:
        voice.close()
    yield Step("voice", bench.ask("was it heard?"))


PARTS: dict[str, Part] = {
    "relay": Part("each relay for one pulse, and the free relay for two seconds", _relay),
    "lamps": Part("each lamp for a second", _lamps),
    "buzzer": Part("every signal, as people see and hear it", _buzzer),
    "beams": Part("every contact: beams, loop, passage, buttons, key; move each of them", _beams),
    "fire": Part("fire contact and break-glass: the free relay has to follow", _fire),
    "display": Part("every picture", _display),
    "voice": Part("three of the prompts", _voice),
}
