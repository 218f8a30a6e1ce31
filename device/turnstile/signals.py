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
    BUZZER = "buzzer"


class Signal(StrEnum):
    GO = "go"
    NO = "no"
    ANOTHER_CODE = "another_code"
    AGAIN = "again"
    ONE_AT_A_TIME = "one_at_a_time"
    HOLD_STILL = "hold_still"
    TILT_IT = "tilt_it"
    OUT_OF_ORDER = "out_of_order"
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


_G, _R, _B = Indicator.GREEN, Indicator.RED, Indicator.BUZZER

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
    # red until the next signal, and three long tones, once
    Signal.OUT_OF_ORDER: _in_order([Step(0, _R, on=True)], _lit(_B, (0, 400), (600, 1000), (1200, 1600))),
    Signal.DARK: (),
}

_GO = (Reason.OK, Reason.RECORDED, Reason.EXIT_FREE)
_ONE_AT_A_TIME = (Reason.ONE_AT_A_TIME,)
_OUT_OF_ORDER = (Reason.CLOCK_UNTRUSTED, Reason.LIST_STALE)
# Another code of the same person may well open: a card where a link was shown, a pass where a card was.
_ANOTHER_CODE = (
    *(Reason.NOT_PROVEN, Reason.NOT_ACCEPTED, Reason.PAYMENT_CODE, Reason.PLACE_CODE, Reason.APP_STORE, Reason.HEALTH_LINK),
    *(Reason.WIFI, Reason.CONTACT, Reason.LINK, Reason.SET_UP_CODE, Reason.PARTIAL, Reason.UNSUPPORTED, Reason.NOT_A_PASS, Reason.MALFORMED),
)
_SIGNALS = {
    Signal.GO: _GO,
    Signal.ONE_AT_A_TIME: _ONE_AT_A_TIME,
    Signal.OUT_OF_ORDER: _OUT_OF_ORDER,
    Signal.ANOTHER_CODE: _ANOTHER_CODE,
}
SIGNAL_OF_REASON: dict[Reason, Signal] = dict.fromkeys(Reason, Signal.NO) | {
    reason: signal for signal, reasons in _SIGNALS.items() for reason in reasons
}
"""What is not named above is a plain no: of a denied person it must look like that of an expired pass."""
