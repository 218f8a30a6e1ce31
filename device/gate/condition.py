"""How the gate is: the troubles of the moment, what its lamps say of them, and what operators are told.

Each trouble that begins or ends is an alarm, and the whole is the retained message ``health``. Time is passed in.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from device.clock import NS
from device.degraded import Trouble, health, signal
from device.turnstile.signals import Signal

TOLD_BY_THE_LANE = frozenset(
    {
        *(Trouble.FREE, Trouble.RELAY_LOST, Trouble.NOT_READY, Trouble.LOCKED, Trouble.SERVICE, Trouble.SENSOR_STUCK, Trouble.HELD),
        *(Trouble.ON_BATTERY, Trouble.TAMPER),
    }
)
TOLD_BY_THE_EYES = frozenset({Trouble.CAMERA_BLIND})
"""Their alarms say more, and come from those who noticed."""

ABOUT_MAX = 80
"""Characters: with every trouble at once the body stays below what the link to the uplink takes."""

OUTBOX_NS = 60 * NS

FLUTTER_NS = 10 * NS
"""A trouble that ends and begins again within this time is one alarm."""


class Condition:
    def __init__(
        self,
        *,
        alarm: Callable[[dict[str, Any]], None],
        stand: Callable[[Signal], None],
        publish: Callable[[bytes], bool],
        outbox: Callable[[], Mapping[str, Any]] = dict,
    ) -> None:
        """``publish`` is handed the body of ``health`` whenever it has changed: UTF-8 JSON. Where it answers false it is asked again.

        ``outbox`` tells what waits for its confirmation; it is asked once a minute, and its numbers alone are no reason to say more often.
        """
        self._alarm = alarm
        self._ask_outbox = outbox
        self._outbox: Mapping[str, Any] = {}
        self._asked_ns: int | None = None
        self._stand = stand
        self._publish = publish
        self._troubles: dict[Trouble, str] = {}  # and what is to be said of each
        self._alarmed: dict[Trouble, int | None] = {}  # in alarm, and since when over
        self._shown = Signal.DARK
        self._published = b""

    @property
    def troubles(self) -> frozenset[Trouble]:
        return frozenset(self._troubles)

    def set(self, trouble: Trouble, *, on: bool, about: str = "") -> None:
        """``trouble`` is there, or is not."""
        if on:
            self._troubles[trouble] = about[:ABOUT_MAX]
        else:
            self._troubles.pop(trouble, None)

    def tick(self, now_ns: int) -> None:
        """Tell what has changed: at the lane at once, to operators what lasts."""
        shown = signal(self._troubles)
        if shown is not self._shown:
            self._shown = shown
            self._stand(shown)
        for trouble in Trouble:
            if trouble not in TOLD_BY_THE_LANE | TOLD_BY_THE_EYES:
                self._tell(trouble, now_ns)
        if self._asked_ns is None or now_ns - self._asked_ns >= OUTBOX_NS:
            self._asked_ns, self._outbox = now_ns, self._ask_outbox()
        body = self.body()
        if body != self._published and self._publish(body):
            self._published = body

    def body(self) -> bytes:
        """The message ``health``."""
        told = [{"trouble": each, **({"about": self._troubles[each]} if self._troubles[each] else {})} for each in Trouble if each in self._troubles]
        outbox = {"outbox": dict(self._outbox)} if self._outbox else {}
        return json.dumps({"health": health(self._troubles), "troubles": told} | outbox, separators=(",", ":")).encode()

    def _tell(self, trouble: Trouble, now_ns: int) -> None:
        there, alarmed = trouble in self._troubles, trouble in self._alarmed
        if there and not alarmed:
            self._alarmed[trouble] = None
            about = self._troubles[trouble]
            self._alarm({"what": trouble, "on": True} | ({"about": about} if about else {}))
        elif there:
            self._alarmed[trouble] = None
        elif alarmed:
            over_ns = self._alarmed[trouble]
            if over_ns is None:
                self._alarmed[trouble] = now_ns
            elif now_ns - over_ns >= FLUTTER_NS:
                del self._alarmed[trouble]
                self._alarm({"what": trouble, "on": False})
