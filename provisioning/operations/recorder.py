"""The province's recorder: it stores every event once, and only then confirms it, signed, to the gate that sent it.

One thread does it all: take what arrives, commit it, acknowledge it to the broker, confirm it to the gate. If it dies before
the commit, the broker sends again; if it dies after, the gate does, and a duplicate is confirmed like a new event.
"""

from __future__ import annotations

import logging
import secrets
import sys
import threading
import time
from datetime import UTC, datetime

from device.errors import EXIT_OK, ContactError
from provisioning.authority.keys import read_signing_key
from provisioning.operations.archive import Archive
from provisioning.operations.connection import TURN_S, Connection
from provisioning.operations.desk import Desk
from provisioning.operations.intake import Disks, Intake
from provisioning.operations.own_certificate import OwnCertificate
from provisioning.operations.replica import Replica
from provisioning.operations.settings import RecorderSettings

READY = "recorder ready"
QUIET_S = 0.002
"""So long the next message of a batch may be away."""
BACKOFF_FIRST_S = 0.5
BACKOFF_MAX_S = 15.0
STEADY_S = 10.0
"""A connection that held for so long was a good one; a broker that accepts and kicks is not tried ever faster."""

log = logging.getLogger("qrgate.recorder")


def run(settings: RecorderSettings, stopping: threading.Event) -> int:
    """Record until ``stopping`` is set. Prints ``recorder ready`` when it is subscribed for the first time.

    A broker that is away is waited for, and so are a replica, a lock on the archive and a full disk.

    Raises:
        VerificationError: a key or certificate is missing or damaged.
        StoreError: the archive cannot record, or there is no second disk; what was not stored is not acknowledged and comes again.
    """
    certificate = OwnCertificate(settings.broker, time.monotonic())
    key = read_signing_key(settings.confirmations.key_file)
    with Archive(settings.storage.file) as archive:
        if archive.database.came_from == 0:
            log.warning("there was no archive at %s: an empty one begins", settings.storage.file)
        second = settings.replica
        replica = Replica(second.file, archive.database, same_disk=second.same_disk) if second.file else None
        desk = Desk(settings, archive, key)
        try:
            Recorder(settings, certificate, desk, Disks(archive.database, replica)).run(stopping)
        finally:
            if replica is not None:
                replica.close()
            log.info("ends; %s", desk.tally)
    return EXIT_OK


class Recorder:
    """Turns the connection, and hands what comes to the desk."""

    def __init__(self, settings: RecorderSettings, certificate: OwnCertificate, desk: Desk, disks: Disks) -> None:
        self._settings = settings
        self._certificate = certificate
        self._desk = desk
        self._disks = disks
        self._announced = False
        self._lost = ""  # why there is no connection, as the log has told it last

    def run(self, stopping: threading.Event) -> None:
        """One connection after the other, with full-jitter pauses so that recorders do not return in step."""
        failures = 0
        while not stopping.is_set():
            self._certificate.look(time.monotonic(), datetime.now(UTC))  # it may have been renewed because the broker lets nobody in with the old
            connection = Connection(self._settings, self._certificate.choose(), self._desk.warn)
            subscribed_s = None
            try:
                connection.open(stopping)
                if connection.subscribed:
                    subscribed_s = time.monotonic()
                    self._certificate.was_taken()
                    self._announce()
                self._serve(connection, stopping)
            except ContactError as error:
                steady = subscribed_s is not None and time.monotonic() - subscribed_s >= STEADY_S
                failures = 0 if steady else failures + 1
                pause_s = secrets.SystemRandom().uniform(0, min(BACKOFF_MAX_S, BACKOFF_FIRST_S * 2 ** min(failures, 10)))
                hint = f" ({error.hint})" if error.hint else ""
                if error.what != self._lost and self._desk.warn("contact", f"{error.what}{hint}; again in {pause_s:.1f} s"):
                    self._lost = error.what  # an outage of a week is one line, not one a try
                stopping.wait(pause_s)
            finally:
                self._desk.tally.ignored["sent at QoS 0"] += connection.unacceptable
                connection.close()

    def _announce(self) -> None:
        if self._lost or not self._announced:
            log.info("subscribed to the events of all gates at %s", self._settings.broker.host)
        self._lost = ""
        if not self._announced:
            self._announced = True
            sys.stdout.write(f"{READY}\n")
            sys.stdout.flush()

    def _serve(self, connection: Connection, stopping: threading.Event) -> None:
        """Take, store, acknowledge, confirm, until the end or until a renewed certificate is there to connect with."""
        intake = Intake(connection, self._desk, self._disks)
        while not stopping.is_set():
            connection.turn(QUIET_S if intake.is_filling else TURN_S)
            now_s = time.monotonic()
            if self._certificate.look(now_s, datetime.now(UTC)):
                return  # what was not acknowledged comes again on the next connection
            intake.turn(now_s)
            while connection.room and (each := self._desk.next()):
                connection.publish(each.topic, each.body, retain=each.retain)
