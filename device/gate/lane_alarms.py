"""What the lane tells of itself: recorded as alarms, kept as troubles, and, of a fire, latched on the disk.

A fire is recorded once when it begins and once when it ends. A contact that flutters, a loose wire or a door in the wind, is told
singly at first, then once a minute, with what it said last and how many changes came and went in between.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from device.clock import NS
from device.degraded import Trouble
from device.gate.act import Act
from device.gate.condition import Condition
from device.gate.latch import Latch
from device.turnstile.actions import Alarm, Mishap
from device.turnstile.machine import Service

TROUBLE_OF: dict[Mishap, Trouble] = {
    Mishap.FREE: Trouble.FREE,
    Mishap.RELAY_LOST: Trouble.RELAY_LOST,
    Mishap.NOT_READY: Trouble.NOT_READY,
    Mishap.SENSOR_STUCK: Trouble.SENSOR_STUCK,
    Mishap.HELD: Trouble.HELD,
    Mishap.ON_BATTERY: Trouble.ON_BATTERY,
    Mishap.TAMPER: Trouble.TAMPER,
}

OFTEN, WITHIN_NS = 6, 60 * NS
"""More changes of one kind within a minute are a flutter: told once a minute, until a minute has passed without a change."""

Key = tuple[Mishap, str]


@dataclass(slots=True)
class _Lately:
    """What was told of one kind, and what was held back."""

    told_ns: deque[int] = field(default_factory=lambda: deque(maxlen=OFTEN))
    flutters: bool = False
    held: Alarm | None = None  # the newest that was not told
    changes: int = 0  # that were not told

    def may_tell(self, now_ns: int) -> bool:
        self.flutters = self.flutters or (len(self.told_ns) == OFTEN and now_ns - self.told_ns[0] < WITHIN_NS)
        return not self.flutters


class LaneAlarms:
    def __init__(self, act: Act, condition: Condition, latch: Latch, alarm: Callable[[dict[str, Any]], None], ticks: Callable[[], int]) -> None:
        self._act = act
        self._condition = condition
        self._latch = latch
        self._alarm = alarm
        self._ticks = ticks
        self._stuck: set[str] = set()
        self._lately: dict[Key, _Lately] = {}

    def take(self, alarm: Alarm) -> None:
        self._remember(alarm)
        key = (alarm.what, alarm.about if alarm.what is Mishap.SENSOR_STUCK else "")
        lately, now_ns = self._lately.setdefault(key, _Lately()), self._ticks()
        if lately.may_tell(now_ns):
            self._tell(alarm, lately, now_ns)
        else:
            lately.held = alarm
            lately.changes += 1

    def look(self, now_ns: int) -> None:
        """Keep on the disk whether the lane is latched; what the disk does not take is tried again. Tell what was held back."""
        self._latch.keep(latched=self._act.lane.is_latched)
        for lately in self._lately.values():
            if lately.flutters and now_ns - lately.told_ns[-1] >= WITHIN_NS:
                if lately.held is None:
                    lately.flutters = False
                else:
                    self._tell(lately.held, lately, now_ns)

    def _tell(self, alarm: Alarm, lately: _Lately, now_ns: int) -> None:
        folded = {"folded": lately.changes - 1} if lately.changes > 1 else {}
        lately.told_ns.append(now_ns)
        lately.held, lately.changes = None, 0
        about = {"about": alarm.about} if alarm.about else {}
        self._alarm({"what": alarm.what, "on": alarm.on, "at_ns": alarm.at_ns, **about, **folded})

    def _remember(self, alarm: Alarm) -> None:
        if alarm.what is Mishap.FREE:
            self._latch.keep(latched=self._act.lane.is_latched)
        if alarm.what is Mishap.SERVICE:
            self._condition.set(Trouble.SERVICE, on=alarm.about in {Service.SETUP, Service.TEST}, about=alarm.about)
            self._condition.set(Trouble.LOCKED, on=alarm.about == Service.LOCKED)
        elif alarm.what is Mishap.SENSOR_STUCK:
            (self._stuck.add if alarm.on else self._stuck.discard)(alarm.about)
            self._condition.set(Trouble.SENSOR_STUCK, on=bool(self._stuck), about=", ".join(sorted(self._stuck)))
        elif trouble := TROUBLE_OF.get(alarm.what):
            self._condition.set(trouble, on=alarm.on, about=alarm.about)
