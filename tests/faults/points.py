"""The points of the work between which somebody may be killed, and a program that dies or kills there when it is told to.

``python -m tests.faults.points ORDER PROGRAM …`` is one of the project's programs with these points in it. Who writes ``NAME PROCESS``
into the file ORDER has that process killed the next time the program passes the point NAME; PROCESS 0 is the program itself.
The order is carried out once: the file is gone then.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Passed = Callable[[tuple[Any, ...], dict[str, Any]], bool]


def _always(_arguments: tuple[Any, ...], _named: dict[str, Any]) -> bool:
    return True


def _switches_on(_arguments: tuple[Any, ...], named: dict[str, Any]) -> bool:
    return bool(named["on"])


def _has_events(arguments: tuple[Any, ...], _named: dict[str, Any]) -> bool:
    return bool(arguments[1])


@dataclass(frozen=True, slots=True)
class Point:
    """Before or after ``function`` of ``module`` has done its work, in the process ``owner``; ``victims`` are worth killing then."""

    owner: str
    victims: tuple[str, ...]
    module: str
    function: str
    before: bool = False
    passed: Passed = _always


POINTS = {
    "decided": Point("gate", ("gate",), "device.gate.deciding", "decide"),
    "committed": Point("gate", ("gate",), "device.gate.act", "Act.grant", before=True),
    "relay on": Point("gate", ("gate",), "device.gate.outputs.serial_board", "SerialBoard.order", passed=_switches_on),
    "published": Point("uplink", ("uplink", "broker"), "device.uplink.client", "Session.publish"),
    "acknowledged": Point("uplink", ("uplink", "broker"), "device.uplink.client", "Session._on_publish", before=True),
    "arrived": Point("recorder", ("recorder", "broker"), "provisioning.operations.archive", "Archive.store", before=True, passed=_has_events),
    "stored": Point("recorder", ("recorder", "broker"), "provisioning.operations.archive", "Archive.store", passed=_has_events),
    "confirmed": Point("recorder", ("recorder", "broker"), "provisioning.operations.connection", "Connection.publish"),
    "to be deleted": Point("gate", ("gate",), "device.gate.store", "Store.confirm", before=True),
    "deleted": Point("gate", ("gate",), "device.gate.store", "Store.confirm"),
}
"""In the order in which a presentation passes them."""

SELF = 0


def find(point: Point) -> tuple[Any, str]:
    """The module or class that holds the function, and its name there."""
    holder: Any = importlib.import_module(point.module)
    *classes, function = point.function.split(".")
    for each in classes:
        holder = getattr(holder, each)
    return holder, function


def _put_in(name: str, point: Point, order: Path) -> None:
    holder, function = find(point)
    original = getattr(holder, function)

    def passing(*arguments: Any, **named: Any) -> Any:
        if point.before and point.passed(arguments, named):
            _carry_out(name, order)
        result = original(*arguments, **named)
        if not point.before and point.passed(arguments, named):
            _carry_out(name, order)
        return result

    setattr(holder, function, passing)


def _carry_out(name: str, order: Path) -> None:
    try:
        wanted, _, process = order.read_text(encoding="ascii").rpartition(" ")
        if wanted != name:
            return
        order.unlink()
    except FileNotFoundError:
        return
    os.kill(int(process) or os.getpid(), signal.SIGKILL)


def main(order: Path, words: list[str]) -> int:
    owner = words[1] if words[0] == "run" else words[0]
    program = importlib.import_module("device.cli" if words[0] == "run" else "provisioning.cli")
    for name, point in POINTS.items():
        if point.owner == owner:
            _put_in(name, point, order)
    return int(program.main(words))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
