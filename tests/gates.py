"""A gate on the bench: settings in a folder, keys of its own, the real gate process, and both ends of its links."""

from __future__ import annotations

import json
import selectors
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from device.clock import monotonic_ns
from device.credentials.base64url import to_base64url
from device.credentials.kd1 import Claims, issuer_key_id, text_to_sign
from device.domain import Track, TrackState
from device.errors import LinkError
from device.events.pseudonyms import VIET_NAM
from device.links import Health, Link, Message, View, connect

READER_BOOT = "0badcafe"


def day_keys(site: str = "s1") -> str:
    """The office's pseudonym keys, as the gate takes them over: from yesterday to ten days ahead, the same key every day."""
    yesterday = datetime.now(VIET_NAM).date() - timedelta(1)
    return json.dumps({"site": site, "days": {(yesterday + timedelta(days)).isoformat(): "5a" * 32 for days in range(12)}})


@dataclass
class Issuer:
    """Whoever signs passes; from a seed, so that tests are the same every time."""

    seed: int = 1
    key: Ed25519PrivateKey = field(init=False)

    def __post_init__(self) -> None:
        self.key = Ed25519PrivateKey.from_private_bytes(bytes([self.seed]) * 32)

    @property
    def public(self) -> bytes:
        return self.key.public_key().public_bytes_raw()

    @property
    def key_id(self) -> bytes:
        return issuer_key_id(self.public)

    def issue(self, number: int, **claims: object) -> bytes:
        """Pass ``number``, signed."""
        text = text_to_sign(Claims(self.key_id, number.to_bytes(8, "big"), **claims))  # type: ignore[arg-type]
        return text + b"." + to_base64url(self.key.sign(text))


@dataclass
class Gate:
    """One gate's folder and process. ``lines`` adds or replaces keys: {"relay.pulse_s": "0.2"}."""

    folder: Path
    lines: dict[str, str] = field(default_factory=dict)
    issuer: Issuer = field(default_factory=Issuer)
    recorder: Ed25519PrivateKey = field(default_factory=lambda: Ed25519PrivateKey.from_private_bytes(b"r" * 32))
    process: subprocess.Popen[str] | None = None
    tracks: int = 0

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        tables: dict[str, dict[str, str]] = {}
        gate_defaults = {
            "paths.state": '"state"',
            "paths.runtime": '"run"',
            "reader.source": '"folder"',
            "reader.path": '"pictures"',
            "pins.factory": '"mock"',
            "relay.pin": "17",
            "relay.pulse_s": "0.1",
            "relay.max_on_s": "0.5",
            "clock.source": '"system"',
        }
        site_defaults = {
            "site.province": '"p1"',
            "site.site": '"s1"',
            "site.gate": '"g1"',
            "broker.host": '"127.0.0.1"',
            "broker.ca_file": '"ca.crt"',
            "broker.certificate_file": '"gate.crt"',
            "broker.key_file": '"gate.key"',
            "recorder.public_key": f'"{self.recorder.public_key().public_bytes_raw().hex()}"',
            "policy.settle_s": "0.1",
            "pseudonyms.key_file": '"pseudonym.json"',
            f"issuers.{self.issuer.key_id.hex()}": f'"{self.issuer.public.hex()}"',
        }
        site_tables = {"site", "broker", "recorder", "policy", "pseudonyms", "issuers"}
        for name, value in {**gate_defaults, **site_defaults, **self.lines}.items():
            table, _, key = name.partition(".")
            tables.setdefault(table, {})[key] = value
        for file, chosen in (("gate.toml", set(tables) - site_tables), ("site.toml", site_tables)):
            text = "\n".join(
                f"[{table}]\n" + "\n".join(f"{key} = {value}" for key, value in tables[table].items()) + "\n" for table in sorted(chosen)
            )
            (self.folder / file).write_text(text, encoding="utf-8")
        (self.folder / "pseudonym.json").write_text(day_keys(self.lines.get("site.site", '"s1"').strip('"')), encoding="ascii")

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def runtime(self) -> Path:
        return self.folder / "run"

    def start(self) -> Self:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "device", "run", "gate", "--settings", str(self.folder)], stderr=subprocess.PIPE, text=True
        )
        return self

    def stop(self) -> str:
        """Stop the process in order; what it wrote to stderr."""
        assert self.process is not None
        self.process.terminate()
        _, errors = self.process.communicate(timeout=10)
        return errors

    def connect(self, name: str, *, within_s: float = 10) -> Link:
        """This end of the link ``name`` (reader or uplink), as soon as the gate listens."""
        give_up_s = time.monotonic() + within_s
        while True:
            try:
                return connect(self.runtime / f"{name}.sock")
            except LinkError:
                assert self.process is None or self.process.poll() is None, self.process.communicate()
                assert time.monotonic() < give_up_s, "the gate does not listen"
                time.sleep(0.01)  # a socket that does not exist yet cannot be awaited otherwise

    def track(self, payload: bytes, *, state: TrackState = TrackState.APPEARED, id_: str | None = None, boot: str = READER_BOOT) -> Track:
        """A track as the reader would report it, first read now."""
        if id_ is None:
            self.tracks += 1
            id_ = f"{boot}-{self.tracks}"
        now = monotonic_ns()
        return Track(id_, state, payload, frame=self.tracks, frame_ns=now, decoded_ns=now, last_seen_ns=now, stage="half")


def show(link: Link, *tracks: Track) -> None:
    assert link.send(View(tracks))


def wait_message(link: Link, *, within_s: float = 5) -> Message:
    """The next message on ``link`` that is not about the gate's health, which may come at any time."""
    while isinstance(message := _next_message(link, within_s), Health):
        pass
    return message


def wait_health(link: Link, *, within_s: float = 5) -> dict[str, Any]:
    """What the gate says next of its health; everything else is passed over."""
    while not isinstance(message := _next_message(link, within_s), Health):
        pass
    told: dict[str, Any] = json.loads(message.body)
    return told


def _next_message(link: Link, within_s: float) -> Message:
    with selectors.DefaultSelector() as selector:
        selector.register(link, selectors.EVENT_READ)
        assert selector.select(within_s), "no message came"
    message = link.receive()
    assert message is not None
    return message
