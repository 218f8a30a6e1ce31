"""A lane's play in rows: milliseconds, what happens, what the turnstile asks to be done, and when time alone has something to do next."""

from __future__ import annotations

from device.domain import Crossing, Direction, Grant, Passage
from device.turnstile.actions import Action, Alarm, Report, ReportCrossing, Show, ShowTryAgain, SwitchRelay
from device.turnstile.contacts import NS_PER_MS, Change, Stuck
from device.turnstile.lane import Lane, Relay, Sensor
from device.turnstile.machine import Service, Turnstile

Row = tuple[int, str, str, int | None]
Scenario = tuple[Lane, list[Row]]

ON_AND_OFF = {
    Relay.ENTRY: ("on", "off"),
    Relay.EXIT: ("out-on", "out-off"),
    Relay.LOWER: ("lower-on", "lower-off"),
    Relay.FREE: ("free-on", "free-off"),
}


class Play:
    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self._turnstile = Turnstile(lane)
        self._ordered = False

    def row(self, at_ms: int, what: str) -> Row:
        done = " ".join(map(told, self._happens(what.split(), at_ms * NS_PER_MS)))
        next_ns = self._turnstile.next_ns()
        return at_ms, what, done, None if next_ns is None else next_ns // NS_PER_MS

    def _happens(self, what: list[str], now_ns: int) -> list[Action]:
        """``grant a [out] [for 3] by 1500``; ``passed`` (the contact, on and off), ``passed at 700`` (seen then), ``outer_beam on``;
        ``stuck loop``, ``believe loop``; and whatever ``_is_done`` takes.
        """
        lane = self._turnstile
        match what:
            case ["grant", id_, *rest]:
                return lane.grant(_grant(id_, rest), now_ns)
            case ["passed" | "passed_out" as sensor]:
                return [each for on in (True, False) for each in lane.sense(Change(Sensor(sensor), on, now_ns), now_ns)]
            case ["passed", "at", seen_ms]:
                return lane.sense(Change(Sensor.PASSED, on=True, at_ns=int(seen_ms) * NS_PER_MS), now_ns)
            case [sensor, "on" | "off" as level]:
                return lane.sense(Change(Sensor(sensor), level == "on", now_ns), now_ns)
            case ["stuck" | "believe" as how, sensor]:
                return lane.stuck(Stuck(Sensor(sensor), how == "stuck", now_ns), now_ns)
        return self._is_done(what, now_ns)

    def _is_done(self, what: list[str], now_ns: int) -> list[Action]:
        """``tick``; ``closed`` (the contact of the relay); ``order locked``, ``free``, ``close``; ``relays lost``, ``relays back``;
        ``again``: the gate is started anew.
        """
        lane = self._turnstile
        match what:
            case ["closed"]:
                lane.relay_closed(Relay.ENTRY, now_ns)
            case ["order", service]:
                return lane.order(Service(service), now_ns)
            case ["free" | "close" as how]:
                self._ordered = how == "free"
                return lane.order_free(now_ns, free=self._ordered)
            case ["relays", how]:
                return lane.relay_lost(now_ns) if how == "lost" else lane.relay_back(now_ns)
            case ["again"]:
                self._turnstile = Turnstile(self._lane, latched=lane.is_latched, ordered_free=self._ordered, service=lane.service)
                return self._turnstile.tick(now_ns)
            case _:
                assert what == ["tick"]
                return lane.tick(now_ns)
        return []


def _grant(id_: str, words: list[str]) -> Grant:
    people = int(words[words.index("for") + 1]) if "for" in words else 1
    deadline_ms = int(words[words.index("by") + 1])
    return Grant(id_, deadline_ms * NS_PER_MS, people, Direction.EXIT if "out" in words else Direction.ENTRY)


def told(action: Action) -> str:
    match action:
        case SwitchRelay(relay, on):
            return ON_AND_OFF[relay][not on]
        case Show(signal):
            return signal.value
        case ShowTryAgain():
            return "again"
        case ReportCrossing(Crossing(kind, direction, at_ns, people)):
            return f"{kind}{'' if direction is None else f'-{direction}'}{_party(people)}@{at_ns // NS_PER_MS}"
        case Report(Passage(id_, outcome, opened_ns, ended_ns, people)):
            opened = "never" if opened_ns is None else str(opened_ns // NS_PER_MS)
            return f"{id_}:{outcome}{_party(people)}@{opened}-{ended_ns // NS_PER_MS}"
        case Alarm(what, on, _, about):
            return f"{'+' if on else '-'}{what}{about and f'={about}'}"


def _party(people: int) -> str:
    return f"x{people}" if people > 1 else ""
