"""How the gate is, in some aligned lines: first whether it runs and serves, then what is wrong, the gravest first, then the figures.

Words of the gate's file reach a terminal that may be root's: nothing of them is told that a terminal would obey.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from device.bundles.envelope import Kind
from device.degraded import CONDUCT, HEALTH_IN_WORDS, Health, Trouble
from device.domain import ClockTrust
from device.status.found import Found, Life
from device.turnstile.machine import Service

WIDTH = 17
TEXT_MAX = 100

MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86400


def lines(name: str, found: Found) -> list[str]:
    """``name`` says which gate it is."""
    return list(_lines(name, found))


def _lines(name: str, found: Found) -> Iterator[str]:
    gate = found.gate
    if found.life is Life.RUNS and gate is not None:
        yield f"{name}: {HEALTH_IN_WORDS[Health(gate['health']['health'])]}"
    else:
        yield f"{name}: {found.what}"
        yield _row("", f"→ {found.hint}")
        if gate is None:
            return
        yield ""
        when = "from before this machine started" if found.age_s is None else f"of {_span(int(found.age_s))} ago"
        yield f"its last word, {when}:"
    for trouble in gate["health"]["troubles"]:
        yield from _trouble(Trouble(trouble["trouble"]), _text(trouble.get("about", "")))
    yield ""
    for subject, told in (
        ("lane", _lane(gate)),
        ("waiting", _waiting(gate)),
        ("broker", f"{'there' if gate['broker']['connected'] else 'away'}, for {_span(gate['broker']['for_s'])}"),
        ("clock", f"{_text(gate['time'])}, {_text(gate['clock'])}" + ("" if gate["clock"] == ClockTrust.TRUSTED else ": no date is believed")),
        ("in force", _in_force(gate)),
        ("eyes", f"{_text(gate['eyes'])}; {_ago('frame', gate['last']['frame_s'])}"),
        ("lately", f"{_ago('decision', gate['last']['decision_s'])}; {_ago('confirmation', gate['last']['confirmation_s'])}"),
        ("program", f"qrgate {_text(gate['version'])}, running for {_span(gate['running_s'])}; the machine for {_span(gate['up_s'])}"),
    ):
        yield _row(subject, told)


def _trouble(trouble: Trouble, about: str) -> Iterator[str]:
    conduct = CONDUCT[trouble]
    yield ""
    yield _row(trouble, conduct.when)
    if about:
        yield _row("", f"here: {about}")
    yield _row("", f"entry: {conduct.entry}; exit: {conduct.exit}")
    yield _row("", f"→ {conduct.hint}")


def _row(subject: str, told: str) -> str:
    return f"{subject:<{WIDTH}} {told}"


def _lane(gate: dict[str, Any]) -> str:
    lane = gate["lane"]
    free = f"free by {_text(lane['free_by'])}" + (" (a drill)" if gate["drill"] else "") if lane["free_by"] else ""
    service = "" if lane["service"] == Service.NORMAL else _text(lane["service"])
    return ", ".join(each for each in (free, service) if each) or ("in service" if lane["serves_entry"] else "out of service")


def _waiting(gate: dict[str, Any]) -> str:
    store, outbox = gate["store"], gate["health"].get("outbox", {})
    if "fails" in store:
        return f"the store does not tell: {_text(store['fails'])}"
    since = f", the first since {_text(outbox['since'])}" if store["unconfirmed"] and "since" in outbox else ""
    filling = f"the store is {100 * store['fill']:.0f} % full, {store['disk_free_mib']:,} MiB of its disk are free"
    events = "event" if store["unconfirmed"] == 1 else "events"
    return f"{store['unconfirmed']:,} {events} for confirmation{since}; {filling}"


def _in_force(gate: dict[str, Any]) -> str:
    number = gate["bundles"].get(Kind.POLICY)
    policy = ("no policy" if number is None else f"policy {number}") + f" (mode {_text(gate['policy'])})"
    bundles = [f"{_text(kind)} {number}" for kind, number in gate["bundles"].items() if kind != Kind.POLICY]
    lists = [
        f"list {_text(kind)} {each['version']} ({each['entries']:,} entries{', too old' if each['stale'] else ''})"
        for kind, each in gate["lists"].items()
    ]
    return ", ".join((policy, *bundles, *lists))


def _ago(what: str, seconds: int | None) -> str:
    return f"no {what} since it began to run" if seconds is None else f"last {what} {_span(seconds)} ago"


def _span(seconds: int) -> str:
    """In the two largest units that say something."""
    if seconds < MINUTE_S:
        return f"{seconds} s"
    if seconds < HOUR_S:
        return f"{seconds // MINUTE_S} min {seconds % MINUTE_S} s"
    if seconds < DAY_S:
        return f"{seconds // HOUR_S} h {seconds % HOUR_S // MINUTE_S} min"
    return f"{seconds // DAY_S} d {seconds % DAY_S // HOUR_S} h"


def _text(told: str) -> str:
    cut = told[:TEXT_MAX]
    return cut if cut.isprintable() else ascii(cut)
