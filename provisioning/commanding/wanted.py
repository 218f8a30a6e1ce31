"""What the command line wants done, made into a deed, and the file that goes with it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from device.commands import deeds
from device.commands.deeds import Deed, Diagnose, Erase, Replay, Restart
from device.errors import UsageError, VerificationError
from provisioning.commanding import ordering

FORWARD = "EPOCH:FIRST-LAST, and the first stands before the last"
RANGE = re.compile(r"([0-9a-f]{1,32}):([0-9]{1,19})-([0-9]{1,19})")


def _made(verb: deeds.Verb, what: str, table: dict[str, Any], hint: str) -> tuple[Deed, bytes]:
    try:
        return deeds.read(verb, table), b""
    except VerificationError:
        raise UsageError(f"{what!r} is nothing that `{verb}` knows" if what else f"`{verb}` needs one word more", hint=hint) from None


def _nothing_more(deed: Deed) -> Callable[[str], tuple[Deed, bytes]]:
    def make(what: str) -> tuple[Deed, bytes]:
        if what:
            raise UsageError(f"{what!r} means nothing here", hint=f"`{deeds.verb_of(deed)}` stands alone")
        return deed, b""

    return make


def _drill(what: str) -> tuple[Deed, bytes]:
    minutes = int(what or 10) if re.fullmatch(r"[0-9]{0,4}", what) else 0
    return _made(deeds.Verb.DRILL, what, {"minutes": minutes}, "minutes from 1 to 30")


def _range(what: str) -> tuple[str, int, int]:
    found = RANGE.fullmatch(what)
    if found is None:
        raise UsageError("which events?", hint="EPOCH:FIRST-LAST, such as 5f0c:1-500; `qrgate-provision gates` shows epochs")
    return found[1], int(found[2]), int(found[3])


def _replay(what: str) -> tuple[Deed, bytes]:
    epoch, first, last = _range(what)
    return _made(deeds.Verb.REPLAY, what, deeds.arguments(Replay(epoch, ((first, last),))), FORWARD)


def _erase(what: str) -> tuple[Deed, bytes]:
    return _made(deeds.Verb.ERASE, what, deeds.arguments(Erase(*_range(what))), FORWARD)


def _bundle(what: str) -> tuple[Deed, bytes]:
    if not what:
        raise UsageError("which file?", hint="bundle FILE: a bundle or a list that the office has signed")
    try:
        with Path(what).open("rb") as file:
            content = file.read(max(deeds.FILE_MAX.values()) + 1)
    except OSError as error:
        raise UsageError(f"{what} cannot be read: {error.strerror}", hint="bundle FILE: a bundle or a list that the office has signed") from None
    return ordering.announced(content), content


MAKERS: dict[str, Callable[[str], tuple[Deed, bytes]]] = {
    "open": lambda what: _made(deeds.Verb.OPEN, what, {"direction": what or "entry"}, "entry or exit"),
    "mode": lambda what: _made(deeds.Verb.MODE, what, {"mode": what}, "normal, free or locked"),
    "drill": _drill,
    "bundle": _bundle,
    "diagnostics": _nothing_more(Diagnose()),
    "restart": _nothing_more(Restart()),
    "replay": _replay,
    "erase": _erase,
}
"""For each verb: what stands behind it on the command line, made into a deed, and the bytes of a file. Each raises UsageError."""
