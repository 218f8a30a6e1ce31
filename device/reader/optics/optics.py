"""How well the lens sees: covered, dark, dazzled, out of focus, slow, or a code that cannot be read. Pure: time is passed in.

Whether frames come at all is told elsewhere; who joins the two lets the blind states win.

Every state needs to last before it is said, and to be gone for a while before it is taken back, with one threshold for
each. What is normal is learnt from the scene itself: a lane before a blank wall has no detail on its best day.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from device.clock import NS
from device.links import EyesState
from device.reader.chain import Look
from device.reader.change import Change
from device.reader.frame import Frame
from device.reader.optics.metering import Detail, Light, detail_of, light_of
from device.reader.optics.unread import Unread
from device.reader.optics.usual import Moving, Pace, Usual

MEASURE_NS = NS
"""Light and detail are measured once a second: 0.05 ms, which is 0.017 ms a look while nobody is there."""

PIXELS_MIN = 8
"""A picture less wide or high says nothing about optics."""

PRIORITY = (
    EyesState.COVERED,  # blind
    EyesState.GLARE,  # a person stands there and can do something about these two; so they come before what lasts all day
    EyesState.UNREADABLE,
    EyesState.OUT_OF_FOCUS,
    EyesState.DARK,
    EyesState.BRIGHT,
    EyesState.SLOW,
)
"""Which state is said when several hold: the first."""


@dataclass(slots=True)
class Held:
    """A state that must last ``on_ns`` before it is said, and be gone for ``off_ns`` before it is taken back."""

    on_ns: int
    off_ns: int
    on: bool = False
    _since_ns: int | None = None

    def see(self, now_ns: int, *, enters: bool, stays: bool) -> None:
        """``enters`` is beyond the threshold to begin, ``stays`` not yet back over the one to end; in between nothing changes."""
        if (stays if self.on else enters) == self.on:
            self._since_ns = None
        elif self._since_ns is None:
            self._since_ns = now_ns
        if self._since_ns is not None and now_ns - self._since_ns >= (self.off_ns if self.on else self.on_ns):
            self.on, self._since_ns = not self.on, None

    def end(self) -> None:
        self.on, self._since_ns = False, None


BLACK_ENTER, BLACK_LEAVE = 40, 56
"""The 95th percentile before a capped lens: the sensor's black level, 16, and the noise of full amplification above it."""

FLAT_ENTER, FLAT_LEAVE = 1.5, 2.5
"""Relief. A finger or a tape lets light through, more at one side, but nothing stands out of it; a dark yard by night has 3."""

DARK_ENTER, DARK_LEAVE = 48, 64
"""The 95th percentile. The lightest part of a scene is about as light as paper; a code of a fifth of the scale is read seldom
(decoding.md section 5)."""

WHITE_ENTER, WHITE_LEAVE = 0.3, 0.2
LIGHT_ENTER, LIGHT_LEAVE = 200, 180
"""Share of pixels without a value; or the 5th percentile, where even dark things are light."""

SOFTER_ENTER, SOFTER_LEAVE = 1 / 3, 1 / 2
"""Sharpness, in parts of the best that the same scene once had. Blur of three times the width is far beyond a hand's play in depth."""

SLOW_ENTER, SLOW_LEAVE = 0.7, 0.8
"""Frames a second, in parts of what was asked for."""


