"""What lamps and buzzer tell a person: one table, named for what is told.

Every signal differs by rhythm as well as by lamp, for people who cannot see red from green, cannot see, or cannot
hear. Times are milliseconds from the signal's start.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from device.domain import Reason


class Indicator(StrEnum):
    GREEN = "green"
    RED = "red"
    AMBER = "amber"
    BUZZER = "buzzer"


class Signal(StrEnum):
    GO = "go"
    NO = "no"
    ANOTHER_CODE = "another_code"
    AGAIN = "again"
    ONE_AT_A_TIME = "one_at_a_time"
    HOLD_STILL = "hold_still"
    TILT_IT = "tilt_it"
    WAIT = "wait"
    HELP_IS_CALLED = "help_is_called"
    DEGRADED = "degraded"
    SERVICE = "service"
    OUT_OF_ORDER = "out_of_order"
    WAY_IS_FREE = "way_is_free"
    DARK = "dark"


@dataclass(frozen=True, slots=True)
class Step:
    at_ms: int
    indicator: Indicator
    on: bool


def _lit(indicator: Indicator, *spans: tuple[int, int]) -> Iterable[Step]:
    for begin, end in spans:
        yield Step(begin, indicator, on=True)
        yield Step(end, indicator, on=False)


def _in_order(*parts: Iterable[Step]) -> tuple[Step, ...]:
    return tuple(sorted((step for part in parts for step in part), key=lambda step: step.at_ms))


_G, _R, _A, _B = Indicator.GREEN, Indicator.RED, Indicator.AMBER, Indicator.BUZZER

STEPS: dict[Signal, tuple[Step, ...]] = {
    # one short tone, green without a break
    Signal.GO: _in_order(_lit(_G, (0, 2000)), _lit(_B, (0, 80))),
    # one long tone, red in slow blinks
    Signal.NO: _in_order(_lit(_R, (0, 600), (800, 1400), (1600, 2200)), _lit(_B, (0, 600))),
    # two short tones, red in quick pairs: "the gate is well, this code is not the one"
    Signal.ANOTHER_CODE: _in_order(_lit(_R, (0, 150), (300, 450), (900, 1050), (1200, 1350)), _lit(_B, (0, 100), (300, 400))),
    # a short tone and a long one, both lamps at once in two long blinks: "the code is good, the lane was not free; once more"
    Signal.AGAIN: _in_order(_lit(_R, (0, 700), (1000, 1700)), _lit(_G, (0, 700), (1000, 1700)), _lit(_B, (0, 100), (250, 750))),
    # four quick tones, both lamps in turn
    Signal.ONE_AT_A_TIME: _in_order(
        _lit(_R, (0, 200), (400, 600), (800, 1000)),
        _lit(_G, (200, 400), (600, 800)),
        _lit(_B, (0, 60), (150, 210), (300, 360), (450, 510)),
    ),
    # three ticks, both lamps flicker with them: "seen, not read: hold it still, a hand's breadth away"
    Signal.HOLD_STILL: _in_order(*(_lit(each, (0, 60), (200, 260), (400, 460)) for each in (_R, _G, _B))),
    # three ticks and a longer tone, the lamps in turn as the code should turn: "seen, light lies on it: tilt it"
    Signal.TILT_IT: _in_order(
        _lit(_R, (0, 60), (400, 460)),
        _lit(_G, (200, 260), (600, 900)),
        _lit(_B, (0, 60), (200, 260), (400, 460), (600, 900)),
    ),
    # amber in slow blinks, as long as one may have to wait, and a tick each second: "seen; somebody is still passing"
    Signal.WAIT: _in_order(_lit(_A, (0, 500), (1000, 1500), (2000, 2500)), _lit(_B, (0, 40), (1000, 1040), (2000, 2040))),
    # amber and green together, a long tone that rises out of a short one: "somebody comes"
    Signal.HELP_IS_CALLED: _in_order(_lit(_A, (0, 2500)), _lit(_G, (0, 400), (800, 1200), (1600, 2000)), _lit(_B, (0, 50), (100, 600))),
    # a wink of amber every three seconds, silent: "the gate serves, and somebody should look at it"
    Signal.DEGRADED: (),
    # amber and red in turn, silent: "a technician is at work"
    Signal.SERVICE: (),
    # red until the next signal, and three long tones, once
    Signal.OUT_OF_ORDER: _in_order([Step(0, _R, on=True)], _lit(_B, (0, 400), (600, 1000), (1200, 1600))),
    # green that blinks off for a moment each second, and five pairs of tones, once: "the way is open, go"
    Signal.WAY_IS_FREE: _in_order(
        [Step(0, _G, on=True)], _lit(_B, *((at + begin, at + begin + 120) for at in range(0, 3000, 600) for begin in (0, 200)))
    ),
    Signal.DARK: (),
}

ROUNDS: dict[Signal, tuple[int, tuple[Step, ...]]] = {
    Signal.DEGRADED: (3000, _in_order(_lit(_A, (0, 150)))),
    Signal.SERVICE: (1000, _in_order(_lit(_A, (0, 500)), _lit(_R, (500, 1000)))),
    Signal.WAY_IS_FREE: (1000, _in_order(_lit(_G, (0, 850)))),
}
"""What goes on after a signal's own steps, round after round of so many milliseconds, until the next signal."""

STANDING = frozenset({Signal.DEGRADED, Signal.SERVICE, Signal.OUT_OF_ORDER, Signal.WAY_IS_FREE, Signal.DARK})
"""Signals about the gate itself. They stay, and come back after a person was answered."""

_GO = (Reason.OK, Reason.RECORDED, Reason.EXIT_FREE)
_ONE_AT_A_TIME = (Reason.ONE_AT_A_TIME,)
_AGAIN = (Reason.LANE_BUSY,)
_OUT_OF_ORDER = (Reason.CLOCK_UNTRUSTED, Reason.LIST_STALE, Reason.OUT_OF_SERVICE)
# Another code of the same person may well open: a card where a link was shown, a pass where a card was.
_ANOTHER_CODE = (
    *(Reason.NOT_PROVEN, Reason.NOT_ACCEPTED, Reason.PAYMENT_CODE, Reason.PLACE_CODE, Reason.APP_STORE, Reason.HEALTH_LINK),
    *(Reason.WIFI, Reason.CONTACT, Reason.LINK, Reason.SET_UP_CODE, Reason.PARTIAL, Reason.UNSUPPORTED, Reason.NOT_A_PASS, Reason.MALFORMED),
)
_SIGNALS = {
    Signal.GO: _GO,
    Signal.ONE_AT_A_TIME: _ONE_AT_A_TIME,
    Signal.AGAIN: _AGAIN,
    Signal.OUT_OF_ORDER: _OUT_OF_ORDER,
    Signal.ANOTHER_CODE: _ANOTHER_CODE,
}
SIGNAL_OF_REASON: dict[Reason, Signal] = dict.fromkeys(Reason, Signal.NO) | {
    reason: signal for signal, reasons in _SIGNALS.items() for reason in reasons
}
"""What is not named above is a plain no: of a denied person it must look like that of an expired pass."""
