"""What the broker keeps as this gate's state: ``ready`` (birth), ``disconnected`` (orderly stop), ``lost`` (the will).

The words are those of the Homie convention. All three are retained, so whoever subscribes later knows at once.
"""

from __future__ import annotations

import json
from enum import StrEnum
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from device.links import Hello

CAPABILITIES = ("void", "salvage", "commands", "time", "replayed")
"""What a consumer may count on. Words are only ever added; of one that he does not know he need not know anything."""


class State(StrEnum):
    READY = "ready"
    DISCONNECTED = "disconnected"
    LOST = "lost"


def body(state: State, gate: str, hello: Hello) -> bytes:
    """UTF-8 JSON; boot, epoch, last sequence and signed head as the gate told them when this connection was made."""
    content = {
        "state": state,
        "gate": gate,
        "boot": hello.boot,
        "epoch": hello.epoch,
        "last_sequence": hello.last_sequence,
        "version": own_version(),
        "capabilities": CAPABILITIES,
        "key": hello.key.hex(),
        "head": hello.head.hex(),
    }
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()


@cache
def own_version() -> str:
    try:
        return version("qrgate")
    except PackageNotFoundError:
        return "not installed"  # run from a checkout
