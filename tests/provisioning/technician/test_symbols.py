from __future__ import annotations

import re

from provisioning.technician import symbols
from provisioning.technician.canvas import Canvas
from provisioning.technician.connections import Duty


def test_pins_of_every_duty_look_different_without_colours() -> None:
    drawn, shades = {}, {"#ffffff": "white", "#d0d0d0": "grey"}
    for duty in Duty:
        canvas = Canvas(100, 100, (1, 1))
        symbols.pin(canvas, (50, 50), duty)
        drawn[duty] = re.sub("#[0-9a-f]{6}", lambda ink: shades.get(ink[0], "dark"), canvas.svg(""))
    assert len(set(drawn.values())) == len(Duty)


def test_a_contact_is_drawn_as_it_is_at_rest() -> None:
    drawn = []
    for closed in (True, False):
        canvas = Canvas(100, 100, (1, 1))
        symbols.contact(canvas, (0, 50), (100, 50), closed=closed)
        drawn.append(canvas.svg(""))
    assert drawn[0] != drawn[1]
