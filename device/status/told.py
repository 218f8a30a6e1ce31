"""The gate's file, taken apart: of the shape in which this version writes it, or not at all. Who reads on needs no doubts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from device.degraded import Health, Trouble
from device.errors import ContactError
from device.gate.status_file import FORM, STATUS_MAX


class NotToldError(ContactError):
    """The file is none that the gate has written whole, or not by this version; ``what`` goes on after its name."""


@dataclass(frozen=True, slots=True)
class Told:
    """``pid`` and ``started`` mark the process that wrote it, at ``at_ns`` on the monotonic clock of ``boot``."""

    boot: str
    pid: int
    started: int
    at_ns: int
    stopped: bool
    gate: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Each:
    """A list, or a table with keys of any name, whose values all have one shape."""

    kind: type
    shape: Any


_SECONDS = (int, None)
_OUTBOX = {"waiting": int, "full_percent": int, "since?": str}
GATE: dict[str, Any] = {
    "version": str,
    "up_s": int,
    "running_s": int,
    "time": str,
    "clock": str,
    "mode": str,
    "drill": bool,
    "lane": {"service": str, "free_by": (str, None), "serves_entry": bool},
    "health": {"health": Health, "troubles": Each(list, {"trouble": Trouble, "about?": str}), "outbox?": _OUTBOX},
    "policy": str,
    "bundles": Each(dict, int),
    "lists": Each(dict, {"version": int, "entries": int, "age_s": _SECONDS, "stale": (bool, None)}),
    "store": (
        {"epoch": str, "last_sequence": int, "unconfirmed": int, "fill": float, "disk_free_mib": int},
        {"epoch": str, "last_sequence": int, "fails": str},
    ),
    "broker": {"connected": bool, "for_s": int},
    "eyes": str,
    "last": {"frame_s": _SECONDS, "decision_s": _SECONDS, "confirmation_s": _SECONDS},
}
"""What ``gate/diagnostics.py`` tells. ``name?`` may be missing; a tuple holds what may stand there; what is not named here is passed over."""
FILE: dict[str, Any] = {"boot": str, "process": {"pid": int, "started": int}, "at_ns": int, "stopped": bool, "gate": GATE}

NUMBER_MAX = 2**63 - 1

AGAIN = "the gate makes it anew each second: ask again; if it stays so, does the gate run? `systemctl status qrgate-gate`"
OTHER = "was qrgate renewed while the gate ran? `sudo systemctl restart qrgate.target`"


def read(content: bytes, *, boot: str, now_ns: int) -> Told:
    """``boot`` and ``now_ns`` are those of the machine on which it is read. Raises NotToldError."""
    if not content:
        raise NotToldError("is empty", hint=AGAIN)
    if len(content) > STATUS_MAX:
        raise NotToldError(f"has more than {STATUS_MAX // 1024} KiB: no gate has written that", hint=AGAIN)
    try:
        told = json.loads(content)
    except (ValueError, RecursionError):  # also what is no UTF-8, and a number of thousands of digits
        raise NotToldError("is cut off or damaged", hint=AGAIN) from None
    if not isinstance(told, dict) or told.get("form") != FORM:
        raise NotToldError("was written by another version of the gate, or not by a gate", hint=OTHER)
    if not fits(told, FILE):
        raise NotToldError("is not as this version of the gate writes it", hint=OTHER)
    if told["boot"] == boot and told["at_ns"] > now_ns:
        raise NotToldError("is from the future: no gate on this machine has written it", hint=AGAIN)
    process = told["process"]
    return Told(told["boot"], process["pid"], process["started"], told["at_ns"], told["stopped"], told["gate"])


def fits(value: Any, shape: Any) -> bool:
    """Is ``value``, as JSON knows it, of ``shape``? Never raises."""
    match shape:
        case tuple():
            return any(fits(value, each) for each in shape)
        case Each(kind, inner):
            inside: Iterable[Any] = value.values() if isinstance(value, dict) else value
            return type(value) is kind and all(fits(each, inner) for each in inside)
        case Mapping():
            return isinstance(value, dict) and all(_has(value, name, inner) for name, inner in shape.items())
        case type() if issubclass(shape, StrEnum):
            return isinstance(value, str) and value in set(shape)
        case type():
            is_sound = abs(value) <= NUMBER_MAX if isinstance(value, int | float) else True  # NaN is not
            return type(value) is shape and is_sound  # true is no 1
        case _:
            return value is shape


def _has(table: dict[str, Any], name: str, shape: Any) -> bool:
    key = name.removesuffix("?")
    return fits(table[key], shape) if key in table else name != key
