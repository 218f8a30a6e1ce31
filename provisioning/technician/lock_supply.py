"""The part of the wiring that frees people without the gate: it is drawn with every lane that moves, and has no pin of ours."""

from __future__ import annotations

from device.turnstile.lane import PowerLoss
from provisioning.technician import connections, symbols
from provisioning.technician.canvas import Canvas
from provisioning.technician.connections import Tables

LEFT, RIGHT = 30, 960
DEPTH = 196
NOTE = 11.5


def draw_lock_supply(canvas: Canvas, tables: Tables, top: float) -> float:
    """Where it ends, downwards."""
    canvas.box((LEFT, top), (RIGHT - LEFT, DEPTH), width=2.6)
    if connections.power_loss(tables) is PowerLoss.CLOSED:
        _order_by_contact(canvas, tables, top)
    else:
        _cut_by_contact(canvas, tables, top)
    return top + DEPTH


def _cut_by_contact(canvas: Canvas, tables: Tables, top: float) -> None:
    """For locks that let go without a supply."""
    canvas.text((LEFT + 16, top + 26), "Fire and break-glass cut the lock supply: with the gate off, hung or wrong, people get out", bold=True)
    high, low = top + 72, top + 146
    _supply(canvas, high, low)
    for left, right, what, key in (
        (270, 470, "fire alarm (NC), first pole", "fire_pin"),
        (470, 700, "break-glass (NC), first pole", "break_glass_pin"),
    ):
        symbols.contact(canvas, (left, high), (right, high), closed=True)
        canvas.text(((left + right) / 2, high + 24), what, size=NOTE, anchor="middle")
        canvas.text(((left + right) / 2, high + 41), connections.second_pole(tables, key), size=NOTE, anchor="middle")
    canvas.line((700, high), (740, high))
    canvas.line((270, low), (740, low))
    symbols.coil(canvas, (740, high), (740, low))
    for row, words in enumerate(("lock of the lane,", "with a diode (DC)", "or a varistor (AC)")):
        canvas.text((806, high + 24 + 17 * row), words, size=NOTE)
    canvas.text(
        (LEFT + 16, top + 182), "Where the drive has a fire loop of its own (NC, such as PERCo's FA), the first poles open that instead.", size=NOTE
    )


def _order_by_contact(canvas: Canvas, tables: Tables, top: float) -> None:
    """For a drive that needs its supply to open."""
    canvas.text(
        (LEFT + 16, top + 26), "This lane stays shut without power: a fire orders its drive to open, with the gate off, hung or wrong", bold=True
    )
    high, low = top + 72, top + 146
    _supply(canvas, high, low)
    canvas.line((270, high), (330, high))
    canvas.line((270, low), (330, low))
    canvas.box((330, high - 18), (150, low - high + 36))
    canvas.text((342, high + 4), "drive", bold=True)
    canvas.text((470, high + 4), "EMERGENCY", size=NOTE, anchor="end")
    symbols.terminal(canvas, (480, high))
    symbols.terminal(canvas, (480, low))
    canvas.line((484, high), (560, high), (560, low - 18))
    canvas.line((484, low), (700, low), (700, high))
    second = connections.second_pole(tables, "fire_pin")
    for level, what in (
        (high, f"fire alarm (NO), first pole{'; ' if second else ''}{second}"),
        (low - 18, "the free relay, as above"),
    ):
        symbols.contact(canvas, (560, level), (700, level), closed=False)
        canvas.text((714, level + 4), what.partition("; ")[0], size=NOTE)
        canvas.text((714, level + 21), what.partition("; ")[2], size=NOTE)
    canvas.text(
        (LEFT + 16, top + 182),
        "Where the drive has a fire loop that is closed at rest (NC), open that instead: a broken wire then opens the lane.",
        size=NOTE,
    )


def _supply(canvas: Canvas, high: float, low: float) -> None:
    canvas.box((LEFT + 16, high - 16), (134, low - high + 32))
    for row, words in enumerate(("supply of lock", "and drive:", "never the Pi's")):
        canvas.text((LEFT + 28, high + 20 + 17 * row), words, size=NOTE)
    canvas.text((LEFT + 144, high + 5), "+", anchor="end", bold=True)
    canvas.text((LEFT + 144, low + 5), "-", anchor="end", bold=True)
    symbols.fuse(canvas, (180, high), (270, high))
    canvas.text((225, high + 24), "fuse", size=NOTE, anchor="middle")
    canvas.line((180, low), (270, low))
