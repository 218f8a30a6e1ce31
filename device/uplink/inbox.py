"""What the network sent and the gate has not taken yet: untouched, unbelieved, bounded."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

RECEIVE_MAX = 20
"""Messages the broker may have under way to us (MQTT 5 Receive Maximum): what bounds this box."""

PACKET_MAX = 32 * 1024
"""Bytes of one MQTT packet we accept (MQTT 5 Maximum Packet Size): half of a packet on the local link."""


@dataclass(frozen=True, slots=True)
class Letter:
    mid: int
    qos: int
    topic: str
    payload: bytes = field(repr=False)


class Inbox:
    """Letters in the order they came. A letter is acknowledged to the broker only when the gate has taken it.

    So a command that meets a restarting gate stays with the broker, which sends it again to the next connection.
    """

    def __init__(self) -> None:
        self._letters: deque[Letter] = deque()

    def put(self, letter: Letter) -> bool:
        """False if the letter is larger, or one more, than this box takes; it is forgotten then."""
        if len(self._letters) >= RECEIVE_MAX or len(letter.topic.encode()) + len(letter.payload) > PACKET_MAX:
            return False
        self._letters.append(letter)
        return True

    def hand_over(self, take: Callable[[Letter], bool], acknowledge: Callable[[Letter], None]) -> list[Letter]:
        """Give letters to ``take`` until it has no room, acknowledging each one taken. Returns those."""
        taken = []
        while self._letters and take(self._letters[0]):
            letter = self._letters.popleft()
            acknowledge(letter)
            taken.append(letter)
        return taken
