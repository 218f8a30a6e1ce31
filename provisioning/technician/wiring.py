"""The wiring of a gate on one sheet of A4: the header with its pins, and line by line what hangs on them.

The sheet is drawn from the same tables that the gate reads, so that the two cannot differ.
"""

from __future__ import annotations

from pathlib import Path

from device import board, config
from provisioning.authority.init import REFERENCE_GATE
from provisioning.technician import connections, symbols
from provisioning.technician.canvas import FAINT, Canvas
from provisioning.technician.connections import Duty, Tables, Wire
from provisioning.technician.lock_supply import draw_lock_supply

WIDTH, HEIGHT, PAPER_MM = 990, 1400, (210, 297)
LEFT, RIGHT = 30, 960
PI_EDGE = 330  # the computer's right side, where its wires begin
BLOCK, BLOCK_EDGE = 470, 610  # what they lead to
DRIVE = 770  # the turnstile's own drive
ROW, RELAY_ROW, DRIVE_ROW, GAP = 24, 50, 40, 26
HEADER_PITCH = 26

SHARED_TABLES = ("reader", "clock", "links")
"""What ``systemd/gate.toml`` says for every gate, and no board file."""


def draw(path: Path) -> str:
    """The sheet for the ``gate.toml`` or board file at ``path``, as SVG. What a board file leaves out is as ``init`` writes it.

    Raises:
        SettingsError: with every mistake of the file.
    """
    return Sheet(config.load_bench(path, {name: REFERENCE_GATE[name] for name in SHARED_TABLES}), path.name).svg()


