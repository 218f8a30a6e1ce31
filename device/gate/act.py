"""The acting thread: pins, turnstile, lamps, timers. It has one duty and waits for nothing but its next moment.

No disk and no lock that others hold: a stalled disk never delays the end of a pulse, nor a fire. What it is told comes through one
inbox; what it has to tell (a passage, an alarm, a broken output) goes back as facts to be recorded. Whoever wants to know how the
lane is reads ``lane``, a value that is replaced whole at each turn.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from device.clock import NS, monotonic_ns
from device.domain import Crossing, Grant, Passage, Reason
from device.errors import HardwareError
from device.gate.lamps import Lamps
from device.gate.outputs import Lost, Switch
from device.turnstile.actions import Action, Alarm, Mishap, Report, ReportCrossing, Show, ShowTryAgain, SwitchRelay
from device.turnstile.contacts import Change, Contacts, Stuck
from device.turnstile.freedom import Cause
from device.turnstile.lane import Relay, Sensor
from device.turnstile.machine import Service, Turnstile
from device.turnstile.signals import Signal

IDLE_NS = NS // 2
"""The thread looks about itself at least this often: its heart can be felt, and a contact whose edge was lost is seen."""


class Contact(Protocol):
    """A contact to ground that can be asked."""

    def is_closed(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class LaneState:
    """How the lane is. ``free_by`` is ``None`` while it does not stand free."""

    free_by: Cause | None = None
    is_latched: bool = False
    serves_entry: bool = True
    is_occupied: bool = False
    service: Service = Service.NORMAL


@dataclass(frozen=True, slots=True)
class Moved:
    """A contact has closed or opened."""

    sensor: Sensor
    closed: bool
    at_ns: int


@dataclass(frozen=True, slots=True)
class Answer:
    """A person is told ``signal``, why, and the short number of the event."""

    signal: Signal
    reason: Reason | None = None
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Hint:
    """A signal that is worth less than any other."""

    signal: Signal


@dataclass(frozen=True, slots=True)
class Standing:
    """How the gate is, beside the lane."""

    signal: Signal


@dataclass(frozen=True, slots=True)
class OrderFree:
    free: bool


@dataclass(frozen=True, slots=True)
class Broken:
    """An output does not obey; the process must end so that ``failsafe`` lets go of everything."""

    error: HardwareError


Fact = Passage | Crossing | Alarm | Broken
_Told = Grant | Answer | Hint | Standing | Moved | Service | OrderFree | None


class Act:
    def __init__(
        self,
        turnstile: Turnstile,
        relays: Mapping[Relay, Switch],
        lamps: Lamps,
        tell: Callable[[Fact], None],
        *,
        lost: Callable[[], object] = lambda: None,
        mark: Callable[[Cause | None, Service], None] = lambda _cause, _service: None,
        alive: Callable[[], bool] = lambda: True,
    ) -> None:
        """``lost`` tells why the relays do not obey just now, ``None`` while they do; ``mark`` keeps in memory why the lane
        stands free, and whether it serves; ``alive`` is called at each turn, and says whether whoever decides turns too. None of them may wait.
        """
        self._turnstile = turnstile
        self._relays = relays
        self._lamps = lamps
        self._tell = tell
        self._lost = lost
        self._mark = mark
        self._alive = alive
        self._decides = True
        self._contacts = Contacts((), 0)
        self._wired: Mapping[Sensor, Contact] = {}
        self._standing = Signal.DARK  # of what is not the lane
        self._are_lost = False
        self._asked_ns = 0
        self._inbox: queue.SimpleQueue[_Told] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="act", daemon=True)
        self.beat_ns = monotonic_ns()
        self.lane = self._state()

    # --- for other threads -------------------------------------------------------------------------------------

    def start(self, wired: Mapping[Sensor, Contact] | None = None) -> None:
        """``wired``: the contacts that are fitted. Their edges are told by ``moved``; they are also asked."""
        self._wired = wired or {}
        self._asked_ns = monotonic_ns()
        believed = {Sensor.KEY_FREE} if self._turnstile.key_is_free else set()
        self._contacts = Contacts([(sensor, contact.is_closed()) for sensor, contact in self._wired.items()], self._asked_ns, believed=believed)
        self._thread.start()

    def grant(self, grant: Grant) -> None:
        self._inbox.put(grant)

    def show(self, signal: Signal, *, reason: Reason | None = None, number: int | None = None) -> None:
        """Answer a person."""
        self._inbox.put(Answer(signal, reason, number))

    def hint(self, signal: Signal) -> None:
        """Show ``signal``, but not over an answer: dropped then, since a hint is repeated."""
        self._inbox.put(Hint(signal))

    def stand(self, signal: Signal) -> None:
        """This is how the gate is: shown whenever nobody is answered and the lane itself has nothing to say."""
        self._inbox.put(Standing(signal))

    def moved(self, sensor: Sensor, *, closed: bool, at_ns: int) -> None:
        self._inbox.put(Moved(sensor, closed, at_ns))

    def order(self, service: Service) -> None:
        """Serve, or do not."""
        self._inbox.put(service)

    def order_free(self, *, free: bool) -> None:
        """Stand free, or no longer, as far as it is by order."""
        self._inbox.put(OrderFree(free))

    def stop(self) -> None:
        """Let go of what may be let go, and end; bounded, because nothing in the loop waits longer."""
        self._inbox.put(None)
        self._thread.join(timeout=2.0)

    # --- the thread --------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            self._follow()
            while self._take_next():
                self._follow()
        except HardwareError as error:
            self._tell(Broken(error))
        finally:
            self._let_go()

    def _take_next(self) -> bool:
        """Wait for the next moment or message, and take all that has been told by then; false when told to stop.

        All of it: a thread that is late would believe the beginning of a spike on a wire before it has heard of its end.
        """
        try:
            told = self._inbox.get(timeout=self._wait_s())
        except queue.Empty:
            return True
        for further in range(self._inbox.qsize(), -1, -1):
            if told is None:
                return False
            self._take(told)
            self._stand()  # what is told next may be told to another lane
            if further:
                told = self._inbox.get()
        return True

    def _follow(self) -> None:
        """Do what the moment asks."""
        if monotonic_ns() - self._asked_ns >= IDLE_NS:  # however much is told meanwhile: a beam that chatters hides no fire
            self._ask_contacts()
        self._sense(self._contacts.due(monotonic_ns()))
        self._do(self._turnstile.tick(monotonic_ns()))
        self._look_for_relays()
        self._stand()
        self._lamps.play(monotonic_ns())
        self._look_back()

    def _take(self, told: Grant | Answer | Hint | Standing | Moved | Service | OrderFree) -> None:
        match told:
            case Moved(sensor, closed, at_ns):
                self._sense(self._contacts.moved(sensor, closed=closed, at_ns=at_ns))
            case Grant():
                self._do(self._turnstile.grant(told, monotonic_ns()))
            case Answer(signal, reason, number):
                self._lamps.answer(signal, monotonic_ns(), reason=reason, number=number)
            case Hint(signal):
                self._lamps.hint(signal, monotonic_ns())
            case Standing(signal):  # whether the lane is free the turnstile knows, and sooner: nobody is to see green a moment longer
                self._standing = Signal.DARK if signal is Signal.WAY_IS_FREE else signal
            case Service():
                self._do(self._turnstile.order(told, monotonic_ns()))
            case OrderFree(free):
                self._do(self._turnstile.order_free(monotonic_ns(), free=free))

    def _look_back(self) -> None:
        self.lane = self._state()
        self.beat_ns = monotonic_ns()
        self._decides = self._alive()

    def _stand(self) -> None:
        self._lamps.stand(self._turnstile.standing or self._standing_of_the_gate, monotonic_ns())

    @property
    def _standing_of_the_gate(self) -> Signal:
        """While a disk stalls nobody is decided, and whoever decides cannot say so."""
        return self._standing if self._decides else Signal.OUT_OF_ORDER

    def _state(self) -> LaneState:
        lane = self._turnstile
        return LaneState(lane.free_by, lane.is_latched, lane.serves_entry, lane.is_occupied, lane.service)

    def _wait_s(self) -> float:
        moments = (self._turnstile.next_ns(), self._contacts.next_ns(), self._lamps.next_ns(), self._asked_ns + IDLE_NS)
        return max((min(moment for moment in moments if moment is not None) - monotonic_ns()) / NS, 0.0)

    def _ask_contacts(self) -> None:
        self._asked_ns = monotonic_ns()
        for sensor, contact in self._wired.items():
            self._sense(self._contacts.moved(sensor, closed=contact.is_closed(), at_ns=monotonic_ns()))

    def _sense(self, news: list[Change | Stuck]) -> None:
        for each in news:
            match each:
                case Change():
                    self._do(self._turnstile.sense(each, monotonic_ns()))
                case Stuck():
                    self._do(self._turnstile.stuck(each, monotonic_ns()))

    # --- what the turnstile asks for ---------------------------------------------------------------------------

    def _do(self, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case SwitchRelay(relay, on):
                    self._switch(relay, on=on)
                case Show(Signal.GO) if self._are_lost:
                    continue  # it was lost just now, in opening: nobody is to walk against a closed lane
                case Show(signal, reason):
                    self._lamps.answer(signal, monotonic_ns(), reason=reason)
                case ShowTryAgain():
                    self._lamps.try_again(monotonic_ns())
                case Report(passage):
                    self._tell(passage)
                case ReportCrossing(crossing):
                    self._tell(crossing)
                case Alarm():
                    if action.what in {Mishap.FREE, Mishap.SERVICE}:
                        self._mark(self._turnstile.free_by, self._turnstile.service)
                        self.lane = self._state()  # whoever records this asks at once whether it is latched
                    self._tell(action)

    def _switch(self, relay: Relay, *, on: bool) -> None:
        """A relay board that is gone has its own word with the turnstile; a pin that does not obey ends the process."""
        switch = self._relays[relay]
        try:
            if on:
                switch.on()
                self._turnstile.relay_closed(relay, monotonic_ns())
            else:
                switch.off()
        except Lost:
            self._are_lost = True
            self._do(self._turnstile.relay_lost(monotonic_ns()))

    def _look_for_relays(self) -> None:
        """Has the board come or gone? It comes back by itself, and all off."""
        are_lost = self._lost() is not None
        if are_lost is not self._are_lost:
            self._are_lost = are_lost
            self._do(self._turnstile.relay_lost(monotonic_ns()) if are_lost else self._turnstile.relay_back(monotonic_ns()))

    def _let_go(self) -> None:
        """Everything off, each by itself: one that is broken must not keep another on. What keeps a lane free stays on."""
        kept = {Relay.FREE} if self._turnstile.free_by is not None else set()
        for switch in (*(switch for relay, switch in self._relays.items() if relay not in kept), *self._lamps.switches.values()):
            try:
                switch.off()
            except Lost:
                continue  # the board itself sees to it when it is back
            except HardwareError as error:
                self._tell(Broken(error))