@dataclass(slots=True)
class Optics:
    """Tell it of every frame and of every look; ``state`` is what holds now. ``frames_per_s``: asked of a camera; a file is never slow."""

    frames_per_s: float | None = None
    state: EyesState = EyesState.OK
    _unread: Unread = field(default_factory=Unread)
    _usual: Usual = field(default_factory=Usual)
    _moving: Moving = field(default_factory=Moving)
    _pace: Pace | None = field(init=False)
    _measured_ns: int | None = None
    _before: Detail | None = None
    _held: dict[EyesState, Held] = field(
        default_factory=lambda: {
            EyesState.COVERED: Held(5 * NS, NS),
            EyesState.OUT_OF_FOCUS: Held(20 * NS, 10 * NS),
            EyesState.DARK: Held(5 * NS, 3 * NS),
            EyesState.BRIGHT: Held(5 * NS, 3 * NS),
            EyesState.SLOW: Held(5 * NS, 3 * NS),
        }
    )

    def __post_init__(self) -> None:
        self._pace = Pace(NS / self.frames_per_s, NS / self.frames_per_s) if self.frames_per_s else None

    def frame(self, frame: Frame) -> None:
        """A frame came, looked at or not."""
        if self._pace:
            self._pace.see(frame)

    def look(self, frame: Frame, change: Change, look: Look, now_ns: int) -> EyesState:
        """What can be said after this look; ``frame`` is not kept."""
        if look.readings:
            self._held[EyesState.COVERED].end()
        if min(frame.luma.shape) >= PIXELS_MIN and (self._measured_ns is None or now_ns - self._measured_ns >= MEASURE_NS):
            self._measure(frame, change, now_ns)
        unread = self._unread.look(frame.luma, look, now_ns, moved=change.moved)
        self.state = next((state for state in PRIORITY if state is unread or self._holds(state)), EyesState.OK)
        return self.state

    def _holds(self, state: EyesState) -> bool:
        held = self._held.get(state)
        return (held is not None and held.on) or (state is EyesState.OUT_OF_FOCUS and self._moving.never_sharp)

    def _measure(self, frame: Frame, change: Change, now_ns: int) -> None:
        passed_ns = min(now_ns - (self._measured_ns or now_ns), 2 * MEASURE_NS)
        self._measured_ns = now_ns
        light, detail = light_of(frame.luma), detail_of(frame.luma)
        before, self._before = self._before, detail
        if before is None:
            return  # relief takes two
        relief = detail.relief(before)
        self._see_cover(light, relief, now_ns)
        if not self._held[EyesState.COVERED].on:  # a covered lens tells nothing of what is before it
            self._see_light(light, now_ns)
            if not change.moved and passed_ns:
                self._usual.learn(detail, passed_ns, flat=relief <= FLAT_LEAVE)
            if not (self._held[EyesState.DARK].on or self._held[EyesState.BRIGHT].on):  # edges at an end of the scale are cut off
                self._see_focus(detail, now_ns, moved=change.moved)
        if self._pace:
            self._held[EyesState.SLOW].see(now_ns, enters=self._pace.below(SLOW_ENTER), stays=self._pace.below(SLOW_LEAVE))

    def _see_cover(self, light: Light, relief: float, now_ns: int) -> None:
        """Nothing stands out: all is black, or as flat as the scene is not on other days."""
        covered = self._held[EyesState.COVERED]
        covered.see(
            now_ns,
            enters=relief <= FLAT_ENTER and (light.high <= BLACK_ENTER or not self._usual.blank),
            stays=relief <= FLAT_LEAVE and (light.high <= BLACK_LEAVE or not self._usual.blank),
        )
        if covered.on:
            self._held[EyesState.DARK].end()
            self._held[EyesState.BRIGHT].end()

    def _see_light(self, light: Light, now_ns: int) -> None:
        self._held[EyesState.DARK].see(now_ns, enters=light.high <= DARK_ENTER, stays=light.high <= DARK_LEAVE)
        self._held[EyesState.BRIGHT].see(
            now_ns,
            enters=light.white >= WHITE_ENTER or light.low >= LIGHT_ENTER,
            stays=light.white >= WHITE_LEAVE or light.low >= LIGHT_LEAVE,
        )

    def _see_focus(self, detail: Detail, now_ns: int, *, moved: bool) -> None:
        """Is the still scene softer than it once was? People before it and a night without edges leave what was."""
        if moved:
            self._moving.learn(detail)
            return
        if detail.sharpness is not None:
            enters, stays = detail.sharpness < SOFTER_ENTER * self._usual.best, detail.sharpness < SOFTER_LEAVE * self._usual.best
            self._held[EyesState.OUT_OF_FOCUS].see(now_ns, enters=enters, stays=stays)
