"""What the province signs, asked as a gate reads it: the envelope, and each document once its signature was believed.

Payloads here are a few kilobytes, as all fuzzed ones. A document of full size has bounds of its own (``BUNDLE_MAX``,
``ENTRIES_MAX``), and takes as long as a start of the gate may take.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import cbor2

from device.admission import list_file, policy_document
from device.admission.certlogic import EvaluationError, ExpressionError, compile_expression
from device.admission.health_rules import HealthRules, read_health_rules
from device.admission.list_file import ListError, Manifest
from device.admission.lists import HASH_BYTES, ListKind
from device.admission.policy import Policy
from device.bundles import strict
from device.bundles.envelope import Audience, Bundle, Kind, Place, Refused, open_bundle, sign_bundle
from device.bundles.keys import read_keys
from device.bundles.trust import read_trust
from device.credentials import Trust, hc1, kd2
from device.domain import ClockTrust, Credential, CredentialKind, Direction, Instant, Proof
from device.errors import SettingsError, VerificationError
from device.events import confirmation
from device.events.confirmation import Confirmation
from device.events.pseudonyms import HeldKeys
from tests.device.credentials.hc1 import issuer
from tests.fuzz import seeds, writers
from tests.fuzz.trial import Target
from tests.lists import persons

NOW = Instant(datetime(2022, 5, 1, tzinfo=UTC), ClockTrust.TRUSTED)
NOW_S = int(NOW.utc.timestamp())
HERE = Place("p-999", "s-999", "g-999")
KEY = writers.PROVINCE.key
RULE_LIMIT_NS = 25_000_000
"""For rules, which are signed before anybody evaluates them: a ``reduce`` takes 64 times its own length (2.8 kB: 16 ms)."""

# --- good ones -------------------------------------------------------------------------------------------------

VACCINATED: dict[str, Any] = issuer.certificate()
CREDENTIAL = Credential(
    CredentialKind.HC1, Proof.PROVEN, b"uvci:999", valid_from_s=issuer.ISSUED_S, valid_until_s=issuer.EXPIRES_S, health=VACCINATED
)
COMPLETE = {">=": [{"var": "payload.v.0.dn"}, {"var": "payload.v.0.sd"}]}
RECENT = {"not-after": [{"plusTime": [{"var": "external.validationClock"}, 0, "day"]}, {"plusTime": [{"var": "payload.v.0.dt"}, 270, "day"]}]}
LOGICS: tuple[Any, ...] = (
    COMPLETE,
    RECENT,
    {"if": [{"var": "payload.v.0"}, {"and": [COMPLETE, RECENT]}, {"!": [{"in": [{"var": "payload.t.0.tt"}, ["LP6464-4", "LP217198-3"]]}]}]},
    {"reduce": [{"var": "payload.v"}, {"+": [{"var": "accumulator"}, {"var": "current.dn"}]}, 0]},
    {"===": [{"extractFromUVCI": [{"var": "payload.v.0.ci"}, 1]}, "VN"]},
    {"before": [{"dccDateOfBirth": [{"var": "payload.dob"}]}, {"plusTime": ["2022-05-01", -18, "year"]}]},
)
_TWICE = {"reduce": [[0] * 64, [{"var": "accumulator"}, {"var": "accumulator"}], 0]}
FOLDED = {"===": [_TWICE, _TWICE]}
"""Compares 2^64 values with as many, in 100 bytes."""
RULE = {
    "Identifier": "VR-VN-0001",
    "Type": "Acceptance",
    "Country": "VN",
    "Version": "1.0.0",
    "Engine": "CERTLOGIC",
    "CertificateType": "Vaccination",
    "ValidFrom": "2021-06-01T00:00:00Z",
    "ValidTo": "2030-06-01T00:00:00Z",
}
RULES: dict[str, Any] = {
    "country": "VN",
    "rules": [{**RULE, "Identifier": f"VR-VN-{number}", "Logic": logic} for number, logic in enumerate(LOGICS)],
    "value_sets": {
        "vaccines": ["EU/1/20/1528", "EU/1/20/1507"],
        "tests": {"valueSetId": "tests", "valueSetValues": {"LP6464-4": {}, "LP217198-3": {}}},
    },
}
POLICY: dict[str, Any] = {
    "mode": "verify",
    "accepts": ["kd1", "hc1"],
    "place": "ceremony",
    "site_kind": "temporary",
    "first_day": "2026-11-20",
    "last_day": "2026-11-22",
    "hours": [{"days": ["mon", "sun"], "from": "06:00", "to": "18:00"}, {"from": "22:00", "to": "05:00"}],
    "capacity": 100,
    "again_after_s": 0,
    "reentry": False,
    "roll_call": ["19:00", "07:00"],
    "declaration": {"not_declared": "remind", "unknown": "admit"},
    "lists": {"deny": "refuse", "allow": "overlook"},
    "identity": {"sealed": True, "recipient": "85" * 32, "retention_days": 21},
    "health": {"country": "VN", "rules": [{**RULE, "Logic": COMPLETE}]},
    "shadow": {"mode": "list"},
    "gates": {"g-999": {"capacity": 7, "place": "office", "shadow": {"capacity": 5}}, "g-998": {"lists": {"allow": "refuse"}}},
}
TRUSTED: dict[str, Any] = {
    "passes": [seeds.ISSUER.public],
    "rotating": {kd2.key_id(seeds.ROTATING): {"secret": seeds.ROTATING, "zones": ["main"], "direction": "entry", "until": 1_900_000_000}},
    "health": [{"kid": seeds.HEALTH.kid, "certificate": seeds.HEALTH.der}],
    "cards": [{"issuer": seeds.CARDS.url, "kid": seeds.CARDS.kid, "key": seeds.CARD_POINT}],
    "seals": [{"country": "VNM", "certificate": seeds.HEALTH.der}],
}
SIGNERS: dict[str, Any] = {
    base64.b64encode(seeds.HEALTH.kid).decode(): [{"x5c": base64.b64encode(seeds.HEALTH.der).decode(), "country": "VN", "notAfter": 1_690_000_000}]
}
DAYS: dict[str, Any] = {"site": "s-999", "days": {f"2026-11-{day}": bytes([day]) * 32 for day in range(20, 30)}}
CONFIRMED = Confirmation("g-999", "0badcafe", 1, 20, b"\x99" * 32)
BODY = writers.PROVINCE.body(persons(range(20)))
MANIFEST = writers.PROVINCE.manifest(
    *(ListKind.DECLARED, 8, BODY), sites=("s-999",), base=list_file.Base(7, b"\x07" * 32), members=(BODY[:12],), strangers=(b"?" * HASH_BYTES,)
)

# --- as a gate reads them --------------------------------------------------------------------------------------


def _logic(payload: bytes) -> object:
    """Compiled, and asked about a certificate."""
    return compile_expression(strict.decode(payload))({"payload": VACCINATED, "external": {"validationClock": "2022-05-01T00:00:00Z"}})


def _rules(payload: bytes) -> HealthRules:
    rules = read_health_rules(strict.decode(payload))
    rules.failed(CREDENTIAL, NOW)
    return rules


def _policy(payload: bytes) -> Policy:
    content = strict.decode(payload)
    if type(content) is not dict:  # the envelope lets tables through only
        raise VerificationError("no table")
    return policy_document.read(content, gate="g-999", site="s-999", zone="main", direction=Direction.ENTRY, health_rules=read_health_rules)


def _signers(payload: bytes) -> dict[bytes, Any]:
    try:
        document = json.loads(payload)
    except (ValueError, RecursionError):  # as bundles come, it is no text
        raise VerificationError("no JSON") from None
    return hc1.read_trust_list(document)


def _manifest(payload: bytes) -> Manifest:
    return list_file.proven(list_file.read_head(payload).envelope, KEY.public_key())


def _of(name: str, call: Callable[[bytes], object], answers: tuple[type, ...], tree: Any) -> Target:
    """A document in the CBOR of bundles."""
    return Target(name, call, (strict.encode(tree),), answers, (VerificationError, SettingsError), writers.document(tree))


TARGETS = (
    Target(
        "certlogic",
        _logic,
        tuple(map(strict.encode, LOGICS)),
        (bool, int, str, list, dict, datetime, type(None)),
        (ExpressionError, EvaluationError, VerificationError),
        lambda source: writers.document(source.choice((*LOGICS, FOLDED)))(source),
        RULE_LIMIT_NS,
    ),
    replace(_of("rules", _rules, (HealthRules,), RULES), limit_ns=RULE_LIMIT_NS),
    _of("policy", _policy, (Policy,), POLICY),
    _of("trust", lambda payload: read_trust(strict.decode(payload), read_signer=hc1.signer_of), (Trust,), TRUSTED),
    _of("keys", lambda payload: read_keys(strict.decode(payload), site="s-999"), (HeldKeys,), DAYS),
    Target("signers", _signers, (json.dumps(SIGNERS).encode(),), (dict,), (VerificationError,), writers.plain_json(SIGNERS)),
    Target(
        "bundle",
        lambda payload: open_bundle(payload, KEY.public_key(), place=HERE, passed_s=NOW_S),
        (sign_bundle(KEY, Kind.POLICY, Audience("p-999", ("s-999",)), {"place": "market"}, seq=2, issued_s=NOW_S, expires_s=NOW_S + 99),),
        (Bundle, Refused),
        write=writers.bundle,
    ),
    Target(
        "list",
        _manifest,
        (writers.PROVINCE.signed(MANIFEST, BODY),),
        (Manifest,),
        (ListError,),
        lambda source: writers.manifest(source, cbor2.loads(list_file.encode(MANIFEST))),
    ),
    Target(
        "confirmation",
        confirmation.decode,
        (confirmation.encode(CONFIRMED),),
        (Confirmation,),
        (VerificationError,),
        writers.plain(cbor2.loads(confirmation.encode(CONFIRMED))),
    ),
)
