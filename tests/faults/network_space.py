"""Two network namespaces and a wire between them that loses packets, is slow, or is cut without a word.

Needs root. Everything is made for one test and taken away at its end; nothing outside the two namespaces is touched.
"""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
from collections.abc import Sequence
from contextlib import ExitStack
from enum import StrEnum
from typing import Self

NEAR_ADDRESS, FAR_ADDRESS = "192.0.2.1", "192.0.2.2"  # TEST-NET-1 (RFC 5737)
WIRE = "wire"
TABLE = "inet trial"
PROGRAMS = ("ip", "nft", "tc", "ss")
COMMAND_S = 20.0

_numbers = itertools.count()


class End(StrEnum):
    NEAR = "near"  # gates
    FAR = "far"  # broker and recorder


class MissingError(Exception):
    """It cannot be tried here; says why."""


class Network:
    """Within ``with`` it is there. Raises MissingError where it cannot be made."""

    def __init__(self) -> None:
        number = next(_numbers)
        self._names = {end: f"qrgate-{os.getpid()}-{number}-{end}" for end in End}
        self._closing = ExitStack()

    def __enter__(self) -> Self:
        missing = [program for program in PROGRAMS if shutil.which(program, path=_path()) is None]
        if missing or os.geteuid() != 0:
            raise MissingError(f"network namespaces need root and {', '.join(missing or PROGRAMS)}")
        with ExitStack() as if_it_fails:
            if_it_fails.enter_context(self._closing)
            for name in self._names.values():
                try:
                    _run("ip", "netns", "add", name)
                except subprocess.CalledProcessError as error:
                    raise MissingError(f"no network namespace can be made here: {error.stderr.strip()}") from None
                self._closing.callback(_run, "ip", "netns", "delete", name)  # the wire and all rules go with it
            near, far = self._names[End.NEAR], self._names[End.FAR]
            _run("ip", "link", "add", WIRE, "netns", near, "type", "veth", "peer", "name", WIRE, "netns", far)
            for end, address in ((End.NEAR, NEAR_ADDRESS), (End.FAR, FAR_ADDRESS)):
                self._in(end, "ip", "address", "add", f"{address}/24", "dev", WIRE)
                self._in(end, "ip", "link", "set", WIRE, "up")
                self._in(end, "ip", "link", "set", "lo", "up")
                self._in(end, "nft", f"add table {TABLE}")
                self._in(end, "nft", f"add chain {TABLE} arriving {{ type filter hook input priority 0; }}")
            if_it_fails.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    def command(self, end: End, words: Sequence[str]) -> list[str]:
        """``words`` as a command at one end. The process that it starts is that of ``words``."""
        return ["ip", "netns", "exec", self._names[end], *words]

    # --- what happens to the wire ------------------------------------------------------------------------------

    def lose(self, percent: int) -> None:
        """So many of the packets of either way, at random."""
        self._rule(*End, what=f"numgen random mod 100 < {percent} drop")

    def cut(self) -> None:
        """Nothing arrives any more, and nobody is told: no link goes down, no connection is reset."""
        self._rule(*End, what="drop")

    def forget_connections(self) -> int:
        """What a router does whose table of addresses is gone: packets of all connections that there are vanish, new ones are made. How many."""
        ports = [line.split()[2].rpartition(":")[2] for line in self._in(End.NEAR, "ss", "-Htn", "state", "established").splitlines()]
        if ports:
            self._rule(End.FAR, what=f"tcp sport {{ {', '.join(ports)} }} drop")
            self._rule(End.NEAR, what=f"tcp dport {{ {', '.join(ports)} }} drop")
        return len(ports)

    def mend(self) -> None:
        for end in End:
            self._in(end, "nft", f"flush chain {TABLE} arriving")

    def slow(self, kbit_per_s: int) -> None:
        """In either direction."""
        for end in End:
            self._in(end, "tc", "qdisc", "add", "dev", WIRE, "root", "tbf", "rate", f"{kbit_per_s}kbit", "burst", "2kb", "latency", "500ms")

    def _rule(self, *ends: End, what: str) -> None:
        for end in ends:
            self._in(end, "nft", f"add rule {TABLE} arriving iifname {WIRE} {what}")

    def _in(self, end: End, *words: str) -> str:
        return _run(*self.command(end, words))


def _path() -> str:
    return f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"


def _run(*words: str) -> str:
    return subprocess.run(words, check=True, capture_output=True, text=True, timeout=COMMAND_S, env=os.environ | {"PATH": _path()}).stdout