class Sheet:
    """One sheet, drawn from top to bottom; ``y`` is how far it has come."""

    def __init__(self, tables: Tables, file: str) -> None:
        self.tables = tables
        self.canvas = Canvas(WIDTH, HEIGHT, PAPER_MM)
        self.title = f"{connections.model_name(tables)}: {connections.DRIVES[tables['lane'].profile]}"
        self._used: dict[int, Wire] = {}
        self._y = 150.0
        self._head(file)
        top = self._y - 40
        self._relays_and_drive()
        self._indicators()
        self._contacts()
        self._parts()
        bottom = max(self._y - GAP + 10, top + 54 + HEADER_PITCH * 20 + 190)
        self._computer(top, bottom)
        self._y = bottom + 24
        if connections.moves(tables):
            self._y = draw_lock_supply(self.canvas, tables, self._y) + 30
        self._legend()
        self.canvas.height = max(HEIGHT, self._y)

    def svg(self) -> str:
        return self.canvas.svg(self.title)

    def _head(self, file: str) -> None:
        self.canvas.text((LEFT, 48), self.title, size=24, bold=True)
        if connections.moves(self.tables):
            self.canvas.text((LEFT, 92), f"Loss of power: {connections.LOSS_OF_POWER[connections.power_loss(self.tables)]}.", bold=True)
        self.canvas.text((LEFT, 70), f"drawn by `qrgate-provision wiring` from {file}: change that file, and draw again", size=12, ink=FAINT)

    # --- the computer ------------------------------------------------------------------------------------------

    def _computer(self, top: float, bottom: float) -> None:
        self.canvas.box((LEFT, top), (PI_EDGE - LEFT, bottom - top), behind=True)
        self.canvas.text((LEFT + 14, top + 24), "header, seen with the card's end up", size=12)
        odd, even, pitch, first = 118, 144, HEADER_PITCH, top + 54
        duties = {number: wire.duty for number, wire in self._used.items()}
        names = {header: f"GPIO {bcm}" for bcm, header in board.HEADER.items()}
        names |= dict.fromkeys(board.HEADER_GROUND, "GND") | dict.fromkeys(board.HEADER_3V3, "3.3 V") | dict.fromkeys(board.HEADER_5V, "5 V")
        for number in range(1, 41):
            x, y = (odd if number % 2 else even), first + pitch * ((number - 1) // 2)
            symbols.pin(self.canvas, (x, y), duties.get(number), number)
            if number in duties:
                side, anchor = (odd - 18, "end") if number % 2 else (even + 18, "start")
                self.canvas.text((side, y + 4), names[number], size=11, anchor=anchor)
        for row, duty in enumerate(Duty):
            y = first + pitch * 20 + 10 + 26 * row
            symbols.pin(self.canvas, (LEFT + 34, y), duty)
            self.canvas.text((LEFT + 56, y + 4), duty.value, size=11.5)

    def _wire(self, wire: Wire, y: float, until: float) -> None:
        """From the computer's edge, with its name inside, to ``until``."""
        if wire.header:
            self._used[wire.header] = wire
        self.canvas.text((PI_EDGE - 17, y + 4.5), wire.start, anchor="end")
        self.canvas.line((PI_EDGE, y), (until, y), ink=symbols.INKS[wire.duty])
        symbols.pin(self.canvas, (PI_EDGE, y), wire.duty)

    # --- relays and the drive ----------------------------------------------------------------------------------

    def _relays_and_drive(self) -> None:
        relays = connections.relay_board(self.tables)
        contacts = connections.drive_contacts(self.tables)
        if relays is None:
            return
        top = self._y - 26
        self._y += 34
        self._supplies(relays.supplies)
        for relay in relays.relays:
            self._relay(relay, needs_timer=relays.needs_timer)
        bottom = self._y - 12
        self.canvas.box((BLOCK, top), (BLOCK_EDGE - BLOCK, bottom - top))
        self.canvas.text((BLOCK + 10, top + 20), "relay board", bold=True)
        self.canvas.text((BLOCK + 10, top + 37), relays.about, size=10.5)
        self._y += 10
        for contact in contacts:
            self._drive_contact(contact)
        low = self._y - 6
        self.canvas.box((DRIVE, top), (RIGHT - DRIVE, low - top))
        self.canvas.text((DRIVE + 12, top + 20), connections.DRIVES[self.tables["lane"].profile], bold=True)
        self.canvas.text((DRIVE + 12, top + 37), "its own drive and supply", size=10.5)
        self._y = low + GAP + 20

    def _supplies(self, wires: tuple[Wire, ...]) -> None:
        for wire in wires:
            self._wire(wire, self._y, BLOCK)
            self.canvas.text((BLOCK + 10, self._y + 4.5), wire.end)
            self._y += ROW

    def _relay(self, relay: connections.RelayWires, *, needs_timer: bool) -> None:
        y = self._y + 14
        if relay.drives:
            self._wire(relay.drives, y, BLOCK)
            self._pull(y, relay)
        self.canvas.text((BLOCK + 10, y + 4.5), relay.name)
        high, low = y - 11, y + 11
        self.canvas.text((BLOCK_EDGE - 10, high + 4), "NO", size=10.5, anchor="end")
        self.canvas.text((BLOCK_EDGE - 10, low + 4), "COM", size=10.5, anchor="end")
        for level in (high, low):
            self.canvas.line((BLOCK_EDGE, level), (DRIVE, level))
            symbols.terminal(self.canvas, (BLOCK_EDGE, level))
            symbols.terminal(self.canvas, (DRIVE, level))
        if relay.limit_s is not None:
            self.canvas.box((642, y - 19), (96, 38), fill="#ffffff", dashed=not needs_timer)
            self.canvas.text((690, y - 3), "one-shot", size=10.5, anchor="middle")
            self.canvas.text((690, y + 12), f"≤ {relay.limit_s:g} s", size=10.5, anchor="middle")
        self.canvas.text((DRIVE + 12, y + 4.5), relay.orders)
        if relay.limit_s is None:
            self.canvas.text((DRIVE + 12, y + 20), "closed while it is to be free", size=9.5)
        self._y += RELAY_ROW

    def _pull(self, y: float, relay: connections.RelayWires) -> None:
        """The resistor that holds the relay off while nobody drives its wire, at the board's end of it."""
        assert relay.drives is not None  # noqa: S101 - without a wire there is no pull
        node = BLOCK - 14
        symbols.dot(self.canvas, (node, y), symbols.INKS[Duty.RELAY])
        self.canvas.line((node, y), (node, y + 20), (node - 12, y + 20), width=1.4)
        symbols.resistor(self.canvas, (node - 36, y + 20), length=24)
        self.canvas.text((node - 40, y + 24), relay.pull, size=9.5, anchor="end")

    def _drive_contact(self, contact: connections.Contact) -> None:
        y = self._y
        self._wire(contact.wire, y, DRIVE)
        symbols.terminal(self.canvas, (DRIVE, y))
        self.canvas.text((DRIVE + 12, y + 4.5), f"{contact.what} ({'NC' if contact.closed_at_rest else 'NO'})")
        self.canvas.line((DRIVE, y + 17), (DRIVE - 30, y + 17))
        symbols.terminal(self.canvas, (DRIVE, y + 17))
        symbols.ground(self.canvas, (DRIVE - 30, y + 17))
        self.canvas.text((DRIVE + 12, y + 21), "its other end", size=10.5)
        self._y += DRIVE_ROW

    # --- lamps, contacts, modules --------------------------------------------------------------------------------

    def _indicators(self) -> None:
        named = connections.indicators(self.tables)
        if not named:
            return
        top = self._y - 26
        self._y += 18
        for wire, what in named:
            self._wire(wire, self._y, BLOCK)
            self.canvas.line((BLOCK_EDGE, self._y), (670, self._y))
            (symbols.sounder if what.startswith("buzzer") else symbols.lamp)(self.canvas, (679, self._y))
            self.canvas.text((700, self._y + 4.5), what)
            self._y += ROW
        self._wire(Wire(connections.DRIVER_GROUND, "GND", Duty.GROUND, "GND"), self._y, BLOCK)
        self.canvas.text((BLOCK + 10, self._y + 4.5), "GND")
        self._y += ROW
        self.canvas.box((BLOCK, top), (BLOCK_EDGE - BLOCK, self._y - 12 - top))
        self.canvas.text((BLOCK + 10, top + 20), "driver", bold=True)
        self.canvas.text((BLOCK + 10, top + 37), "ULN2803 or alike", size=10.5)
        self.canvas.text((BLOCK_EDGE + 32, top + 20), "with a supply of their own, up to 24 V", size=10.5)
        self._y += GAP

    def _contacts(self) -> None:
        named = connections.contacts(self.tables)
        if not named:
            return
        ground, bus = self._y, 590
        for contact in named:
            self._wire(contact.wire, self._y, BLOCK)
            ink = symbols.INKS[Duty.CONTACT]
            symbols.contact(self.canvas, (BLOCK, self._y), (bus, self._y), closed=contact.closed_at_rest, ink=ink)
            symbols.dot(self.canvas, (bus, self._y))
            self.canvas.text((bus + 16, self._y + 4.5), f"{contact.what} ({'NC' if contact.closed_at_rest else 'NO'})")
            self._y += ROW
        self.canvas.line((bus, ground), (bus, self._y))
        self._wire(Wire(connections.CONTACT_GROUND, "GND", Duty.GROUND, "GND"), self._y, bus)
        self.canvas.text((bus + 16, self._y + 4.5), "one common wire")
        self._y += ROW + GAP - 6

    def _parts(self) -> None:
        for part in connections.parts(self.tables):
            top = self._y - 18
            for wire in part.wires:
                self._wire(wire, self._y, BLOCK)
                self.canvas.text((BLOCK + 10, self._y + 4.5), wire.end)
                self._y += ROW
            self.canvas.box((BLOCK, top), (BLOCK_EDGE - BLOCK, self._y - 8 - top))
            self.canvas.text((BLOCK_EDGE + 16, top + 24), part.title, bold=True)
            self.canvas.text((BLOCK_EDGE + 16, top + 44), part.about)
            self._y += GAP

    # --- what it all means -------------------------------------------------------------------------------------

    def _legend(self) -> None:
        y, symbol, words = self._y, LEFT + 8, LEFT + 74
        symbols.contact(self.canvas, (symbol, y), (symbol + 50, y), closed=True)
        self.canvas.text((words, y + 4), "NC: closed while all is well", size=11.5)
        symbols.contact(self.canvas, (symbol, y + 24), (symbol + 50, y + 24), closed=False)
        self.canvas.text((words, y + 28), "NO: open while all is well", size=11.5)
        lines = ["Contacts close to ground; their pins are pulled up inside.", "In config.txt: dtparam=strict_gpiod."]
        if connections.moves(self.tables):
            symbols.resistor(self.canvas, (symbol + 10, y + 48))
            self.canvas.text((words, y + 52), "resistor: off while nobody drives the wire", size=11.5)
            self.canvas.box((symbol + 8, y + 64), (34, 18), dashed=True)
            self.canvas.text((words, y + 77), "one-shot timer: lets go of a stuck contact; solid: a must", size=11.5)
            lines += [
                "Relay contacts: dry, NO, on the secure side.",
                "hardware/wiring.md: what to try before the first person.",
            ]
        for number, line in enumerate(lines):
            self.canvas.text((540, y + 4 + 24 * number), line, size=11.5)
        self._y = y + 100
