"""gpiozero's pins on the kernel's GPIO lines (lgpio), without an edge that nobody ordered.

gpiozero 2.0.1 makes every pin an input without pull first, claims an output low and sets its level afterwards, and makes it
an input without pull again at the end. An active-low relay is on for a moment at each start, and a line without a resistor
outside floats after each stop (gpiozero #1177, #1146). Here a line is claimed once, at its first level, and left as it is.

Needs lgpio at its head: ``pins.py`` imports it only when it was chosen.
"""

from __future__ import annotations

from typing import Any

import lgpio
from gpiozero.pins.lgpio import LGPIOFactory, LGPIOPin

from device.settings import BoardModel

REVISIONS = {BoardModel.PI4: 0xC03115, BoardModel.PI5: 0xD04170, BoardModel.ZERO2W: 0x902120}
"""A revision code of each model (raspberrypi.com, "revision codes"): gpiozero takes from it which pins the header has."""


class Pin(LGPIOPin):  # type: ignore[misc]  # gpiozero has no types
    """A line of the chip."""

    _pwm = _bounce = _callback = None
    _edges = lgpio.BOTH_EDGES

    def __init__(self, factory: Any, info: Any) -> None:
        super(LGPIOPin, self).__init__(factory, info)  # past LGPIOPin's own, which would claim the line as an input

    def output_with_state(self, state: Any) -> None:
        """Claim the line at ``state`` in one step."""
        lgpio.gpio_claim_output(self.factory._handle, self._number, int(bool(state)))  # noqa: SLF001 - as LGPIOPin does

    def close(self) -> None:
        """Give the line back. A stock Raspberry Pi kernel goes on driving it, others make it an input with the pull it has."""
        if self.factory._handle is not None:  # noqa: SLF001
            lgpio.gpio_free(self.factory._handle, self._number)  # noqa: SLF001


class Factory(LGPIOFactory):  # type: ignore[misc]  # gpiozero has no types
    """The pins of chip number ``chip``. A named ``model`` is believed; else the machine is asked, which must be a Pi then."""

    def __init__(self, chip: int, model: BoardModel) -> None:
        super().__init__(chip=chip)
        self._model = model
        self.pin_class = Pin

    def _get_revision(self) -> int:
        return REVISIONS.get(self._model) or int(super()._get_revision())
