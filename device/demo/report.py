"""The demo's closing table."""

from __future__ import annotations

from typing import Any

from device.demo.prepared import FirstReadable
from device.demo.tally import Script, Tally, percentiles


def report(tally: Tally, *, recorded: int, waiting: int, script: Script | None, readable: FirstReadable) -> dict[str, Any]:
    """The table as data. ``wrong`` lists what was not as it should be; the demo succeeded if it is empty."""
    wrong = tally.deviations(script) if script else []
    if waiting:
        wrong.append(f"{waiting} of {recorded} events are not confirmed")
    if len(tally.events) != recorded or tally.gaps():
        wrong.append(f"{recorded} events were recorded, {len(tally.events)} reached the subscriber")
    counts = sorted(tally.reasons().items())
    return {
        "scripted": script is not None,
        "presentations": len(script.expected) if script else len(tally.of("decision")),
        "admitted": {reason: count for (admit, reason), count in counts if admit},
        "refused": {reason: count for (admit, reason), count in counts if not admit},
        "first_readable_to_relay_ms": _named(tally.readable_to_relay_ms(script, readable) if script else []),
        "decoded_to_relay_ms": _named(tally.decoded_to_relay_ms()),
        "events": {"recorded": recorded, "published": len(tally.events), "confirmed": recorded - waiting, "repeated": tally.repeated},
        "wrong": wrong,
    }


def print_report(table: dict[str, Any]) -> None:
    events = table["events"]
    print()
    _row("presentations", table["presentations"])
    _row("admitted", _by_reason(table["admitted"]))
    _row("refused", _by_reason(table["refused"]))
    _row("first readable frame → relay", _times(table["first_readable_to_relay_ms"]))
    _row("decoded → relay", _times(table["decoded_to_relay_ms"]))
    _row(
        "events", f"{events['recorded']} recorded, {events['published']} published, {events['confirmed']} confirmed, {events['repeated']} came twice"
    )
    for deviation in table["wrong"]:
        _row("WRONG", deviation)
    if table["wrong"]:
        print("\n  the demo FAILED")
    elif table["scripted"]:
        print("\n  every presentation was decided as expected, and every event is confirmed")
    else:
        print("\n  every event is confirmed")


def _named(values: list[float]) -> dict[str, float]:
    return dict(zip(("p50", "p95", "p99"), percentiles(values), strict=True)) if values else {}


def _row(name: str, value: object) -> None:
    print(f"  {name:<30} {value}")


def _by_reason(counts: dict[str, int]) -> str:
    return f"{sum(counts.values())}" + (f"   ({', '.join(f'{reason} {count}' for reason, count in counts.items())})" if counts else "")


def _times(named: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.1f} ms" for name, value in named.items()) or "none"
