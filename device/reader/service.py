"""The process ``reader``: camera and decoders, or a scan module; no network, no keys, no pins, no database."""

from __future__ import annotations

import logging
import secrets
import threading

from device.clock import monotonic_ns
from device.errors import EXIT_OK
from device.links import READER_SOCKET
from device.notify import READY, STOPPING, notify
from device.reader.chain import open_chain
from device.reader.feed import Feed
from device.reader.loop import Loop
from device.reader.optics.exposure import CameraControl, HandExposure
from device.reader.optics.optics import Optics
from device.reader.restarts import restarts_of_unit
from device.reader.sources import FrameSource, open_source
from device.reader.speaker import speaker_to
from device.reader.tracks import Tracks
from device.settings import Exposing, Reader, Settings, SourceKind

log = logging.getLogger("qrgate.reader")

SOCKET = READER_SOCKET

CAMERAS = frozenset({SourceKind.PICAMERA2, SourceKind.WEBCAM})
"""These have a pace of their own, may stall, and are opened again by the reader itself. The others are files."""


def run(settings: Settings, stopping: threading.Event) -> int:
    """Read codes until ``stopping`` is set or a finite source ends; returns the exit code.

    Raises:
        HardwareError: the camera, the scan module or a decoder is missing, or hangs. The gate is not told: it sees the link close.
    """
    restarts = restarts_of_unit()
    stopping.wait(restarts.begin(monotonic_ns()))
    if settings.reader.source is SourceKind.SCANNER:
        _run_scanner(settings, stopping)
    else:
        _run_camera(settings, stopping)
    restarts.ended_well()
    return EXIT_OK


def _run_camera(settings: Settings, stopping: threading.Event) -> None:
    wanted = settings.reader
    chain = open_chain(wanted.decoders, budget_ms=wanted.second_chance_ms)  # before the camera: its self-test needs no light
    speaker = speaker_to(settings.paths.runtime / SOCKET)
    # Made once: a camera that is opened again shows the same persons to the same tracks, and nobody is decided twice.
    tracks = Tracks(secrets.token_hex(4), wanted.left_after_s)
    source = open_source(wanted)
    try:
        with Feed(source, frames_per_s=wanted.frames_per_s, mends=wanted.source in CAMERAS) as feed:
            notify(READY)
            optics = Optics(wanted.frames_per_s if wanted.source in CAMERAS else None)
            Loop(feed, chain, tracks, speaker, optics=optics, exposure=exposure_of(source, wanted)).run(stopping)
            if source.ended:
                log.info("the %s has ended", wanted.source)
            notify(STOPPING)
    finally:
        speaker.close()


def exposure_of(source: FrameSource, wanted: Reader) -> HandExposure | None:
    """Who sets the exposure of ``source`` (open by now); ``None``: the source itself."""
    if wanted.exposure is not Exposing.HAND or not isinstance(source, CameraControl):
        return None
    if source.limits is None:
        log.warning("the %s takes no exposure: its own is used, which may blur what moves", wanted.source)
        return None
    return HandExposure(source, source.limits)


def _run_scanner(settings: Settings, stopping: threading.Event) -> None:
    """The same with a scan module for eyes, which decodes by itself."""
    from device.reader.scanners.held import Held  # noqa: PLC0415  pyserial is loaded only where a scan module is chosen
    from device.reader.scanners.loop import ScanLoop  # noqa: PLC0415
    from device.reader.scanners.session import open_session  # noqa: PLC0415

    wanted = settings.scanner
    speaker = speaker_to(settings.paths.runtime / SOCKET)
    held = Held(secrets.token_hex(4), f"scan-{wanted.model}", wanted.left_after_s)
    try:
        ScanLoop(lambda counts: open_session(wanted, counts), held, speaker, quiet_s=wanted.left_after_s).run(stopping)
        notify(STOPPING)
    finally:
        speaker.close()
