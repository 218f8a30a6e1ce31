"""A province on the bench, made by the office's own commands, and a gate of it that runs with what they wrote."""

from __future__ import annotations

import contextlib
import io
import shutil
from dataclasses import dataclass
from pathlib import Path

from provisioning.cli import main
from tests.gates import Gate

BENCH = {
    "paths.state": "state",
    "paths.runtime": "run",
    "reader.source": "folder",
    "reader.path": "pictures",
    "pins.factory": "mock",
    "relay.pulse_s": "0.1",
    "relay.max_on_s": "0.5",
    "passage.pin": "",
    "clock.source": "system",
    "links.reader_user": "",
    "links.uplink_user": "",
    "policy.settle_s": "0.1",
}
"""What differs from the reference gate where there are no pins, no users and no camera."""


@dataclass
class Office:
    """Every method is one command of ``qrgate-provision``."""

    folder: Path
    province: str = "p1"
    versions: int = 0

    @property
    def authority(self) -> Path:
        return self.folder / "province/authority"

    def run(self, *words: object) -> None:
        assert main([str(word) for word in words]) == 0, words

    def gate(self, folder: Path, name: str = "g1", **settings: str) -> OfficeGate:
        """A new gate of the province, its settings where the gate will run."""
        chosen = {**BENCH, **{name.replace("__", "."): value for name, value in settings.items()}}
        sets = [word for key, value in chosen.items() for word in ("--set", f"{key}={value}")]
        out = self.folder / "province"
        self.run("init", "--province", self.province, "--site", "s1", "--gate", name, "--out", out, "--days-ahead", "10", *sets)
        shutil.copytree(out / "gates" / name, folder)
        return OfficeGate(folder)

    def policy(self, toml: str, *audience: str) -> Path:
        """A signed policy bundle."""
        path = self._next("policy", "toml")
        path.write_text(toml, encoding="utf-8")
        self.run("policy", "sign", path, "--authority", self.authority, *audience)
        return path.with_suffix(".bundle")

    def trust(self, *options: object) -> Path:
        path = self._next("trust", "bundle")
        self.run("trust", "build", "--authority", self.authority, "--out", path, *options)
        return path

    def keys(self, gate: str = "g1") -> Path:
        path = self._next("keys", "bundle")
        self.run("keys", "--out", self.folder / "province", "--gate", gate, "--bundle", path)
        return path

    def list_of(self, kind: str, *rows: str, version: int = 1) -> Path:
        """``rows`` as the office's table has them, such as ``cccd,999000000001``."""
        table, path = self._next(kind, "csv"), self._next(kind, "list")
        state = ",state" if kind in ("declared", "expected") else ""
        table.write_text("".join(f"{row}\n" for row in (f"type,value{state}", *rows)), encoding="utf-8")
        self.run("lists", "build", "--kind", kind, "--from", table, "--version", version, "--authority", self.authority, "--out", path)
        return path

    def make_pass(self, *options: str) -> bytes:
        """The text of a pass by the province's own key."""
        told = io.StringIO()
        with contextlib.redirect_stdout(told):
            self.run("pass", "--authority", self.authority, "--zone", "main", "--days", "3", "--text", *options)
        return told.getvalue().strip().encode()

    def _next(self, name: str, suffix: str) -> Path:
        self.versions += 1
        return self.folder / f"{name}-{self.versions}.{suffix}"


class OfficeGate(Gate):
    """A gate that runs with the settings of ``qrgate-provision init``."""

    def __post_init__(self) -> None:
        """Its folder is there."""

    def hand_over(self, path: Path, *, name: str = "") -> None:
        """Put a copy of ``path`` into the inbox, as `qrgate take` does."""
        inbox = self.state / "inbox"
        inbox.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside = inbox / f".{path.name}"
        shutil.copyfile(path, beside)
        beside.replace(inbox / (name or path.name))
