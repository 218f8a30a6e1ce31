from __future__ import annotations

import json
from dataclasses import replace

import pytest

from provisioning.simulation.count import Count
from provisioning.simulation.report import Load, Outage, Report
from provisioning.simulation.servers import Cost

LOAD = Load(asked_per_s=50, confirmed_per_s=49.6, p50_ms=60, p99_ms=110)
OUTAGE = Outage(away_s=10, waited=480, back_s=16.5, settled_s=17.0)
REPORT = Report(gates=2000, connect_s=12.3, load=LOAD, greatest=None, outage=OUTAGE, drained_s=0.5, refused=0)
COUNT = Count(stored=3000, lost=0, alarms=0)


def test_a_run_has_held_where_nothing_was_lost_and_every_storm_settled() -> None:
    assert REPORT.held(COUNT)
    assert replace(REPORT, outage=None).held(COUNT)


@pytest.mark.parametrize(
    ("report", "count"),
    [
        pytest.param(REPORT, replace(COUNT, lost=1), id="one event is lost"),
        pytest.param(replace(REPORT, refused=1), COUNT, id="the broker refused one"),
        pytest.param(replace(REPORT, connect_s=None), COUNT, id="not all gates came"),
        pytest.param(replace(REPORT, drained_s=None), COUNT, id="something still waits"),
        pytest.param(replace(REPORT, outage=replace(OUTAGE, settled_s=None)), COUNT, id="the storm did not settle"),
    ],
)
def test_a_run_has_not_held_otherwise(report: Report, count: Count) -> None:
    assert not report.held(count)
    assert list(report.lines(count, {}))[-1] == "verdict    NOT held"


def test_a_run_is_told_in_words_and_as_a_document() -> None:
    costs = {"broker": Cost(cpu_s=6.93, memory_mib=67.4)}
    report = replace(REPORT, greatest=replace(LOAD, asked_per_s=1500))
    assert list(report.lines(COUNT, costs)) == [
        "gates      2000, all connected after 12.3 s",
        "load       50 events a second asked, 50 confirmed: 50 of 100 within 0.06 s, 99 within 0.11 s",
        "greatest   1500 events a second asked, 50 confirmed: 50 of 100 within 0.06 s, 99 within 0.11 s",
        "outage     the broker was away for 10 s, and up to 480 events waited",
        "           all gates were back after 16.5 s, all that waited was confirmed after 17.0 s",
        "stored     3000 events, 0 lost, 0 refused, 0 alarms",
        "           when nobody came any more, the last was confirmed after 0.5 s",
        "broker     6.9 s of processor time, 67 MiB",
        "verdict    held: nothing lost, every storm settled",
    ]
    document = json.loads(json.dumps(report.document(COUNT, costs)))
    assert (document["held"], document["lost"], document["outage"]["settled_s"], document["broker"]["cpu_s"]) == (True, 0, 17.0, 6.93)
