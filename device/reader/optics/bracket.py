"""A bracket: darker and lighter exposures in turn, for a code that is there and not read. Counted in looks."""

from __future__ import annotations

from device.reader.chain import Look
from device.reader.change import Change
from device.reader.frame import Frame, Luma
from device.reader.optics.metering import light_of
from device.reader.outline import box_of

BRACKET = 4.0
"""From one exposure to the next. A decoder reads a code that is lighter or darker than well by a factor of two."""

BOTH_IN_TURN, DARKER_FIRST, LIGHTER_FIRST = (-1, 1, -2, 2), (-1, -2, 1, 2), (1, 2, -1, -2)
"""A screen may be too bright, paper in shade too dark; where the picture says which, that comes first."""

LOOKS_A_BRACKET = 3
"""So long does each exposure of a bracket last; it is seen as much later as the camera needs to follow."""

UNREAD = 3
SUSPICION = 9
"""Three looks that find a code and do not read it begin a bracket; or nine at something that moves and is largely white or black."""

ROUNDS_MAX = 3
LOST = 0.2
BLACK = 40
"""What moves may be a code that cannot even be found: this share of it is white to the end of the scale, or half of it is this dark."""


class Bracket:
    """Other exposures, one after the other, for a code that is there and not read. ``factor`` is that of the moment."""

    def __init__(self) -> None:
        self.factor = 1.0
        self._suspicion = 0
        self._rounds = 0
        self._was_still = False  # before that everything counts as moved, and who is there is not known
        self._plan: list[float] = []
        self._left = 0

    @property
    def running(self) -> bool:
        return self._left > 0

    def look(self, frame: Frame, change: Change, look: Look) -> None:
        """Nothing was read at this look."""
        if self.running:
            self._go_on()
        elif not change.moved:
            self._suspicion = self._rounds = 0
            self._was_still = True
        elif self._rounds < ROUNDS_MAX:
            self._suspect(frame.luma, change, look)

    def end(self) -> None:
        """Something was read."""
        self.factor, self._plan, self._left, self._suspicion, self._rounds = 1.0, [], 0, 0, 0

    def _suspect(self, luma: Luma, change: Change, look: Look) -> None:
        box = box_of(look.unread[0]).grown(0, luma.shape) if look.unread else change.where
        part = luma if box is None else box.of(luma)
        if not part.size:
            return
        light = light_of(part)
        dark, white = light.median <= BLACK, light.white >= LOST
        if look.unread or (self._was_still and (dark or white)):
            self._suspicion += UNREAD if look.unread else 1
        if self._suspicion >= SUSPICION:
            self._begin(DARKER_FIRST if white else LIGHTER_FIRST if dark else BOTH_IN_TURN)

    def _begin(self, steps: tuple[int, ...]) -> None:
        self._suspicion = 0
        self._rounds += 1
        self._plan = [BRACKET**step for step in (*steps, 0)]
        self._left = LOOKS_A_BRACKET
        self.factor = self._plan.pop(0)

    def _go_on(self) -> None:
        self._left -= 1
        if not self._left and self._plan:
            self.factor, self._left = self._plan.pop(0), LOOKS_A_BRACKET
