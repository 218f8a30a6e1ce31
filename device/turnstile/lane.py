"""Lanes as data: what stands in the way, what moves it, what tells of people, and what a loss of power does to it.

Software can open a lane and can be told to keep it free. That people get out in a fire is the wiring's work, whatever stands
here (hardware/wiring.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from device.domain import Direction

NS_PER_S = 1_000_000_000


class LaneKind(StrEnum):
    TRIPOD = "tripod"  # three arms: one person a turn
    FLAP = "flap"  # flaps or a swing gate; that they hurt nobody is their drive's work
    TWO_WAY = "two_way"  # a turnstile that is released for either way, one at a time
    WIDE = "wide"  # for wheelchairs, prams and goods
    BARRIER = "barrier"  # for vehicles
    NONE = "none"  # nothing moves: it is only recorded


class PowerLoss(StrEnum):
    """What a loss of power does to the lane."""

    OPEN = "open"
    CLOSED = "closed"
    ARM_DROPS = "arm-drops"


class Drive(StrEnum):
    """What the lane's drive takes a closed contact for."""

    PULSE = "pulse"  # an order: let one through
    HOLD = "hold"  # a state: unlocked while it lasts


class Relay(StrEnum):
    """What the gate can order. A relay is off unless somebody is being let through, with one exception: ``FREE``."""

    ENTRY = "entry"  # let one in; at a lane with one relay, let one through; at a barrier, raise it
    EXIT = "exit"  # let one out
    LOWER = "lower"  # lower a barrier
    FREE = "free"  # on as long as the lane is to stand free: the drive's own emergency input, or a second contact at the lock


class Sensor(StrEnum):
    """What the gate is told by contacts."""

    PASSED = "passed"  # the turnstile's own word: somebody went through (at a lane with two such contacts: in)
    PASSED_OUT = "passed_out"
    OUTER_BEAM = "outer_beam"
    INNER_BEAM = "inner_beam"
    LOOP = "loop"  # a vehicle stands under the barrier
    FIRE = "fire"
    BREAK_GLASS = "break_glass"
    TAMPER = "tamper"  # the housing is open
    MAINS = "mains"  # the mains are gone, and a battery feeds the gate
    EXIT_BUTTON = "exit_button"
    ASSIST_BUTTON = "assist_button"  # somebody without a telephone, or who cannot scan
    SETUP_BUTTON = "setup_button"
    KEY_FREE = "key_free"
    KEY_RESET = "key_reset"
    NOT_READY = "not_ready"  # the turnstile itself says that it is out of order


CLOSED_AT_REST = frozenset(
    {
        *(Sensor.OUTER_BEAM, Sensor.INNER_BEAM, Sensor.LOOP, Sensor.FIRE, Sensor.BREAK_GLASS, Sensor.TAMPER, Sensor.MAINS),
        Sensor.NOT_READY,
    }
)
"""Contacts that are closed while all is well: a wire that breaks then says the worst, and not that nothing is wrong."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What is the same for every lane of a kind."""

    power_loss: PowerLoss
    moves: bool = True  # False: there is nothing to open
    each_way: bool = False  # it is released for either way, by a relay each
    one_by_one: bool = False  # its mechanics let one person through at a time: nobody can follow closely
    lowers: bool = False  # it comes down on whatever stands below


PROFILES: dict[LaneKind, Profile] = {
    LaneKind.TRIPOD: Profile(PowerLoss.ARM_DROPS, one_by_one=True),
    LaneKind.FLAP: Profile(PowerLoss.OPEN),
    LaneKind.TWO_WAY: Profile(PowerLoss.ARM_DROPS, each_way=True, one_by_one=True),
    LaneKind.WIDE: Profile(PowerLoss.OPEN),
    LaneKind.BARRIER: Profile(PowerLoss.CLOSED, lowers=True),
    LaneKind.NONE: Profile(PowerLoss.OPEN, moves=False),
}
"""As makers deliver them, whose sheets differ: ``lane.power_loss`` in gate.toml says what is true of this one."""


@dataclass(frozen=True, slots=True)
class Lane:
    """One lane as it is built: its kind, what the gate can order and sense there, and its times in nanoseconds."""

    kind: LaneKind
    pulse_ns: int  # of a relay; at a drive of type hold: how long it is unlocked at most for one person
    max_on_ns: int
    wait_ns: int  # how long a drive that was released waits for the person
    held_ns: int = 15 * NS_PER_S
    drive: Drive = Drive.PULSE
    relays: frozenset[Relay] = frozenset({Relay.ENTRY})
    sensors: frozenset[Sensor] = frozenset()

    @property
    def profile(self) -> Profile:
        return PROFILES[self.kind]

    def relay_for(self, direction: Direction) -> Relay | None:
        """Which relay lets somebody go ``direction``; ``None`` where nothing moves."""
        if not self.profile.moves:
            return None
        if direction is Direction.EXIT and Relay.EXIT in self.relays:
            return Relay.EXIT
        return Relay.ENTRY if Relay.ENTRY in self.relays else None
