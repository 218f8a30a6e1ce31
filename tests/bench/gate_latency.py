"""From the end of decoding to the closed relay contact, through the real gate process.

Everything is real but the pins (gpiozero's mock): link, parsing, Ed25519, policy, durable commit, both threads. The
disk's share, the COMMIT itself, is measured by the gate and taken off for the second figure.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from device.domain import EventType
from device.links import Events, Give, Lane, Link
from device.turnstile.pulses import REST_NS
from tests.gates import Gate, show, wait_message

PEOPLE = 150
WARM_UP = 10
NS_PER_MS = 1e6
NS_PER_S = 1e9


def measure() -> dict[str, tuple[float, str]]:
    with tempfile.TemporaryDirectory(prefix="qrgate-bench-") as folder:
        timings = _present(Path(folder))
    whole = [(timing["opened_ns"] - timing["decoded_ns"]) / NS_PER_MS for timing in timings]
    commit = [timing["commit_ns"] / NS_PER_MS for timing in timings]
    beyond = [each - disk for each, disk in zip(whole, commit, strict=True)]
    return {
        "decoded_to_relay_p50": (median(whole), "ms"),
        "decoded_to_relay_p99": (quantiles(whole, n=100, method="inclusive")[98], "ms"),
        "decoded_to_relay_beyond_commit_p50": (median(beyond), "ms"),
        "commit_p50": (median(commit), "ms"),
    }


def _present(folder: Path) -> list[dict[str, int]]:
    """One person after the other; the timing that each passage's event carries."""
    gate = Gate(folder / "gate").start()
    try:
        reader, uplink = gate.connect("reader"), gate.connect("uplink")
        wait_message(uplink)  # hello
        passages = _passages(uplink)
        timings = []
        for number in range(WARM_UP + PEOPLE):
            show(reader, gate.track(gate.issuer.issue(number)))
            timings.append(next(passages)["timing"])
            time.sleep(REST_NS / NS_PER_S)  # the lane's own pause between two people; nothing announces its end
    finally:
        gate.stop()
    return timings[WARM_UP:]


def _passages(uplink: Link) -> Iterator[dict[str, Any]]:
    after = 0
    while True:
        uplink.send(Give(Lane.LIVE, after, 20))
        message = wait_message(uplink)
        assert isinstance(message, Events)
        after = message.events[-1].sequence
        yield from (json.loads(event.body)["data"] for event in message.events if event.type is EventType.PASSAGE)
