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
from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import UTC, datetime

import paho.mqtt.client as mqtt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from device.errors import EXIT_OK, ContactError
from device.events import confirmation
from device.events.cose import sign1
from provisioning.authority.keys import read_signing_key
from provisioning.operations.archive import Archive, Verdict
from provisioning.operations.arrivals import Arrival, confirmations, read
from provisioning.operations.connection import RECEIVE_MAX, TURN_S, Connection, tls_context
from provisioning.operations.settings import RecorderSettings

READY = "recorder ready"
BATCH_EVENTS = RECEIVE_MAX
BATCH_WAIT_S = 0.05
"""One commit for all that arrives in this time: disks are slow, and no relay waits here."""
BACKOFF_FIRST_S = 0.5
BACKOFF_MAX_S = 15.0
STEADY_S = 10.0
"""A connection that held for so long was a good one; a broker that accepts and kicks is not tried ever faster."""

REPORT_S = 60.0

log = logging.getLogger("qrgate.recorder")


def run(settings: RecorderSettings, stopping: threading.Event) -> int:
    """Record until ``stopping`` is set. Prints ``recorder ready`` when it is subscribed for the first time.

    A broker that is away is waited for.

    Raises:
        VerificationError: a key or certificate is missing or damaged.
        StoreError: the archive cannot record; what was not stored is not acknowledged and comes again.
    """
    context = tls_context(settings.broker)
    key = read_signing_key(settings.confirmations.key_file)
    with Archive(settings.storage.file) as archive:
        recorder = Recorder(settings, context, archive, key)
        try:
            recorder.run(stopping)
        finally:
            log.info("ends; %s", recorder.tally)
    return EXIT_OK


@dataclass(slots=True)
class Tally:
    """What became of the messages since the start."""

    stored: int = 0
    duplicates: int = 0
    conflicts: int = 0
    ignored: Counter[str] = field(default_factory=Counter)
    confirmations: int = 0

    def __str__(self) -> str:
        counts = [f"{self.stored} stored", f"{self.duplicates} duplicates", f"{self.conflicts} conflicts", f"{self.confirmations} confirmations"]
        return ", ".join([*counts, *(f"{count} ignored ({why})" for why, count in sorted(self.ignored.items()) if count)])


class Minutes:
    """What came since the last line of the log: one line a minute at most, none where nothing came. Time is passed in."""

    def __init__(self, now_s: float) -> None:
        self._told_s = now_s
        self._told = (0, 0, 0)

    def line(self, tally: Tally, now_s: float) -> str:
        """The line that is due now, or an empty text."""
        if now_s - self._told_s < REPORT_S:
            return ""
        self._told_s = now_s
        counts = (tally.stored, tally.duplicates, tally.confirmations)
        stored, duplicates, confirmations = (now - before for now, before in zip(counts, self._told, strict=True))
        self._told = counts
        if not (stored or duplicates or confirmations):
            return ""
        return f"in the last minute: {stored} stored, {duplicates} duplicates, {confirmations} confirmations"


class Recorder:
    """The desk between broker and archive."""

    def __init__(self, settings: RecorderSettings, context: ssl.SSLContext, archive: Archive, key: Ed25519PrivateKey) -> None:
        self.tally = Tally()
        self._settings = settings
        self._context = context
        self._archive = archive
        self._key = key
        self._announced = False
        self._minutes = Minutes(time.monotonic())

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
                self.tally.ignored["sent at QoS 0"] += connection.unacceptable
                connection.close()

    def _announce(self) -> None:
        log.info("subscribed to the events of all gates at %s", self._settings.broker.host)
        if not self._announced:
            self._announced = True
            sys.stdout.write(f"{READY}\n")
            sys.stdout.flush()

    def _serve(self, connection: Connection, stopping: threading.Event) -> None:
        """Take, store, acknowledge, confirm; the next batch waits until the confirmations of the last are handed over."""
        unsent: deque[tuple[str, bytes]] = deque()
        batch_began_s = 0.0
        while not stopping.is_set():
            waiting = bool(connection.arrived)
            connection.turn(BATCH_WAIT_S / 5 if waiting else TURN_S)
            while unsent and connection.room:
                connection.publish(*unsent.popleft())
                self.tally.confirmations += 1
            now_s = time.monotonic()
            if line := self._minutes.line(self.tally, now_s):
                log.info(line)
            if connection.arrived and not waiting:
                batch_began_s = now_s
            full = len(connection.arrived) >= BATCH_EVENTS
            if not unsent and (full or (connection.arrived and now_s - batch_began_s >= BATCH_WAIT_S)):
                messages = connection.take(BATCH_EVENTS)
                unsent.extend(self._record(messages, datetime.now(UTC)))
                connection.acknowledge(messages)

    def _record(self, messages: list[mqtt.MQTTMessage], received_at: datetime) -> list[tuple[str, bytes]]:
        """Commit what are events; topic and signed confirmation of each run that is now safe."""
        arrivals = [arrival for message in messages if (arrival := self._judged(message)) is not None]
        safe = []
        for arrival, verdict in zip(arrivals, self._archive.store(arrivals, received_at=received_at), strict=True):
            match verdict:
                case Verdict.STORED:
                    self.tally.stored += 1
                    safe.append(arrival)
                case Verdict.DUPLICATE:
                    self.tally.duplicates += 1
                    safe.append(arrival)
                case Verdict.CONFLICT:
                    self.tally.conflicts += 1
                    log.error("other bytes under an id that is stored: %s; is there a second %s?", arrival.id, arrival.source)
        return [(topic, sign1(self._key, confirmation.encode(each), context=confirmation.CONTEXT)) for topic, each in confirmations(safe)]

    def _judged(self, message: mqtt.MQTTMessage) -> Arrival | None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = ""  # no broker should let this through
        arrival = read(topic, bytes(message.payload), province=self._settings.identity.province)
        if isinstance(arrival, Arrival):
            return arrival
        self.tally.ignored[arrival.why] += 1
        log.warning("a message on %.100r is ignored: %s", topic, arrival.why)
        return None
