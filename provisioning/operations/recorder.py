"""The province's recorder: it stores every event once, and only then confirms it, signed, to the gate that sent it.

One thread does it all: take what arrives, commit it, acknowledge it to the broker, confirm it to the gate. If it dies before
the commit, the broker sends again; if it dies after, the gate does, and a duplicate is confirmed like a new event.
"""

from __future__ import annotations

import logging
import secrets
import ssl
import sys
import threading
import time
from datetime import UTC, datetime

import paho.mqtt.client as mqtt

from device.errors import EXIT_OK, ContactError, StoreError
from provisioning.authority.keys import read_signing_key
from provisioning.operations.archive import Archive
from provisioning.operations.connection import RECEIVE_MAX, TURN_S, Connection, tls_context
from provisioning.operations.desk import Desk, Message, Taken
from provisioning.operations.replica import Replica
from provisioning.operations.settings import RecorderSettings

READY = "recorder ready"
BATCH_EVENTS = RECEIVE_MAX
BATCH_WAIT_S = 0.05
"""One commit for all that arrives in this time: disks are slow, and no relay waits here."""
QUIET_S = 0.002
WINDOW_LEAST = 10
"""So many messages, and then nothing for ``QUIET_S``: the broker waits for us. RabbitMQ has no more under way, whatever we say."""
WAITING_MAX = 20_000
"""Events whose confirmation waits for the broker's window. Beyond it nothing new is taken: whoever sends too fast is slowed down."""
REPLICA_AGAIN_S = 5.0
BACKOFF_FIRST_S = 0.5
BACKOFF_MAX_S = 15.0
STEADY_S = 10.0
"""A connection that held for so long was a good one; a broker that accepts and kicks is not tried ever faster."""

log = logging.getLogger("qrgate.recorder")


def run(settings: RecorderSettings, stopping: threading.Event) -> int:
    """Record until ``stopping`` is set. Prints ``recorder ready`` when it is subscribed for the first time.

    A broker that is away is waited for, and so is a replica.

    Raises:
        VerificationError: a key or certificate is missing or damaged.
        StoreError: the archive cannot record; what was not stored is not acknowledged and comes again.
    """
    context = tls_context(settings.broker)
    key = read_signing_key(settings.confirmations.key_file)
    with Archive(settings.storage.file) as archive:
        replica = Replica(settings.replica.file, archive.database) if settings.replica.file else None
        desk = Desk(settings, archive, key)
        try:
            Recorder(settings, context, desk, replica).run(stopping)
        finally:
            if replica is not None:
                replica.close()
            log.info("ends; %s", desk.tally)
    return EXIT_OK


class Recorder:
    """Turns the connection, and hands what comes to the desk."""

    def __init__(self, settings: RecorderSettings, context: ssl.SSLContext, desk: Desk, replica: Replica | None) -> None:
        self._settings = settings
        self._context = context
        self._desk = desk
        self._replica = replica
        self._replica_due_s = 0.0
        self._announced = False

    def run(self, stopping: threading.Event) -> None:
        """One connection after the other, with full-jitter pauses so that recorders do not return in step."""
        failures = 0
        while not stopping.is_set():
            connection = Connection(self._settings, self._context)
            subscribed_s = None
            try:
                connection.open(stopping)
                if connection.subscribed:
                    subscribed_s = time.monotonic()
                    self._announce()
                self._serve(connection, stopping)
            except ContactError as error:
                steady = subscribed_s is not None and time.monotonic() - subscribed_s >= STEADY_S
                failures = 0 if steady else failures + 1
                pause_s = secrets.SystemRandom().uniform(0, min(BACKOFF_MAX_S, BACKOFF_FIRST_S * 2 ** min(failures, 10)))
                log.warning("%s; again in %.1f s", error.what, pause_s)
                stopping.wait(pause_s)
            finally:
                self._desk.tally.ignored["sent at QoS 0"] += connection.unacceptable
                connection.close()

    def _announce(self) -> None:
        log.info("subscribed to the events of all gates at %s", self._settings.broker.host)
        if not self._announced:
            self._announced = True
            sys.stdout.write(f"{READY}\n")
            sys.stdout.flush()

    def _serve(self, connection: Connection, stopping: threading.Event) -> None:
        """Take, store, acknowledge, confirm. What waits for the replica is neither acknowledged nor confirmed, and nothing new is taken."""
        self._desk.greet()
        held: list[mqtt.MQTTMessage] = []
        taken = Taken([], [])
        batch = Batch()
        while not stopping.is_set():
            connection.turn(QUIET_S if connection.arrived and not held else TURN_S)
            while connection.room and (each := self._desk.next()):
                connection.publish(each.topic, each.body, retain=each.retain)
            now_s = time.monotonic()
            self._desk.look(now_s)
            if not held and self._desk.waiting < WAITING_MAX and batch.is_due(len(connection.arrived), now_s):
                held = connection.take(BATCH_EVENTS)
                taken = self._desk.take([_read(message) for message in held], datetime.now(UTC))
            if held and self._is_replicated(now_s):
                connection.acknowledge(held)
                self._desk.tell(taken)
                held = []

    def _is_replicated(self, now_s: float) -> bool:
        """Where there is a replica, whether it has all that the archive has. One that fails is tried again for ever, and told each time."""
        if self._replica is None:
            return True
        if now_s < self._replica_due_s:
            return False
        try:
            return self._replica.follow()
        except StoreError as error:
            self._replica_due_s = now_s + REPLICA_AGAIN_S
            self._desk.warn("replica", f"nothing is confirmed until the replica can be written: {error.what}")
            return False


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
