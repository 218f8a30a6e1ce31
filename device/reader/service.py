"""The process ``reader``: camera and decoders; no network, no keys, no pins, no database."""

from __future__ import annotations

import logging
import secrets
import threading

from device.errors import EXIT_OK
from device.links import READER_SOCKET
from device.notify import READY, STOPPING, notify
from device.reader.chain import open_chain
from device.reader.feed import Feed
from device.reader.loop import Loop
from device.reader.sources import open_source
from device.reader.speaker import speaker_to
from device.reader.tracks import Tracks
from device.settings import Settings

log = logging.getLogger("qrgate.reader")

SOCKET = READER_SOCKET


def run(settings: Settings, stopping: threading.Event) -> int:
    """Read codes until ``stopping`` is set or a finite source ends; returns the exit code.

    Raises:
        HardwareError: the camera or a decoder is missing or broke. The gate is not told: it sees the link close.
    """
    wanted = settings.reader
    chain = open_chain(wanted.decoders)  # before the camera: its self-test needs no light
    speaker = speaker_to(settings.paths.runtime / SOCKET)
    tracks = Tracks(secrets.token_hex(4), wanted.left_after_s)
    try:
        with open_source(wanted) as source, Feed(source, frames_per_s=wanted.frames_per_s) as feed:
            notify(READY)
            Loop(feed, chain, tracks, speaker).run(stopping)
            if source.ended:
                log.info("the %s has ended", wanted.source)
            notify(STOPPING)
    finally:
        speaker.close()
    return EXIT_OK
