"""What has come on one connection, on its way to the disks: one batch at a time, and nobody is told of it before it is safe everywhere."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime

import paho.mqtt.client as mqtt

from provisioning.operations.connection import RECEIVE_MAX, Connection
from provisioning.operations.database import Database, TryAgainError
from provisioning.operations.desk import Desk, Message, Taken
from provisioning.operations.replica import Replica

BATCH_EVENTS = RECEIVE_MAX
BATCH_WAIT_S = 0.05
"""One commit for all that arrives in this time: disks are slow, and no relay waits here."""
WINDOW_LEAST = 10
"""So many messages, and then nothing for a moment: the broker waits for us. RabbitMQ has no more under way, whatever we say."""
WAITING_MAX = 20_000
"""Events whose confirmation waits for the broker's window. Beyond it nothing new is taken: whoever sends too fast is slowed down."""
AGAIN_S = 5.0

log = logging.getLogger("qrgate.recorder")


@dataclass(slots=True)
class Disks:
    """The archive's file and its replica, if there is one; and from when on they are tried again. It outlives connections."""

    archive: Database
    replica: Replica | None
    due_s: float = 0.0
    failing: bool = False


class Intake:
    """What waits for a disk is neither acknowledged nor confirmed, and nothing new is taken: it is kept here, and by the broker and the gates."""

    def __init__(self, connection: Connection, desk: Desk, disks: Disks) -> None:
        self._connection = connection
        self._desk = desk
        self._disks = disks
        self._batch = Batch()
        self._greeted = False
        self._held: list[mqtt.MQTTMessage] = []
        self._taken: Taken | None = None

    @property
    def is_filling(self) -> bool:
        """More may come that belongs to the batch which is next."""
        return bool(self._connection.arrived) and not self._held and not self._disks.failing

    def turn(self, now_s: float) -> None:
        """Do what is due. A full disk, a lock and a replica that fails are tried again for ever, and told once a minute.

        Raises:
            StoreError: the archive cannot record, and that will not pass by itself.
        """
        if now_s < self._disks.due_s:
            return
        try:
            with self._disks.archive.told():
                self._step(now_s)
        except TryAgainError as error:
            self._disks.failing = True
            self._disks.due_s = time.monotonic() + AGAIN_S
            self._desk.warn("disks", f"nothing is confirmed until this ends: {error.what} ({error.hint})")

    def _step(self, now_s: float) -> None:
        if not self._greeted:
            self._desk.greet()
            self._greeted = True
        self._desk.look(now_s)
        if not self._held and self._desk.waiting < WAITING_MAX and self._batch.is_due(len(self._connection.arrived), now_s):
            self._held = self._connection.take(BATCH_EVENTS)
        if self._held and self._taken is None:
            self._taken = self._desk.take([_read(message) for message in self._held], datetime.now(UTC))
        self._disks.archive.require_in_place()
        if self._taken is not None and (self._disks.replica is None or self._disks.replica.follow()):
            self._connection.acknowledge(self._held)
            self._desk.tell(self._taken)
            self._held, self._taken = [], None
            if self._disks.failing:
                self._disks.failing = False
                log.info("goes on: what had to wait is on disk")


class Batch:
    """When what has arrived is worth a commit. Time is passed in."""

    def __init__(self) -> None:
        self._began_s = 0.0
        self._count = 0

    def is_due(self, count: int, now_s: float) -> bool:
        """``count`` messages are here now."""
        quiet = count == self._count
        if not self._count:
            self._began_s = now_s
        self._count = count
        due = count >= BATCH_EVENTS or (count > 0 and (now_s - self._began_s >= BATCH_WAIT_S or (quiet and count >= WINDOW_LEAST)))
        if due:
            self._count = 0
        return due


def _read(message: mqtt.MQTTMessage) -> Message:
    try:
        topic = message.topic
    except UnicodeDecodeError:
        topic = ""  # no broker should let this through
    return Message(topic, bytes(message.payload), fresh=not (message.retain or message.dup))
