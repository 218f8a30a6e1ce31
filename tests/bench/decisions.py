"""From exact bytes to a decision: parsing, proof, rules. What is remembered and the disk are not in it.

Thread CPU time of one call, the cards and certificates by turns; 200 different ones of each, so that no answer is warm.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from statistics import median, quantiles
from typing import Any

from device import credentials
from device.admission.decide import decide
from device.admission.health_rules import read_health_rules
from device.admission.history import History
from device.admission.hours import Opening
from device.admission.lists import ListKind
from device.admission.policy import Declaration, Mode, Policy
from device.credentials.trust import Trust
from device.domain import ClockTrust, CredentialKind, Direction, Instant
from tests.bench.figures import Figures
from tests.device.credentials.hc1.issuer import HealthIssuer, certificate

CODES = 200
ROUNDS = 10
NS_PER_MS = 1e6
NOW = Instant(datetime(2022, 6, 1, 3, 0, tzinfo=UTC), ClockTrust.TRUSTED)
ISSUER = HealthIssuer()

COMPLETE = {">=": [{"var": "payload.v.0.dn"}, {"var": "payload.v.0.sd"}]}
RECENT = {
    "not-after": [
        {"plusTime": [{"var": "external.validationClock"}, 0, "day"]},
        {"plusTime": [{"var": "payload.v.0.dt"}, 270, "day"]},
    ]
}
KNOWN = {"in": [{"var": "payload.v.0.mp"}, {"var": "external.valueSets.products"}]}
OF_AGE = {"before": [{"dccDateOfBirth": [{"var": "payload.dob"}]}, {"plusTime": [{"var": "external.validationClock"}, -18, "year"]}]}
ONE_ENTRY = {"===": [{"reduce": [{"var": "payload.v"}, {"+": [{"var": "accumulator"}, 1]}, 0]}, 1]}
LOGICS = (COMPLETE, RECENT, KNOWN, OF_AGE, ONE_ENTRY)
RULES = 20


def measure() -> Figures:
    cards = [f"{999_000_000_000 + number}||Nguyễn Văn Thử|01021990|Nam|Khu phố 1, Phường Thử|15042021".encode() for number in range(CODES)]
    certificates = [ISSUER.issue(certificate(ci=f"URN:UVCI:01:VN:999{number:09d}#A")) for number in range(CODES)]
    unsigned, signed = [], []
    for turn in range(ROUNDS + 1):
        both = [_times(cards, Trust(), _policy(Mode.RECORD)), _times(certificates, ISSUER.trust, _policy(Mode.VERIFY))]
        if turn:  # the first round warms up what is compiled once
            unsigned += both[0]
            signed += both[1]
    return {
        "decide_unsigned_p50": (median(unsigned), "ms"),
        "decide_unsigned_p99": (quantiles(unsigned, n=100, method="inclusive")[98], "ms"),
        "decide_hc1_p50": (median(signed), "ms"),
        "decide_hc1_p99": (quantiles(signed, n=100, method="inclusive")[98], "ms"),
    }


def _times(payloads: Sequence[bytes], trust: Trust, policy: Policy) -> list[float]:
    history = History(listed={ListKind.DECLARED: 1})
    times = []
    for payload in payloads:
        began = time.thread_time_ns()
        decision = decide(credentials.read(payload, trust), policy, history, NOW)
        times.append((time.thread_time_ns() - began) / NS_PER_MS)
        assert decision.admit, decision
    return times


def _policy(mode: Mode) -> Policy:
    """One that asks everything that costs time."""
    return Policy(
        gate="g0001",
        zone="main",
        direction=Direction.ENTRY,
        mode=mode,
        accepts=frozenset(CredentialKind),
        hours=(Opening(0, 24 * 60),),
        capacity=100,
        grants_a_minute=60,
        reentry=False,
        declaration=Declaration(),
        health=read_health_rules({"country": "VN", "rules": [_rule(number) for number in range(RULES)], "value_sets": {"products": _products()}}),
    )


def _products() -> list[str]:
    return [f"EU/1/20/{number}" for number in range(1400, 1600)]


def _rule(number: int) -> dict[str, Any]:
    return {
        "Identifier": f"VR-VN-{number:04d}",
        "Type": "Acceptance",
        "Country": "VN",
        "Version": "1.0.0",
        "CertificateType": "Vaccination",
        "ValidFrom": "2021-06-01T00:00:00Z",
        "ValidTo": "2030-06-01T00:00:00Z",
        "Logic": LOGICS[number % len(LOGICS)],
    }
