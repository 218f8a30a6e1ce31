from __future__ import annotations

import json

from device.links import Hello
from device.uplink.presence import State, body

HELLO = Hello("b", "e", 7, b"\x01\xff", b"signed")


def test_birth_goodbye_and_will_say_who_and_since_which_start() -> None:
    told = json.loads(body(State.READY, "g1", HELLO))
    version = told.pop("version")
    assert told == {
        "state": "ready",
        "gate": "g1",
        "boot": "b",
        "epoch": "e",
        "last_sequence": 7,
        "capabilities": ["void", "salvage", "commands", "time", "replayed"],
        "key": "01ff",
        "head": b"signed".hex(),
    }
    assert version
    assert [json.loads(body(state, "g1", HELLO))["state"] for state in State] == [
        "ready",
        "disconnected",
        "lost",
    ]
